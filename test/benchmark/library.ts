/**
 * `npm run bench:library`: commands a second through nodes inside programs, beside the server's. Both are three processes
 * with their logs on disk. The program at the leader proposes; the server's client sends over a socket. The two take turns.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { publishingSends } from '../../client/raft/diagnostics.js'
import type { Message, Network } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { dataFolder, removeFolder } from './data-folder.js'
import type { Work, Worked } from './library-node.js'
import type { Profile } from './profiles.js'
import { StageCluster, stopAllClusters } from './stage-cluster.js'

const host = '127.0.0.1'
const nodes = 3

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    atonce: { type: 'string', default: '64,512' },
  },
})

async function ask<T>(child: ChildProcess, message: Work | 'role'): Promise<T> {
  child.send(message)
  const [answer] = (await once(child, 'message')) as [T]
  return answer
}

/** Three processes with nodes inside, and the one that leads. */
async function library() {
  const folder = dataFolder()
  const peers = localMembers(nodes, host, await freeBasePort(nodes, host)).map(({ id, peer }) => ({ id, peer }))
  const children = peers.map((self) => {
    const settings = { ...self, bootstrap: peers, dataDir: join(folder, self.id) }
    return fork(new URL('library-node.js', import.meta.url), [JSON.stringify(settings)])
  })
  const isLeader = async (child: ChildProcess) => {
    const { role, voters } = await ask<{ role: string; voters: number }>(child, 'role')
    return role === 'leader' && voters === nodes
  }
  for (;;) {
    const leads = await Promise.all(children.map(isLeader))
    const leader = children[leads.indexOf(true)]
    const end = async () => {
      for (const child of children) child.send('end')
      await Promise.all(children.map((child) => once(child, 'exit')))
      removeFolder(folder)
    }
    if (leader) return { run: (work: Work) => ask<Worked>(leader, work), end }
    await delay(50)
  }
}

/** Three processes of the server, and a client with one connection to the leader. */
async function server() {
  const cluster = await StageCluster.start({ stage: 10, nodes, network: 'tcp', log: 'file' } as Profile)
  const client = new Client({ addresses: [cluster.address], session: false })
  const run = async ({ atOnce, ms, valueBytes }: Work): Promise<Worked> => {
    const begin = performance.now()
    const value = 'x'.repeat(valueBytes)
    const latencies: number[] = []
    const one = async (at: number) => {
      for (let turn = 0; performance.now() - begin < ms; turn++) {
        const asked = performance.now()
        await client.set(`k${(at + turn * atOnce) % 10_000}`, value)
        latencies.push(performance.now() - asked)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, (_, at) => one(at)))
    const [p50, p99] = percentiles(latencies)
    return { operations: latencies.length, ms: performance.now() - begin, p50, p99 }
  }
  const end = async () => {
    await client.close()
    await stopAllClusters()
  }
  return { run, end }
}

function percentiles(latencies: number[]): [number, number] {
  const sorted = latencies.toSorted((a, b) => a - b)
  return [sorted[Math.floor(sorted.length * 0.5)] ?? 0, sorted[Math.floor(sorted.length * 0.99)] ?? 0]
}

/** Nanoseconds that a call takes. */
function nanoseconds(call: () => void): number {
  const calls = 5_000_000
  const begin = process.hrtime.bigint()
  for (let at = 0; at < calls; at++) call()
  return Number(process.hrtime.bigint() - begin) / calls
}

/** The cost of a channel of diagnostics to which nobody listens, in nanoseconds for each message. */
function costOfSilence(): number {
  let sent = 0
  const plain = { send: () => void sent++ } as unknown as Network
  const wrapped = publishingSends('n1', plain)
  const message = { type: 'Nothing', from: 'n1', to: 'n2' } as Message
  const pairs = Array.from(
    { length: 7 },
    () => nanoseconds(() => wrapped.send(message)) - nanoseconds(() => plain.send(message)),
  )
  return pairs.toSorted((a, b) => a - b)[3]!
}

const [inside, outside] = [await library(), await server()]
const ms = Number(options.seconds) * 1_000
const perSecond = ({ operations, ms }: Worked) => Math.round((operations * 1_000) / ms)
const row = (name: string, worked: Worked) =>
  `${name.padEnd(8)} ${String(perSecond(worked)).padStart(7)} commands/s   p50 ${worked.p50.toFixed(2)} ms   p99 ${worked.p99.toFixed(2)} ms`
for (const atOnce of options.atonce.split(',').map(Number)) {
  const work = { atOnce, valueBytes: 100, ms }
  for (const one of [inside, outside]) await one.run({ ...work, ms: 1_000 })
  for (let round = 1; round <= Number(options.rounds); round++) {
    console.log(`${atOnce} at once, round ${round}`)
    console.log(row('library', await inside.run(work)))
    console.log(row('server', await outside.run(work)))
  }
}
await inside.end()
await outside.end()
console.log(`diagnostics without a listener: ${costOfSilence().toFixed(1)} ns for each message`)
