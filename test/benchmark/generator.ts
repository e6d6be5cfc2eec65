/** The load generator: a process of its own, so that it takes no time from what it measures but its share of the machine. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseAddress } from '../../src/address.js'
import { Load, type LoadShape, type Tally } from './load.js'
import type { ProtocolName } from './protocols.js'

/** What the generator is told, as JSON in its first argument. */
export interface Plan extends LoadShape {
  /** The nodes that are asked. */
  readonly addresses: readonly string[]
  readonly protocol: ProtocolName
  /** The server's processes, whose processor time is counted. */
  readonly pids: readonly number[]
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** One measurement. */
export interface Measurement extends Tally {
  readonly seconds: number
  readonly opsPerSecond: number
  /** Processor time of all the server's processes for one operation; null where the system does not tell. */
  readonly serverCpuMicroseconds: number | null
  readonly generatorCpuMicroseconds: number
  /** The part of the time, from 0 to 1, in which the generator was at work: near 1 it is the limit, not the server. */
  readonly generatorBusy: number
}

/** What the generator says, once, to the process that started it. */
export type GeneratorMessage = { readonly measurement: Measurement } | { readonly problem: string }

/** Linux counts a process's time in hundredths of a second, whatever its clock. */
const clockTickMicroseconds = 10_000

/** User and system time of some processes together, threads included. */
function cpuMicroseconds(pids: readonly number[]): number | null {
  try {
    return pids.reduce((sum, pid) => {
      // The second field is the program's name in brackets, and may hold anything; 12 and 13 behind it are the times.
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
      return sum + (Number(fields[11]) + Number(fields[12])) * clockTickMicroseconds
    }, 0)
  } catch {
    return null
  }
}

async function measure(plan: Plan, say: (message: GeneratorMessage) => void): Promise<void> {
  const load = new Load(plan, plan.protocol)
  const addresses = plan.addresses.map((address) => parseAddress(address)!)
  await load.start(addresses, (reason) => say({ problem: `a connection to ${plan.addresses} was lost: ${reason}` }))
  await delay(plan.warmUpSeconds * 1000)
  load.reset()
  const startedAt = performance.now()
  const ownCpu = process.cpuUsage()
  const busy = performance.eventLoopUtilization()
  const serverCpu = cpuMicroseconds(plan.pids)
  await delay(plan.seconds * 1000)
  const tally = load.tally()
  const seconds = (performance.now() - startedAt) / 1000
  const serverCpuNow = cpuMicroseconds(plan.pids)
  const { user, system } = process.cpuUsage(ownCpu)
  const each = Math.max(1, tally.operations)
  const measurement: Measurement = {
    ...tally,
    seconds,
    opsPerSecond: tally.operations / seconds,
    serverCpuMicroseconds: serverCpu === null || serverCpuNow === null ? null : (serverCpuNow - serverCpu) / each,
    generatorCpuMicroseconds: (user + system) / each,
    generatorBusy: performance.eventLoopUtilization(busy).utilization,
  }
  say({ measurement })
}

process.on('disconnect', () => process.exit())
// Ctrl-C goes to the whole process group; what it means is for the starter to decide.
process.on('SIGINT', () => {})

const say = (message: GeneratorMessage) => {
  // Whatever comes after the first word, such as the end of the connections, is no news.
  if (process.connected) process.send!(message, () => process.exit())
}
measure(JSON.parse(process.argv[2]!) as Plan, say).catch((error: Error) => say({ problem: error.message }))
