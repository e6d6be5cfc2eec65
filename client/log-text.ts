/** A node's log in words: one line about it, its batches one by one, and what a repair did. */
import { basename } from 'node:path'
import { type Command, commandOf, type Entry, type Index, type PersistRecord } from '../src/contracts.js'
import type { Look } from '../src/storage/wal-look.js'
import type { Repair } from '../src/storage/wal-repair.js'
import { placeOf, type ScannedBatch } from '../src/storage/wal-scan.js'
import { colour, nodeColour } from './colour.js'

/** What is known of a log, as plain data. */
export function summarise(folder: string, { identity, hasIdentity, scan, entries }: Look) {
  const { state, segments, tail } = scan
  return {
    folder,
    node: identity.node,
    cluster: identity.cluster,
    sound: hasIdentity && tail?.kind !== 'damage',
    entries: entries.length,
    last: { index: state.last, term: entries.at(-1)?.term ?? 0 },
    term: state.term,
    votedFor: state.votedFor,
    batches: state.batch,
    segments: segments.length,
    closed: state.sealed && tail === null,
    unfinished: tail?.kind === 'unfinished' ? { at: placeOf(folder, tail), what: tail.what } : null,
    damage: !hasIdentity
      ? { at: folder, what: 'there is no IDENTITY beside the log' }
      : tail?.kind === 'damage'
        ? { at: placeOf(folder, tail), what: tail.what }
        : null,
  }
}

export type Summary = ReturnType<typeof summarise>

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`

/** One line, and one more for what is amiss. */
export function describeSummary(summary: Summary): string {
  const { folder, node, sound, entries, last, term, votedFor, batches, segments, closed, unfinished, damage } = summary
  const facts = [
    `${count(entries, 'entry', 'entries')}${last.index > 0 ? `, the last ${last.index} of term ${last.term}` : ''}`,
    `term ${term}, ${votedFor === null ? 'no vote' : `voted for ${votedFor}`}`,
    `${count(batches, 'batch', 'batches')} in ${count(segments, 'segment')}`,
    closed ? 'closed' : 'in use, or not closed',
  ]
  const verdict = sound ? colour.green('✔ sound') : colour.red('✘ damaged')
  const lines = [`${nodeColour(node || basename(folder))}  ${verdict}  ${facts.join(' · ')}`]
  if (unfinished)
    lines.push(
      colour.yellow(`    an unfinished write at the end: ${unfinished.at}: ${unfinished.what}; never acknowledged`),
      colour.dim('    the next start cuts it off and keeps a copy; while the node runs it may be a write under way'),
    )
  if (damage) lines.push(colour.red(`    ${damage.at}: ${damage.what}`), colour.dim(`    good up to there; ${advice}`))
  return lines.join('\n')
}

const advice =
  'with --repair it is cut there, but acknowledged entries and votes may be lost with the rest: while the other ' +
  'nodes are a healthy majority, rather take this one out of the cluster and add it again, empty'

export interface Range {
  readonly from: Index
  readonly to: Index
}

/** Batch by batch; of the batches with an entry in the range, if one is given. */
export function* describeBatches({ batches, entries }: Look, range: Range | null): Generator<string> {
  const kept = new Set(entries)
  let segment = 0
  for (const batch of batches) {
    const records = range ? inRange(batch, range) : batch.records
    if (range && records.length === 0) continue
    if (batch.segment !== segment) yield colour.bold(`segment ${batch.segment}`)
    segment = batch.segment
    yield colour.dim(`  batch ${batch.number}${batch.records.length === 0 ? '  (empty: the log was closed)' : ''}`)
    for (const record of records) yield `    ${describeRecord(record, kept)}`
  }
}

function inRange({ records }: ScannedBatch, { from, to }: Range): readonly PersistRecord[] {
  const within = (index: Index) => index >= from && index <= to
  const has = records.some((record) => record.record === 'entry' && within(record.entry.index))
  return has ? records.filter((record) => record.record !== 'entry' || within(record.entry.index)) : []
}

function describeRecord(record: PersistRecord, kept: ReadonlySet<Entry>): string {
  if (record.record === 'term')
    return colour.cyan(`term ${record.term}, ${record.votedFor === null ? 'no vote' : `votes for ${record.votedFor}`}`)
  if (record.record === 'snapshot')
    return colour.cyan(`a snapshot holds all up to entry ${record.snapshot.index}, term ${record.snapshot.term}`)
  if (record.record === 'truncate') return colour.yellow(`truncates from ${record.from}`)
  const { index, term } = record.entry
  const text = `${String(index).padStart(8)}  term ${term}  ${describeCommand(commandOf(record.entry))}`
  return kept.has(record.entry) ? text : colour.dim(`${text}  (taken back)`)
}

/** A command as it would be typed. */
export function describeCommand({ command, ...rest }: Command): string {
  const text = [command, ...Object.values(rest).map((value) => JSON.stringify(value))].join(' ')
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** What was done, what is gone, and what that may mean. */
export function describeRepair({ scan, cut, identified }: Repair): string {
  const lines: string[] = []
  if (identified) lines.push('IDENTITY was missing and has been written again, as the log itself has it.')
  if (!cut) {
    const hopeless = scan.tail !== null
    if (hopeless) lines.push(colour.red('Nothing of this log can be saved: its first line is damaged or gone.'))
    else if (!identified) lines.push('Nothing to repair: the log is sound.')
    return lines.join('\n')
  }
  const { lost, file, bytes, copies } = cut
  const { state } = scan
  const kept = state.last === 0 ? 'no entry' : `the entries up to ${state.last}`
  lines.push(
    `Cut ${bytes} bytes at ${file} (${scan.tail!.what}).`,
    `Kept: ${kept}, ${count(state.batch, 'batch', 'batches')}.`,
  )
  if (copies.length > 0) lines.push(`A copy of what was cut: ${copies.join(' ')}`)
  const entries = lost.entries === 0 ? 'no entry that can still be read' : `${lost.first} to ${lost.last}`
  lines.push(colour.yellow(`Lost: ${entries}; ${count(lost.votes, 'record')} of a term and a vote.`))
  if (scan.tail!.kind === 'unfinished') {
    lines.push(
      'It was an unfinished write: none of it was ever acknowledged, and the next start would have cut it off.',
    )
    return lines.join('\n')
  }
  lines.push(
    colour.red(
      'What this node had acknowledged may be lost: it may help to elect a leader that lacks it, or vote twice.',
    ),
    'Start it only if the cluster cannot do without it. While the other nodes are a healthy majority, rather take it',
    'out of the cluster and add it again, empty.',
  )
  return lines.join('\n')
}
