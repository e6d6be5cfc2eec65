/** A node's log in words: one line about it, its batches one by one, and what a repair did. */
import { basename, join } from 'node:path'
import {
  type Command,
  type Entry,
  type EntryId,
  type Index,
  type Member,
  type Payload,
  type PersistRecord,
  payloadOf,
} from '../../src/contracts.js'
import { replaceAdvice } from '../../src/storage/errors.js'
import { usable } from '../../src/storage/snapshot-choice.js'
import type { Found } from '../../src/storage/snapshots.js'
import { isSound, type Look } from '../../src/storage/wal-look.js'
import type { Repair } from '../../src/storage/wal-repair.js'
import { placeOf, type ScannedBatch, segmentName, walFolder } from '../../src/storage/wal-scan.js'
import { jsonLine, mapTexts, oneLine } from '../../src/text.js'
import type { Configuration } from '../../stages/8-membership/configuration.js'
import type { SessionCall, SessionEvent } from '../../stages/9-client-interaction/session-call.js'
import { colour, nodeColour } from './colour.js'
import { describeMembers } from './events.js'

/** Summarises a log as plain data. */
export function summarise(folder: string, look: Look) {
  const { identity, scan, edge, entries, snapshots, commit } = look
  const { state, segments, tail } = scan
  const [firstSegment] = segments
  return {
    folder,
    node: identity.node,
    cluster: identity.cluster,
    sound: isSound(look),
    snapshots: snapshots.map(factsOf),
    first: edge.index + 1,
    entries: entries.length,
    last: { index: state.last, term: (entries.at(-1) ?? edge).term },
    /** The last entry known to be committed; left out if the log has no hint. */
    ...(commit > 0 ? { commit } : {}),
    term: state.term,
    votedFor: state.votedFor,
    batches: state.batch,
    segments: segments.length,
    closed: state.sealed && tail === null,
    unfinished: tail?.kind === 'unfinished' ? { at: placeOf(folder, tail), what: tail.what } : null,
    damage: look.nameless
      ? { at: folder, what: look.nameless }
      : tail?.kind === 'damage'
        ? { at: placeOf(folder, tail), what: tail.what }
        : scan.gap !== null
          ? { at: join(folder, walFolder, segmentName(firstSegment!)), what: scan.gap }
          : null,
    /** True if the next start has a beginning: the whole log, or a snapshot that joins it. */
    startable: edge.index === 0 || usable(snapshots, edge.index + 1).length > 0,
  }
}

/** Summarises a snapshot as plain data; `sound`, or `what` is wrong with it. */
export function factsOf({ id: { index, term }, path, snapshot, what }: Found) {
  if (!snapshot) return { snapshot: index, term, sound: false, file: path, what }
  return { snapshot: index, term, sound: true, bytes: snapshot.bytes, sha256: snapshot.sha256 }
}

export type Summary = ReturnType<typeof summarise>

const count = (number: number, one: string, many = `${one}s`) => `${number} ${number === 1 ? one : many}`

