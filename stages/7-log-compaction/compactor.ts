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
import { replicaStatus } from '../4-log-replication/replica.js'
import { type Voter, voter } from '../6-leader-election/voter.js'
import { CompactLog } from './compact-log.js'

/** A snapshot on its way to one follower, beside everything else that it is told: one piece at a time. */
export interface Transfer {
  readonly term: Term
  readonly snapshot: Snapshot
  /** The number of its first piece: an answer with a lower one is about an earlier transfer. */
  readonly first: number
  /** Where in the file the piece begins that is under way, and its number; sent again, it is the same piece. */
  offset: number
  sequence: number
  readonly pace: Pace
  /** When the follower last had more, or less, than before; in {@link Compactor.ticks}. */
  movedAt: number
}

/** A node whose log does not grow for ever: what it did is in a snapshot, and the log goes on behind that (§7). */
export interface Compactor extends Voter {
  readonly log: CompactLog
  /** The newest first, two at most; all entries behind the older one are in the log. */
  snapshots: readonly Snapshot[]
  /** The snapshot that is being written. */
  saving: EntryId | null
  /** How many pieces of a leader's snapshot are being kept. */
  keeping: number
  /** How many bytes of entries were performed since the newest snapshot, counted up to this one. */
  sinceSnapshot: { bytes: number; upTo: Index }
  /** A leader's: who is being sent a snapshot; and which snapshots are kept because of that. */
  readonly transfers: Map<NodeId, Transfer>
  beingSent: readonly Snapshot[]
  /** Verb: what a snapshot up to this entry says of itself. */
  header(id: EntryId): SnapshotHeader
}

/** What a snapshot holds was committed: a node that starts goes on from there. */
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
  if (!snapshot) return replicaStatus(node)
  const { index, term, bytes, sha256 } = snapshot
  return Object.assign(replicaStatus(node), { snapshot: { index, term, bytes, sha256 } })
}
