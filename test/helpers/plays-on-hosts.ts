import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { catalogue } from '../../src/proof/scenario/catalogue.js'
import { identityOf, type OnRecord } from '../../src/proof/scenario/on-record.js'
import type { Scenario, Verdict } from '../../src/proof/scenario/scenario.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'

const inside = fileURLToPath(new URL('../hosts/scenarios.js', import.meta.url))

/** The first stage with nodes that speak to each other: before it, hosts have no links to break. */
const firstStage = 2

/** One play: a script of the catalogue at a stage. */
export interface Pair {
  readonly scenario: Scenario
  readonly stage: Stage
}

export interface InVirtualTime {
  /** The verdict that is to come: that of virtual time, or *holds* for a script that needs real sockets. */
  readonly expected: Verdict
  /** The identity of the play, for the record. */
  readonly play: string
}

/** A play on hosts, beside the same play in virtual time. */
export interface Beside extends Pair, InVirtualTime {
  readonly onHosts: Verdict
  readonly transcript: readonly string[]
}

/** Lists all that can be played on hosts, the scripts in the order of the catalogue. */
export function pairsOnHosts(): Pair[] {
  const real = catalogue().filter(({ drivers }) => drivers.includes('real'))
  return real.flatMap((scenario) => {
    const from = Math.max(scenario.fromStage, firstStage)
    return stages.filter(({ number }) => number >= from).map((stage) => ({ scenario, stage }))
  })
}

/** Finds pairs by names such as `N3 2`. */
export function pairsNamed(names: readonly string[]): Pair[] {
  const all = pairsOnHosts()
  return names.map((name) => all.find((pair) => nameOf(pair) === name)!)
}

export const nameOf = ({ scenario, stage }: Pair) => `${scenario.id} ${stage.number}`

/** Finds the verdict that a play is to have, and its identity, in virtual time where that can be. */
export async function inVirtualTime({ scenario, stage }: Pair): Promise<InVirtualTime> {
  if (!scenario.drivers.includes('virtual'))
    return { expected: 'holds', play: identityOf({ scenario, fingerprint: null }) }
  const played = await playVirtually(scenario, stage)
  return { expected: played.verdict, play: identityOf(played) }
}

/**
 * Plays pairs on hosts, several at once. One whose verdict is another than in virtual time is played once more: a machine
 * that has much to do can hold up any process for longer than an election takes.
 *
 * @param isDue leaves out plays, by what virtual time says of them
 * @param perform called with each play when it is over, in no certain order
 */
export async function playOnHosts(
  pairs: readonly Pair[],
  programs: number,
  isDue: (pair: Pair, virtual: InVirtualTime) => boolean,
  perform: (played: Beside) => void,
): Promise<void> {
  const waiting = [...pairs]
  const work = async () => {
    const child = spawn('unshare', ['--net', '--mount', process.execPath, inside], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const playOnce = async (pair: Pair) => {
      child.stdin.write(`${nameOf(pair)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`the program that was to play ${nameOf(pair)} on hosts ended`)
      return JSON.parse(value as string) as { verdict: Verdict; transcript: string[] }
    }
    try {
      for (let pair = waiting.shift(); pair; pair = waiting.shift()) {
        const virtual = await inVirtualTime(pair)
        if (!isDue(pair, virtual)) continue
        let played = await playOnce(pair)
        if (played.verdict !== virtual.expected) played = await playOnce(pair)
        perform({ ...pair, ...virtual, onHosts: played.verdict, transcript: played.transcript })
      }
    } finally {
      child.stdin.end()
      await closed
    }
  }
  await Promise.all(Array.from({ length: programs }, work))
}

/** Makes the line of the record for a play. */
export function recordOf({ scenario, stage, onHosts, play }: Beside, on: string): OnRecord {
  return { scenario: scenario.id, stage: stage.number, verdict: onHosts, play, on }
}
