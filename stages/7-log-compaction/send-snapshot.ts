import type { Index, NodeId, Timing } from '../../src/contracts.js'
import type { AppendEntriesConflict } from '../4-log-replication/messages.js'
import { isOverdue, newPace, noteAnswered, noteNeedless, noteSent, type Pace } from '../4-log-replication/pace.js'
import { nextSequence, noteMatch, stateOf } from '../4-log-replication/progress.js'
import type { Compactor } from './compactor.js'
import type { InstallSnapshot, InstallSnapshotReply } from './messages.js'

declare module '../../src/events.js' {
  interface EventDetails {
    snapshot_sent: { to: NodeId; index: Index; bytes: number }
  }
}

/** Election time-outs without news from a follower, after which its transfer ends. */
const patience = 10

/** Bytes of the first pieces. Pieces grow with every answer that comes soon. */
const firstPieceBytes = 16 * 1024

function paceOfPieces({ chunkBytes, heartbeatTicks }: Timing): Pace {
  const leastBytes = Math.min(chunkBytes, firstPieceBytes)
  return newPace({ leastBytes, mostBytes: chunkBytes, leastTicks: 2 * heartbeatTicks })
}

const noBytes = new Uint8Array()

/** A follower lacks entries that the log has let go (§7): the newest snapshot holds what they did. */
export function sendSnapshotIfBehind(node: Compactor, { from }: AppendEntriesConflict): void {
  const progress = node.progress.get(from)
  const [snapshot] = node.snapshots
  if (node.role !== 'leader' || !progress || stateOf(progress, node) !== 'snapshot' || !snapshot) return
  if (node.transfers.get(from)?.term === node.term) return
  const { ticks: movedAt, term, timing } = node
  const pace = paceOfPieces(timing)
  const first = nextSequence(progress)
  node.transfers.set(from, { term, snapshot, first, offset: 0, sequence: first, pace, movedAt })
  node.effects.events.push({ event: 'snapshot_sent', to: from, index: snapshot.index, bytes: snapshot.bytes })
  sendChunk(node, from, false)
}

function sendChunk(node: Compactor, to: NodeId, isCopy: boolean): void {
  const { snapshot, sequence, offset, pace } = node.transfers.get(to)!
  noteSent(pace, node, isCopy)
  pace.isFull = offset + pace.bytes < snapshot.bytes
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
  node.effects.sendChunks.push({ chunk, length: pace.bytes })
}

/**
 * The follower says how many bytes it has: the next piece begins there, also where an earlier transfer ended. An answer
 * to a piece before the last counts if it shows progress; otherwise it sends nothing, or pieces would multiply. Once
 * the snapshot is installed, the follower gets entries like any other.
 */
export function continueTransfer(node: Compactor, { from, sequence, held, matchIndex }: InstallSnapshotReply): void {
  const transfer = node.transfers.get(from)
  const progress = node.progress.get(from)
  if (node.role !== 'leader' || !progress || transfer?.term !== node.term || sequence < transfer.first) return
  const isLast = sequence === transfer.sequence
  if (isLast) noteAnswered(transfer.pace, node)
  else if (held <= transfer.offset && matchIndex === 0) return noteNeedless(transfer.pace, node)
  if (matchIndex > 0) {
    noteMatch(progress, matchIndex)
    node.transfers.delete(from)
    return
  }
  if (held !== transfer.offset) transfer.movedAt = node.ticks
  transfer.offset = held
  transfer.sequence = nextSequence(progress)
  sendChunk(node, from, false)
}

/**
 * A lost piece is sent again when the line has had the time for an answer. The transfer to a follower that has been
 * silent for very long ends; when the follower is back, it will be found behind anew.
 */
export function resendChunks(node: Compactor): void {
  for (const [to, { term, pace, movedAt }] of node.transfers) {
    const progress = node.progress.get(to)
    const isBehind = progress !== undefined && stateOf(progress, node) === 'snapshot'
    const isOver = node.role !== 'leader' || term !== node.term || !isBehind
    if (isOver || node.ticks - movedAt >= patience * node.timing.electionTicks) node.transfers.delete(to)
    else if (isOverdue(pace, node)) sendChunk(node, to, true)
  }
}