/** Describes a log in one line, and in one more if it is damaged. */
export function describeSummary(found: Summary): string {
  const summary = mapTexts(found, (text) => oneLine(text, 1_000)) as Summary
  const { folder, node, sound, batches, segments, term, votedFor, closed, unfinished, damage, startable } = summary
  const facts = [
    ...describeEntries(summary),
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
  for (const { file, what } of summary.snapshots) if (file) lines.push(colour.red(`    ${file}: ${what}`))
  if (!startable) lines.push(colour.dim(`    ${noStart}`))
  else if (summary.snapshots.some(({ sound }) => !sound)) lines.push(colour.dim(`    ${goesOn(summary)}`))
  if (damage) lines.push(colour.red(`    ${damage.at}: ${damage.what}`))
  if (damage && startable) lines.push(colour.dim(`    good up to there; ${advice}`))
  return lines.join('\n')
}

function* describeEntries({ snapshots, first, entries, last, commit }: Summary): Generator<string> {
  const behind = first > 1 ? ` behind ${first - 1}` : ''
  const until = last.index > 0 ? `, the last ${last.index} of term ${last.term}` : ''
  yield `${count(entries, 'entry', 'entries')}${behind}${until}`
  if (commit !== undefined) yield `known to be committed ${colour.green('✔')} up to ${commit}`
  if (snapshots[0]) yield `${count(snapshots.length, 'snapshot')}, the newest of entry ${snapshots[0].snapshot}`
}

function goesOn({ snapshots }: Summary): string {
  const from = snapshots.find(({ sound }) => sound)
  return `the next start goes on from ${from ? `the snapshot of entry ${from.snapshot}` : 'the first entry'}`
}

const noStart = `the node will not start on it: ${replaceAdvice}`

const advice =
  'with --repair it is cut there, but acknowledged entries and votes may be lost with the rest: while the other ' +
  'nodes are a healthy majority, rather take this one out of the cluster and add it again, empty'

export interface Range {
  readonly from: Index
  readonly to: Index
}

/** Describes the snapshots that are kept, a line for each, the newest first. */
export function* describeSnapshots({ snapshots }: Look): Generator<string> {
  if (snapshots.length > 0) yield colour.bold('snapshots')
  for (const { id, snapshot, what } of snapshots) {
    const whose = `${String(id.index).padStart(8)}  term ${id.term}`
    if (!snapshot) yield `  ${whose}  ${colour.red(`✘ damaged  ${oneLine(what ?? '')}`)}`
    else yield `  ${whose}  ${colour.green('✔ sound')}  ${snapshot.bytes} bytes · sha256 ${snapshot.sha256}`
  }
}

/**
 * Describes a log batch by batch; if a range is given, only the batches with an entry in the range. An entry that is
 * known to be committed has a ✔ before it.
 */
export function* describeBatches(look: Look, range: Range | null): Generator<string> {
  const { batches, entries, edge, commit } = look
  const kept = new Set(entries)
  let segment = 0
  for (const batch of batches) {
    const records = range ? inRange(batch, range) : batch.records
    if (range && records.length === 0) continue
    if (batch.segment !== segment) yield colour.bold(`segment ${batch.segment}`)
    segment = batch.segment
    yield colour.dim(`  ${describeBatch(batch)}`)
    for (const record of records) {
      const isKnown = record.record === 'entry' && kept.has(record.entry) && record.entry.index <= commit
      yield `  ${isKnown ? colour.green('✔') : ' '} ${describeRecord(record, kept, edge)}`
    }
  }
}

function describeBatch({ number, records, commit }: ScannedBatch): string {
  const ending = records.length === 0 ? '  (empty: the log was closed)' : ''
  return `batch ${number}${ending}${commit > 0 ? ` · committed up to ${commit}` : ''}`
}

function inRange({ records }: ScannedBatch, { from, to }: Range): readonly PersistRecord[] {
  const within = (index: Index) => index >= from && index <= to
  const has = records.some((record) => record.record === 'entry' && within(record.entry.index))
  return has ? records.filter((record) => record.record !== 'entry' || within(record.entry.index)) : []
}

function describeRecord(record: PersistRecord, kept: ReadonlySet<Entry>, edge: EntryId): string {
  if (record.record === 'term')
    return colour.cyan(
      `term ${record.term}, ${record.votedFor === null ? 'no vote' : `votes for ${oneLine(record.votedFor, 64)}`}`,
    )
  if (record.record === 'snapshot' && record.snapshot.index === 0) return colour.cyan('no snapshot counts any more')
  if (record.record === 'snapshot')
    return colour.cyan(`a snapshot holds all up to entry ${record.snapshot.index}, term ${record.snapshot.term}`)
  if (record.record === 'truncate') return colour.yellow(`truncates from ${record.from}`)
  const { index, term } = record.entry
  const text = `${String(index).padStart(8)}  term ${term}  ${describeEntry(payloadOf(record.entry))}`
  if (index <= edge.index) return colour.dim(`${text}  (in a snapshot)`)
  return kept.has(record.entry) ? text : colour.dim(`${text}  (taken back)`)
}

/** Describes what an entry holds, and the call that its command is. */
function describeEntry(payload: Payload): string {
  const call = payload.kind === 'command' ? (payload.call as SessionCall | undefined) : undefined
  return `${describePayload(payload)}${call ? `  (session ${call[0]}, call ${call[1]})` : ''}`
}

/** Describes a command as it would be typed, and an entry of the cluster's own by its kind. */
export function describePayload(payload: Payload): string {
  if (payload.kind === 'configuration') return describeConfiguration(payload.configuration as Configuration)
  if (payload.kind === 'session') return describeSession(payload.session as SessionEvent)
  if (payload.kind !== 'command') return payload.kind
  return describeCommand(payload.command as Command)
}

/** Describes what becomes of sessions. A session that is opened has the index of its entry for a name. */
function describeSession(event: SessionEvent): string {
  if (event.event === 'expire') return `sessions end that were unused for ${event.idleMs / 1000} s`
  if (event.event === 'end') return `session ${event.session} ends`
  return event.instead === undefined ? 'session opened' : `session opened in place of session ${event.instead}`
}

/** Describes a command as it would be typed. */
export function describeCommand({ command, ...rest }: Command): string {
  const text = [command, ...Object.values(rest).map((value) => jsonLine(value))].join(' ')
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** Describes the configuration that an entry holds, by the members' names. */
function describeConfiguration({ voters, outgoing, learners }: Configuration): string {
  const idsIn = (servers: unknown) => (servers as readonly Member[] | null)?.map(({ id }) => oneLine(id, 64))
  return describeMembers(idsIn(voters) ?? [], idsIn(outgoing), idsIn(learners))
}

/** Describes a repair: what was done, what is lost, and what the loss may mean. */
export function describeRepair(repair: Repair): string {
  const { scan, hasStart } = repair
  const lines = [...describeCut(repair)]
  if (!hasStart && scan.good.segment > 0)
    lines.push(colour.red(`No snapshot is left that the log could go on from; ${noStart}.`))
  return lines.join('\n')
}

function describeCut({ scan, cut, hasStart, identified }: Repair): string[] {
  const lines: string[] = []
  if (identified)
    lines.push('IDENTITY was missing or could not be read, and has been written again, as the log itself has it.')
  if (!cut) {
    const hopeless = scan.tail !== null
    if (hopeless) lines.push(colour.red('Nothing of this log can be saved: its first line is damaged or gone.'))
    else if (!identified && hasStart) lines.push('Nothing to repair: the log is sound.')
    return lines
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
  if (lost.commit > state.last)
    lines.push(colour.red(`Entries up to ${lost.commit} were known to be committed: committed entries are lost here.`))
  if (scan.tail!.kind === 'unfinished') {
    lines.push(
      'It was an unfinished write: none of it was ever acknowledged, and the next start would have cut it off.',
    )
    return lines
  }
  lines.push(
    colour.red(
      'What this node had acknowledged may be lost: it may help to elect a leader that lacks it, or vote twice.',
    ),
    'Start it only if the cluster cannot do without it. While the other nodes are a healthy majority, rather take it',
    'out of the cluster and add it again, empty.',
  )
  return lines
}
