import type {
  EntryId,
  Index,
  NodeId,
  NodeOptions,
  Snapshot,
  SnapshotHeader,
  Status,
  Term,
} from '../../src/contracts.js'
import type { Pace } from '../4-log-replication/pace.js'
import { type Voter, voter, voterStatus } from '../6-leader-election/voter.js'
import { CompactLog } from './compact-log.js'

/** A snapshot on its way to one follower, one piece at a time, beside all other messages. */
export interface Transfer {
  readonly term: Term
  readonly snapshot: Snapshot
  /** The number of the transfer's first piece: an answer with a lower number is about an earlier transfer. */
  readonly first: number
  /** The place in the file at which the piece under way begins, in bytes. */
  offset: number
  /** The number of the piece under way; a copy of the piece bears the same number. */
  sequence: number
  readonly pace: Pace
  /** The tick at which the number of bytes on the follower last changed; in {@link Compactor.ticks}. */
  movedAt: number
}

/**
 * A node whose log does not grow for ever: a snapshot holds what its entries did, and the log goes on behind the
 * snapshot (§7).
 */
export interface Compactor extends Voter {
  readonly log: CompactLog
  /** The node's snapshots, the newest first, two at most; all entries behind the older one are in the log. */
  snapshots: readonly Snapshot[]
  /** The last entry of the snapshot that is being written; null while none is. */
  saving: EntryId | null
  /** Pieces of a leader's snapshot that are being written to the disk. */
  keeping: number
  /** Bytes of entries that were performed since the newest snapshot, counted up to entry `upTo`. */
  sinceSnapshot: { bytes: number; upTo: Index }
  /** On a leader: the followers that are being sent a snapshot. */
  readonly transfers: Map<NodeId, Transfer>
  /** Snapshots that are kept because a follower is being sent them. */
  beingSent: readonly Snapshot[]
  /** Verb: makes the header of a snapshot up to this entry. */
  header(id: EntryId): SnapshotHeader
}

/** A node that starts goes on from its newest snapshot: all that the snapshot holds was committed. */
export function compactor(options: NodeOptions) {
  const { edge, entries, snapshots } = options.recovered
  const performed = snapshots[0]?.index ?? 0
  return {
    ...voter(options),
    log: new CompactLog(edge, entries),
    commitIndex: performed,
    handed: performed,
    snapshots,
    saving: null,
    keeping: 0,
    sinceSnapshot: { bytes: 0, upTo: performed },
    transfers: new Map<NodeId, Transfer>(),
    beingSent: [],
  }
}

export function compactorStatus(node: Compactor): Status {
  const [snapshot] = node.snapshots
  if (!snapshot) return voterStatus(node)
  const { index, term, bytes, sha256 } = snapshot
  return Object.assign(voterStatus(node), { snapshot: { index, term, bytes, sha256 } })
}
