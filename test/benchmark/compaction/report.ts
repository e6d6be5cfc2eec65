import { availableParallelism, cpus, loadavg } from 'node:os'
import { table } from '../../../client/text/table.js'
import type { Snapshot, Status } from '../../../src/contracts.js'
import { defaultPace } from '../../../src/server/config.js'
import { nothingSeen, type Phase, type Taken } from './observations.js'
import type { Return } from './run.js'
import { ownName, type WatchedCluster } from './watched-cluster.js'

const whole = (value: number) => Math.round(value).toLocaleString('en-US')
const mebibytes = (bytes: number) => whole(bytes / 2 ** 20)

export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown'
  const load = loadavg().map((each) => each.toFixed(1))
  return `${availableParallelism()} cores (${model}), Node ${process.version.slice(1)}, load average ${load.join(' ')}`
}

/** All that was seen, for a person. */
export function report(cluster: WatchedCluster, returns: readonly Return[], leader: Status): string {
  const { phases, taken } = cluster
  const names = [...cluster.members.map(({ id }) => id), ownName]
  const heads = names.map((name) => (name === leader.id ? `${name} (leader)` : name))
  return [
    ['what came back to the clients', loads(phases)],
    [
      'longest pause of each event loop, ms, and what part of the longest the collector had',
      pauses(phases, names, heads),
    ],
    ['memory of each process at most, MiB', memory(phases, names, heads)],
    ['snapshots that nodes took by themselves', snapshots(taken)],
    ['nodes that came back, seconds after they were started', returned(returns)],
    ['', verdicts(cluster, leader)],
  ]
    .map(([head, text]) => (head ? `${head}\n\n${text}` : text))
    .join('\n\n')
}

/** Numbers stand under their last digit; the first column is text. */
function aligned(rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length))
  return table(rows.map((row) => row.map((cell, column) => (column === 0 ? cell : cell.padStart(width(column))))))
}

function loads(phases: readonly Phase[]): string {
  const rows = phases.map(({ name, seconds, load, logBytes }) => [
    name,
    seconds.toFixed(1),
    load ? whole(load.operations / load.seconds) : '',
    ...(load ? Object.values(load.latencyMs).map((ms) => ms.toFixed(1)) : ['', '', '', '']),
    mebibytes(logBytes),
    load
      ? Object.entries(load.errors)
          .map(([code, count]) => `${count} ${code}`)
          .join(' ')
      : '',
  ])
  return aligned([['', 's', 'sets/s', 'p50 ms', 'p99', 'p99.9', 'longest', 'longest log MiB', ''], ...rows])
}

function pauses(phases: readonly Phase[], names: readonly string[], heads: readonly string[]): string {
  const rows = phases.map(({ name, nodes }) => {
    const seen = names.map((node) => nodes.get(node) ?? nothingSeen())
    return [
      name,
      ...seen.map(
        ({ longestPauseMs }) => `${whole(longestPauseMs)}${longestPauseMs > defaultPace.heartbeatMs ? ' !' : '  '}`,
      ),
      whole(Math.max(...seen.map(({ longestCollectionMs }) => longestCollectionMs))),
    ]
  })
  return aligned([['', ...heads, 'longest collection'], ...rows])
}

function memory(phases: readonly Phase[], names: readonly string[], heads: readonly string[]): string {
  const rows = phases.map(({ name, nodes }) => [
    name,
    ...names.map((node) => mebibytes((nodes.get(node) ?? nothingSeen()).residentBytes)),
  ])
  return aligned([['', ...heads], ...rows])
}

function snapshots(taken: readonly Taken[]): string {
  const indexes = [...new Set(taken.map(({ index }) => index))].sort((a, b) => a - b)
  const rows = indexes.map((index) => {
    const all = taken.filter((each) => each.index === index)
    const times = all.flatMap(({ ms }) => ms ?? [])
    const range = times.length > 0 ? `${whole(Math.min(...times))} to ${whole(Math.max(...times))}` : 'unknown'
    return [`of entry ${whole(index)}`, String(all.length), mebibytes(all[0]!.bytes), range, all[0]!.phase]
  })
  return aligned([['', 'nodes', 'MiB', 'ms', 'while'], ...rows])
}

function returned(returns: readonly Return[]): string {
  return returns
    .map(
      ({ node, steps }) => `${node}: ${steps.map(({ what, seconds }) => `${what} ${seconds.toFixed(1)}`).join(', ')}`,
    )
    .join('\n')
}

/** Elections after the one with which the cluster began; each is one too many. */
export function elections({ events }: WatchedCluster): { readonly elected: number; readonly campaigns: number } {
  const count = (name: string) => events.filter(({ event }) => event === name).length
  return { elected: count('elected') - 1, campaigns: count('campaign') - 1 }
}

function verdicts(cluster: WatchedCluster, leader: Status): string {
  const { elected, campaigns } = elections(cluster)
  const tooLong = cluster.phases.flatMap(({ name, nodes }) =>
    [...nodes]
      .filter(([, seen]) => seen.longestPauseMs > defaultPace.heartbeatMs)
      .map(([node]) => `${node} while: ${name}`),
  )
  const { bytes = 0 } = (leader.snapshot ?? {}) as Partial<Snapshot>
  return [
    `elections after the first: ${elected} (${campaigns} candidacies)`,
    `pauses longer than a heartbeat (${defaultPace.heartbeatMs} ms): ${tooLong.length > 0 ? tooLong.join('; ') : 'none'}`,
    `the newest snapshot: ${mebibytes(bytes)} MiB`,
  ].join('\n')
}
