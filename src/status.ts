import type { EntryId, Index, NodeId, Term } from './ids.js'
import type { PeerMember } from './messages.js'

/** The status of a node for `info`, traces and checkers: plain data. A stage tells the parts that it has. */
export interface Status
  extends Partial<LogStatus>,
    Partial<VoterStatus>,
    Partial<MembershipStatus>,
    Partial<SessionStatus>,
    Partial<PreVoteStatus & FeaturesStatus>,
    Partial<RoomStatus> {
  readonly id: NodeId
  /** The number of the stage that the node runs; left out by nodes of another engine. */
  readonly stage?: number
  readonly role: string
  readonly leader: NodeId | null
  readonly applied: Index
  readonly peers: readonly NodeId[]
  /** Facts of the process, as its pid and its addresses. */
  readonly [fact: string]: unknown
}

/** A node with a log (stage 4 on), and with snapshots (stage 7 on). */
interface LogStatus {
  readonly term: Term | undefined
  readonly commit: Index
  /** The last entry on the node's own disk. */
  readonly durable: Index
  readonly log: { readonly first: Index; readonly last: Index }
  readonly snapshot: (EntryId & { readonly bytes: number; readonly sha256: string }) | undefined
  /** The reason why the last snapshot could not be saved. */
  readonly snapshotFailed: string | undefined
}

/** A node that looks at its room (stage 10 on). */
interface RoomStatus {
  /** Bytes of the keys and values that it holds, and the most that it may hold, if there is a limit. */
  readonly storeBytes: number
  readonly maxStoreBytes: number
  /** Free bytes of its disk. */
  readonly diskFreeBytes: number
  /** True while its disk is nearly full. */
  readonly diskLow: boolean
}

/** A node that votes (stage 6 on). */
interface VoterStatus {
  /** The node that got this node's vote in this term; null if none did. */
  readonly votedFor: NodeId | null
  /** Ticks since the node's timer was last set back. */
  readonly silentTicks: number
  /** Ticks of silence after which the node stands for election. */
  readonly electionTimeoutTicks: number
}

/** A node that asks before it stands for election (stage 10 on). */
interface PreVoteStatus {
  /** The number of times that a node has asked for votes since it last heard a leader. */
  readonly preVotes: number
}

/** A node of a cluster that switches features on (stage 10). */
interface FeaturesStatus {
  /** The features that are on; left out while none is. */
  readonly features: readonly string[]
  /** The features that the node knows, and that are not on so far; left out while there are none. */
  readonly featuresOff: readonly string[]
}

/** A node that knows the sessions of clients (stage 9 on). */
interface SessionStatus {
  /** The number of sessions that are open, as far as this node has performed the log. */
  readonly sessions: number
}

/** A node of a cluster whose members change (stage 8 on), as this node has it. */
export interface MembershipStatus {
  /** The node's part in the cluster: voter, learner, … */
  readonly member: string
  readonly voters: readonly NodeId[]
  /** The old voters while {@link voters} take over from them. */
  readonly outgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  /** The disk that founded the cluster. */
  readonly origin: string
  /** Members whose disks do not count, and why. */
  readonly disks: Readonly<Record<NodeId, string>>
  readonly foreign: readonly { readonly id: NodeId; readonly origin: string }[]
  /** The address of a node with this one's name and disk, which is heard instead of this one. */
  readonly double: string
  /** On a founder: nodes that have not answered yet. */
  readonly founding: { readonly silent: readonly NodeId[] }
  /** Advice to an operator about a node that does not count. */
  readonly advice: string
  readonly change: ChangeStatus
  readonly waiting: AwaitedStatus
}

/**
 * A change of members under way: the voters to be, the nodes whose disks are not known yet, and the nodes that catch
 * up.
 */
export interface ChangeStatus {
  readonly voters: readonly NodeId[]
  readonly silent?: readonly NodeId[]
  readonly catchUp?: readonly CatchUpStatus[]
}

interface CatchUpStatus {
  readonly id: NodeId
  /** The number of the round of catching up (thesis 4.2.1). */
  readonly round: number
  readonly matchIndex: Index
  /** The index of the entry at which the round ends. */
  readonly target: Index
  /** Bytes of a snapshot that is being sent. */
  readonly snapshot?: { readonly held: number; readonly bytes: number }
}

/** The nodes for which a node waits, and the milliseconds that it has waited so far. */
export interface AwaitedStatus {
  readonly for: readonly Pick<PeerMember, 'id' | 'peer'>[]
  readonly ms: number
}
