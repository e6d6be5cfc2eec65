import type { NodeId, Snapshot, Term } from '../../src/contracts.js'
import type { AppendEntriesConflict } from '../4-log-replication/messages.js'
import type { Compactor } from './compactor.js'
import type { InstallSnapshot, InstallSnapshotReply } from './messages.js'

/** A snapshot on its way to one follower, beside everything else that it is told: one piece at a time. */
export interface Transfer {
  readonly term: Term
  readonly snapshot: Snapshot
  /** Where in the file the piece begins that is under way, and its number; sent again, it is the same piece. */
  offset: number
  sequence: number
  /** In {@link Compactor.ticks}. */
  sentAt: number
  heardAt: number
}

const noBytes = new Uint8Array()

/** A follower lacks entries that the log has let go (§7): what they did is in the newest snapshot. */
export function sendSnapshotIfBehind(node: Compactor, { from }: AppendEntriesConflict): void {
  const progress = node.progress.get(from)
  const [snapshot] = node.snapshots
  if (node.role !== 'leader' || !progress || progress.nextIndex >= node.log.first || !snapshot) return
  if (node.transfers.get(from)?.term === node.term) return
  const { ticks, term } = node
  node.transfers.set(from, { term, snapshot, offset: 0, sequence: 1, sentAt: ticks, heardAt: ticks })
  node.effects.events.push({ event: 'snapshot_sent', to: from, index: snapshot.index, bytes: snapshot.bytes })
  sendChunk(node, from)
}

function sendChunk(node: Compactor, to: NodeId): void {
  const transfer = node.transfers.get(to)!
  const { snapshot, sequence, offset } = transfer
  transfer.sentAt = node.ticks
  const chunk: InstallSnapshot = {
    type: 'InstallSnapshot',
    from: node.id,
    to,
    term: node.term,
    sequence,
    lastIncludedIndex: snapshot.index,
    lastIncludedTerm: snapshot.term,
    bytes: snapshot.bytes,
    sha256: snapshot.sha256,
    offset,
    data: noBytes,
  }
  node.effects.sendChunks.push(chunk)
}

/**
 * The follower says how much it has: the next piece goes on from there, also where an earlier transfer ended. A repeated
 * answer bears an old number and sets nothing going. With the snapshot installed, entries follow as to everybody.
 */
export function continueTransfer(node: Compactor, { from, sequence, held, matchIndex }: InstallSnapshotReply): void {
  const transfer = node.transfers.get(from)
  const progress = node.progress.get(from)
  if (node.role !== 'leader' || !progress || transfer?.term !== node.term || transfer.sequence !== sequence) return
  transfer.heardAt = node.ticks
  transfer.sequence++
  if (matchIndex > 0) {
    progress.matchIndex = Math.max(progress.matchIndex, matchIndex)
    progress.nextIndex = Math.max(progress.nextIndex, matchIndex + 1)
    node.transfers.delete(from)
    return
  }
  transfer.offset = held
  sendChunk(node, from)
}

/** A piece that was lost is sent again; who has been silent for too long will be found behind anew when it is back. */
export function resendChunks(node: Compactor): void {
  for (const [to, { term, sentAt, heardAt }] of node.transfers) {
    const isBehind = (node.progress.get(to)?.nextIndex ?? node.log.first) < node.log.first
    const isOver = node.role !== 'leader' || term !== node.term || !isBehind
    if (isOver || node.ticks - heardAt >= node.timing.electionTicks) node.transfers.delete(to)
    else if (node.ticks - sentAt >= 2 * node.timing.heartbeatTicks) sendChunk(node, to)
  }
}
