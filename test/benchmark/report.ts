import { availableParallelism, cpus } from 'node:os'
import { table } from '../../client/table.js'
import type { Measurement } from './generator.js'
import { median, type Result, type Round, ratioOf } from './measure.js'
import type { Profile } from './profiles.js'

const heads = ['', 'ops/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'server CPU µs/op', 'generator busy', '÷ echo']

/** All results as one table: a line for each cluster, and one for the echo server beneath it. */
export function report(results: readonly Result[]): string {
  const rows = results.flatMap(({ profile, rounds, ratio }) => [
    [describe(profile), ...figures(rounds.map(({ cluster }) => cluster)), ratio.toFixed(2)],
    ['  echo server', ...figures(rounds.map(({ echo }) => echo)), ''],
  ])
  return [table(alignRight([heads, ...rows])), ...results.flatMap(complaints)].join('\n')
}

/** Numbers stand under their last digit; the first column is text. */
function alignRight(rows: readonly string[][]): string[][] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length))
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell : cell.padStart(width(column)))))
}

export function describe({ stage, nodes, network, load }: Profile): string {
  const { clients, connections, pipeline, reads, valueBytes } = load
  const kind = reads === 0 ? 'set' : reads === 1 ? 'get' : `${Math.round(reads * 100)} % get`
  return [
    `stage ${stage}`,
    count(nodes, 'node'),
    ...(nodes > 1 ? [network] : []),
    count(clients, 'client'),
    ...(connections === clients ? [] : [count(connections, 'connection')]),
    ...(pipeline === 1 ? [] : [`pipeline ${pipeline}`]),
    `${kind} ${valueBytes} B`,
  ].join(', ')
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

export function describeRound(number: number, round: Round): string {
  const [cluster, echo] = [round.cluster, round.echo].map(({ opsPerSecond }) => whole(opsPerSecond))
  return `  round ${number}: ${cluster} ops/s, echo server ${echo}, ratio ${ratioOf(round).toFixed(2)}`
}

/** The median of the rounds; of the longest latency, the longest. */
function figures(measurements: readonly Measurement[]): string[] {
  const middle = (of: (measurement: Measurement) => number) => median(measurements.map(of))
  const cpu = measurements.map(({ serverCpuMicroseconds }) => serverCpuMicroseconds)
  return [
    whole(middle(({ opsPerSecond }) => opsPerSecond)),
    middle(({ latencyMs }) => latencyMs.p50).toFixed(2),
    middle(({ latencyMs }) => latencyMs.p99).toFixed(2),
    middle(({ latencyMs }) => latencyMs.p999).toFixed(2),
    Math.max(...measurements.map(({ latencyMs }) => latencyMs.max)).toFixed(1),
    cpu.every((value) => value !== null) ? median(cpu).toFixed(1) : '–',
    `${Math.round(100 * middle(({ generatorBusy }) => generatorBusy))} %`,
  ]
}

/** Error replies are not operations; whoever reads the figures must know of them. */
function complaints({ profile, rounds }: Result): string[] {
  const errors = new Map<string, number>()
  for (const { cluster } of rounds) {
    for (const [code, count] of Object.entries(cluster.errors)) errors.set(code, (errors.get(code) ?? 0) + count)
  }
  return [...errors].map(([code, count]) => `${describe(profile)}: ${whole(count)} requests failed with ${code}`)
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Everything measured, and on what, for other programs. */
export function resultsAsJson(results: readonly Result[], args: readonly string[]): string {
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model ?? 'unknown', node: process.version }
  return `${JSON.stringify({ at: new Date().toISOString(), args, machine, results }, null, 2)}\n`
}
