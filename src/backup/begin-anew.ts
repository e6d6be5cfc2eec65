/** The beginning of a new cluster with a state, in place of all that a log holds. */
import { type LogStore, type Snapshot, type SnapshotHeader, type Term, textFormat } from '../contracts.js'
import { bodyOf } from '../snapshot-sections.js'

/**
 * Indexes that a new cluster leaves out. Names of sessions, places in the log and indexes of reads are indexes: those that
 * clients of the old cluster still have name nothing in the new one.
 */
export const indexGap = 1_000_000_000

/** A state with which a cluster begins. */
export interface Beginning {
  /** The last entry that the state holds, with the facts that the nodes keep of it. */
  readonly header: SnapshotHeader
  readonly term: Term
  /** The application's name, and its lines. */
  readonly application: string
  readonly lines: AsyncIterable<string>
}

/**
 * Puts a state in the place of all that a log holds, in one durable step: a crash leaves the log as it was, or with the new
 * state. Sessions are not taken over: they were promises of the old cluster.
 */
export async function beginAnew(log: LogStore, beginning: Beginning): Promise<Snapshot> {
  const { header, term, application, lines } = beginning
  const body = bodyOf({ kept: [], application: lines }, application)
  const snapshot = await log.snapshots.save({ format: textFormat, ...header }, body)
  const { index } = snapshot
  const upTo = { index, term: snapshot.term }
  const records = [
    { record: 'term', term, votedFor: null },
    { record: 'snapshot', snapshot: upTo },
  ] as const
  await log.write({ records, upTo, commit: index })
  return snapshot
}
