/**
 * `npm run bench:hosts`: a cluster of the newest stage and one of etcd, each node on a host of its own, with the same
 * faults of lines under the same load. Linux, root.
 */
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { wholeNumber } from '../../../client/commands/arguments.js'
import { onHosts } from '../../../client/commands/inside-hosts.js'
import { table } from '../../../client/text/table.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import { median } from '../measure.js'
import { type CaseName, cases, rolling } from './cases.js'
import { type Outcome, runCase, runRolling } from './run.js'
import { type Subject, startSubjects } from './subject.js'

const option = (describe: string, fallback: number, from: number, to: number, name: string) =>
  ({ type: 'number', default: fallback, describe, coerce: wholeNumber(name, from, to), requiresArg: true }) as const

const names = [...(Object.keys(cases) as CaseName[]), rolling] as const

const args = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:hosts --')
  .usage('$0 [options]\n\nMeasures the newest stage and etcd on hosts of their own, with the same faults of lines.')
  .option('cases', { type: 'array', choices: names, default: names, describe: 'which of them' })
  .option('clients', { type: 'array', number: true, default: [1, 64], describe: 'clients at once, in closed loops' })
  .option('rounds', option('how often each is measured, in turns', 2, 1, 1_000, 'rounds'))
  .option('seconds', option('seconds that count', 6, 1, 3_600, 'seconds'))
  .option('warm-up', option('seconds of load before that', 3, 1, 3_600, 'warm-up'))
  .option('nodes', option('how many nodes', 5, 5, 9, 'nodes'))
  .strict()
  .help()
  .version(false)
  .parseAsync()

const heads = ['', '÷ etcd', 'ops/s', 'p50 ms', 'p99 ms', 'max ms', 'elections', 'leader MB', 'behind', 'caught up s']

/** Gives the lines of a case under one load, ours first. */
function linesOf(title: string, subjects: readonly Subject[], rounds: readonly (readonly Outcome[])[]): string[][] {
  const ratio = median(rounds.map(([ours, other]) => ours!.measurement.opsPerSecond / other!.measurement.opsPerSecond))
  return subjects.map(({ name }, at) => {
    const all = rounds.map((round) => round[at]!)
    const middle = (of: (outcome: Outcome) => number) => median(all.map(of))
    const most = (of: (outcome: Outcome) => number) => Math.max(...all.map(of))
    return [
      at === 0 ? `${title}: ${name}` : `  ${name}`,
      at === 0 ? ratio.toFixed(2) : '',
      middle(({ measurement }) => measurement.opsPerSecond).toFixed(0),
      middle(({ measurement }) => measurement.latencyMs.p50).toFixed(1),
      middle(({ measurement }) => measurement.latencyMs.p99).toFixed(1),
      most(({ measurement }) => measurement.latencyMs.max).toFixed(0),
      String(most(({ elections }) => elections)),
      most(({ leaderMegabytes }) => leaderMegabytes).toFixed(0),
      String(most(({ behind }) => behind)),
      all.some(({ caughtUpSeconds }) => caughtUpSeconds === null)
        ? 'not within 20'
        : most(({ caughtUpSeconds }) => caughtUpSeconds!).toFixed(1),
    ]
  })
}

/** A load before all others: functions that are not compiled yet took two thirds of the writes on a busy machine. */
const compiling = { clients: 64, warmUpSeconds: 1, seconds: 15 }

async function measure(hosts: Hosts): Promise<number> {
  const { clients: loads, rounds, seconds, warmUp: warmUpSeconds, nodes, cases: chosen } = args
  const subjects = await startSubjects(hosts, nodes)
  const rows: string[][] = []
  for (const subject of subjects) await runCase(hosts, subject, cases.healthy, compiling)
  for (const name of chosen) {
    if (name === rolling) continue
    for (const clients of loads) {
      const outcomes: Outcome[][] = []
      for (let round = 1; round <= rounds; round++) {
        const row: Outcome[] = []
        for (const subject of subjects)
          row.push(await runCase(hosts, subject, cases[name], { clients, warmUpSeconds, seconds }))
        outcomes.push(row)
        console.error(
          `${name}, ${clients} clients, round ${round}: ${row.map(({ measurement }, at) => `${subjects[at]!.name} ${measurement.opsPerSecond.toFixed(0)} ${JSON.stringify(measurement.errors)}`).join(', ')}`,
        )
      }
      rows.push(...linesOf(`${cases[name].title}, ${clients} clients`, subjects, outcomes))
    }
  }
  if (rows.length > 0) console.log(table([heads, ...rows]))
  if (chosen.includes(rolling))
    for (const subject of subjects)
      for (let round = 1; round <= rounds; round++) {
        const pauses = await runRolling(hosts, subject)
        console.log(
          `${subject.name}, longest pause: ${pauses.map(([id, ms]) => `${id} ${ms.toFixed(0)} ms`).join(' · ')}`,
        )
      }
  for (const subject of subjects) await subject.stop()
  return 0
}

process.exit(await onHosts({ hosts: 'netns', ui: false, uiPort: 0 }, ({ hosts }) => measure(hosts!)))
