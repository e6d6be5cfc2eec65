import type { EntryId, SnapshotHeader } from '../../src/contracts.js'
import type { Compactor } from './compactor.js'

/**
 * Each node by itself, when its log has grown enough, has what its state machine holds written down (§7). That it is
 * due is found out anew in every turn, so none is missed while another is being written. A snapshot that is being sent
 * keeps nobody from it: a slow follower must not make the leader's log grow.
 */
export function takeSnapshotWhenDue(node: Compactor): void {
  measure(node)
  if (node.saving || node.keeping > 0 || !isDue(node)) return
  node.saving = { index: node.handed, term: node.log.termAt(node.handed)! }
  node.effects.snapshot = node.header(node.saving)
}

function measure({ log, sinceSnapshot, handed }: Compactor): void {
  while (sinceSnapshot.upTo < handed) sinceSnapshot.bytes += log.at(++sinceSnapshot.upTo)!.text.length
}

/**
 * After so many entries or bytes; but what is written down should be at least as much news as the last time: a large
 * state with few changes would otherwise be written again and again, and the log is at most as long as two snapshots.
 */
function isDue({ handed, sinceSnapshot, snapshots: [newest], timing }: Compactor): boolean {
  const entries = handed - (newest?.index ?? 0)
  const isLong = entries >= timing.snapshotEntries || sinceSnapshot.bytes >= timing.snapshotBytes
  return isLong && sinceSnapshot.bytes >= (newest?.bytes ?? 0)
}

/** This stage keeps nothing in a snapshot besides its header; what is there, a later one wrote, and it must not be lost. */
export function refuseUnknown(_node: Compactor, kept: readonly unknown[]): void {
  if (kept.length > 0) throw new Error('the snapshot holds what only a later stage keeps in one: run that stage')
}

/** What everybody must know of a snapshot: where the log goes on behind it. */
export function headerOfEdge(_node: Compactor, { index, term }: EntryId): SnapshotHeader {
  return { index, term }
}
