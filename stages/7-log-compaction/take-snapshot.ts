import type { EntryId, SnapshotHeader } from '../../src/contracts.js'
import type { Compactor } from './compactor.js'

/**
 * Each node takes snapshots by itself: when its log has grown enough, it has the contents of its state machine written
 * down (§7). Every turn looks anew whether one is due, so none is missed while another is being written. A snapshot
 * that is being sent does not delay the next: a slow follower must not make the leader's log grow.
 */
export function takeSnapshotWhenDue(node: Compactor): void {
  measure(node)
  if (!node.saving && node.keeping === 0 && isDue(node)) takeSnapshot(node)
}

/** Begins a snapshot of all that was handed to the state machine. */
export function takeSnapshot(node: Compactor): void {
  node.saving = { index: node.handed, term: node.log.termAt(node.handed)! }
  node.effects.snapshot = node.header(node.saving)
}

function measure({ log, sinceSnapshot, handed }: Compactor): void {
  while (sinceSnapshot.upTo < handed) sinceSnapshot.bytes += log.at(++sinceSnapshot.upTo)!.text.length
}

/**
 * A snapshot is due after `snapshotEntries` entries or `snapshotBytes` bytes, but not before there is as much news as
 * the last snapshot has bytes. Otherwise a large state with few changes would be written again and again; so the log is
 * at most as long as two snapshots.
 */
function isDue({ handed, sinceSnapshot, snapshots: [newest], timing }: Compactor): boolean {
  const entries = handed - (newest?.index ?? 0)
  const isLong = entries >= timing.snapshotEntries || sinceSnapshot.bytes >= timing.snapshotBytes
  return isLong && sinceSnapshot.bytes >= (newest?.bytes ?? 0)
}

/**
 * Stage 7 keeps nothing in a snapshot besides its header. Other lines were written by a later stage, and must not be
 * lost.
 *
 * @throws Error if there are any
 */
export function refuseUnknown(_node: Compactor, kept: readonly unknown[]): void {
  if (kept.length > 0) throw new Error('the snapshot holds what only a later stage keeps in one: run that stage')
}

/** The header of a snapshot at this stage: the entry behind which the log goes on. */
export function headerOfEdge(_node: Compactor, { index, term }: EntryId): SnapshotHeader {
  return { index, term }
}
