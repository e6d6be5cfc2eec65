import { leapsAhead } from '../4-log-replication/doubts.js'
import { electionDoubts } from '../6-leader-election/messages.js'
import type { Compactor } from './compactor.js'
import type { InstallSnapshot, InstallSnapshotReply } from './messages.js'

/**
 * A snapshot holds committed entries only, and committed entries never change: a snapshot that ends otherwise is of
 * another history.
 */
export function deniesCommitted(node: Compactor, message: InstallSnapshot): string | null {
  const { lastIncludedIndex: index, lastIncludedTerm } = message
  const term = index <= node.commitIndex ? node.log.termAt(index) : undefined
  if (term === undefined || term === lastIncludedTerm) return null
  return `it ends with entry ${index} of term ${lastIncludedTerm}, which was committed here with term ${term}`
}

/** A follower holds of a snapshot only bytes that the leader sent in this transfer, and at most the whole file. */
export function holdsTooMuch(node: Compactor, reply: InstallSnapshotReply): string | null {
  const { from, term, sequence, held, matchIndex } = reply
  const transfer = node.transfers.get(from)
  if (node.role !== 'leader' || term !== node.term || transfer?.term !== term || sequence < transfer.first) return null
  const { snapshot } = transfer
  if (sequence > transfer.sequence) return `it answers piece ${sequence}, and was sent ${transfer.sequence}`
  if (held > snapshot.bytes) return `it holds ${held} bytes of a snapshot of ${snapshot.bytes}`
  if (matchIndex === 0 || matchIndex === snapshot.index) return null
  return `its log matches up to entry ${matchIndex} by a snapshot of entry ${snapshot.index}`
}

export const compactionDoubts = {
  ...electionDoubts,
  InstallSnapshot: [leapsAhead, deniesCommitted],
  InstallSnapshotReply: [leapsAhead, holdsTooMuch],
}
