/**
 * `npm run bench:failover`: the time from `kill -9` of a leader to the next acknowledged write, for a cluster of the
 * newest stage and for etcd, by turns.
 */
import { setTimeout as delay } from 'node:timers/promises'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { wholeNumber } from '../../../client/commands/arguments.js'
import { table } from '../../../client/text/table.js'
import { latest } from '../../../stages/index.js'
import { etcdIsMissing } from '../etcd/cluster.js'
import { startEtcdAt } from './etcd.js'
import { startStage } from './stage.js'
import type { Start, Subject } from './subject.js'

const option = (describe: string, fallback: number, from: number, to: number, name: string) =>
  ({ type: 'number', default: fallback, describe, coerce: wholeNumber(name, from, to), requiresArg: true }) as const

const { kills, nodes } = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:failover --')
  .usage('$0 [options]\n\nMeasures the time from `kill -9` of a leader to the next acknowledged write.')
  .option('kills', option('how often each leader is killed', 40, 1, 10_000, 'kills'))
  .option('nodes', option('how many nodes', 5, 3, 99, 'nodes'))
  .strict()
  .help()
  .version(false)
  .parseAsync()

/** Heartbeat and election time-out, in milliseconds: the defaults of both, and shorter ones. */
const paces = [
  { heartbeatMs: 100, electionMs: 1_000 },
  { heartbeatMs: 50, electionMs: 300 },
]

const starts: Record<string, Start> = { [`stage ${latest.number}`]: startStage }
const missing = etcdIsMissing()
if (missing === null) starts.etcd = startEtcdAt
else console.error(missing)

/** Writes go on for a while before a kill, so that it comes at any moment between two heartbeats. */
async function failOver(subject: Subject, heartbeatMs: number): Promise<number> {
  for (let left = 10; left > 0; left--) await subject.write('before')
  await delay(Math.random() * 2 * heartbeatMs)
  const killedAt = performance.now()
  subject.kill()
  await subject.write('after')
  const ms = performance.now() - killedAt
  await subject.revive()
  return ms
}

const part = (sorted: readonly number[], share: number) => sorted[Math.ceil(share * sorted.length) - 1]!

const rows: string[][] = []
for (const pace of paces) {
  const names = Object.keys(starts)
  const subjects = await Promise.all(names.map((name) => starts[name]!(nodes, pace)))
  const times: number[][] = names.map(() => [])
  for (let kill = 1; kill <= kills; kill++) {
    for (const [at, subject] of subjects.entries()) times[at]!.push(await failOver(subject, pace.heartbeatMs))
    console.error(`kill ${kill}: ${times.map((all, at) => `${names[at]} ${all.at(-1)!.toFixed(0)} ms`).join(', ')}`)
  }
  await Promise.all(subjects.map((subject) => subject.stop()))
  for (const [at, all] of times.entries()) {
    const sorted = all.toSorted((one, other) => one - other)
    const figures = [part(sorted, 0.5), part(sorted, 0.95), sorted.at(-1)!]
    const name = `${names[at]}, ${nodes} nodes, ${pace.heartbeatMs}/${pace.electionMs} ms`
    rows.push([name, ...figures.map((ms) => ms.toFixed(0)), (figures[1]! / pace.electionMs).toFixed(2)])
  }
}
console.log(table([['', 'p50 ms', 'p95 ms', 'worst ms', 'p95 ÷ election time-out'], ...rows]))
process.exit()
