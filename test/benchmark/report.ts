import { availableParallelism, cpus } from 'node:os'
import { table } from '../../client/text/table.js'
import { contenders } from './contenders.js'
import type { Measurement } from './generator.js'
import { type ClusterMeasurement, median, type Result, type Round, ratioTo } from './measure.js'
import { contenderNames, type Profile } from './profiles.js'

const heads = [
  ...['', 'ops/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms'],
  ...['server CPU µs/op', 'longest pause ms', 'generator CPU µs/op', 'generator busy'],
]

/** All results as one table: a line for each cluster, and one for each contender beneath it. */
export function report(results: readonly Result[]): string {
  const measured = contenderNames.filter((name) => results.some(({ ratios }) => name in ratios))
  const rows = results.flatMap(({ profile, rounds, ratios }) => [
    [
      describe(profile),
      ...figures(rounds.map(({ cluster }) => cluster)),
      ...measured.map((name) => ratios[name]?.toFixed(2) ?? ''),
    ],
    ...profile.against.map((name) => [
      `  ${contenders[name].title}`,
      ...figures(rounds.map((round) => round[name]!)),
      ...measured.map(() => ''),
    ]),
  ])
  return [
    table(alignRight([[...heads, ...measured.map((name) => `÷ ${name}`)], ...rows])),
    ...results.flatMap(complaints),
  ].join('\n')
}

/** Numbers stand under their last digit; the first column is text. */
function alignRight(rows: readonly string[][]): string[][] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length))
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell : cell.padStart(width(column)))))
}

export function describe({ stage, nodes, network, log, load }: Profile): string {
  const { clients, connections, pipeline, reads, valueBytes, readPolicy } = load
  const kind = reads === 0 ? 'set' : reads === 1 ? 'get' : `${Math.round(reads * 100)} % get`
  return [
    `stage ${stage}`,
    count(nodes, 'node'),
    ...(nodes > 1 ? [network] : []),
    ...(log === 'file' ? [] : [`log in ${log}`]),
    count(clients, 'client'),
    ...(connections === clients ? [] : [count(connections, 'connection')]),
    ...(pipeline === 1 ? [] : [`pipeline ${pipeline}`]),
    `${kind} ${valueBytes} B`,
    ...(readPolicy === 'leader' ? [] : [readPolicy]),
  ].join(', ')
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

export function describeRound(number: number, round: Round): string {
  const others = contenderNames.flatMap((name) => {
    const other = round[name]
    if (!other) return []
    return [`${contenders[name].title} ${whole(other.opsPerSecond)}, ratio ${ratioTo(name, round).toFixed(2)}`]
  })
  return `  round ${number}: ${[`${whole(round.cluster.opsPerSecond)} ops/s`, ...others].join('; ')}`
}

/** The median of the rounds; of the longest latency and the longest pause, the longest. */
function figures(measurements: readonly (Measurement | ClusterMeasurement)[]): string[] {
  const middle = (of: (measurement: Measurement) => number) => median(measurements.map(of))
  const cpu = measurements.map(({ serverCpuMicroseconds }) => serverCpuMicroseconds)
  const pauses = measurements.flatMap((each) => ('longestPauseMs' in each ? each.longestPauseMs : []))
  return [
    whole(middle(({ opsPerSecond }) => opsPerSecond)),
    middle(({ latencyMs }) => latencyMs.p50).toFixed(2),
    middle(({ latencyMs }) => latencyMs.p99).toFixed(2),
    middle(({ latencyMs }) => latencyMs.p999).toFixed(2),
    Math.max(...measurements.map(({ latencyMs }) => latencyMs.max)).toFixed(1),
    cpu.every((value) => value !== null) ? median(cpu).toFixed(1) : '–',
    pauses.length > 0 ? Math.max(...pauses).toFixed(0) : '',
    middle(({ generatorCpuMicroseconds }) => generatorCpuMicroseconds).toFixed(1),
    `${Math.round(100 * middle(({ generatorBusy }) => generatorBusy))} %`,
  ]
}

/** Error replies are not operations; whoever reads the figures must know of them. */
function complaints({ profile, rounds }: Result): string[] {
  const servers = ['cluster', ...profile.against] as const
  return servers.flatMap((name) => {
    const errors = new Map<string, number>()
    for (const round of rounds) {
      for (const [code, count] of Object.entries(round[name]!.errors)) errors.set(code, (errors.get(code) ?? 0) + count)
    }
    const where = name === 'cluster' ? describe(profile) : `${describe(profile)}, ${contenders[name].title}`
    return [...errors].map(([code, count]) => `${where}: ${whole(count)} requests failed with ${code}`)
  })
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Everything measured, and on what, for other programs. */
export function resultsAsJson(results: readonly Result[], args: readonly string[]): string {
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model ?? 'unknown', node: process.version }
  return `${JSON.stringify({ at: new Date().toISOString(), args, machine, results }, null, 2)}\n`
}
