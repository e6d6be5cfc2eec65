import type { EntryId, Index, NodeId, Term } from './ids.js'
import type { PeerMember } from './messages.js'

/** What a node tells of itself in `info`, to traces and to checkers: plain data. A stage tells what it has. */
export interface Status extends Partial<LogStatus>, Partial<MembershipStatus> {
  readonly id: NodeId
  readonly stage: number
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
  readonly log: { readonly first: Index; readonly last: Index }
  readonly snapshot: (EntryId & { readonly bytes: number; readonly sha256: string }) | undefined
  /** Why the last snapshot could not be saved. */
  readonly snapshotFailed: string | undefined
}

/** A node of a cluster whose members change (stage 8 on), as this node has it. */
export interface MembershipStatus {
  /** What this node is: a voter, a learner, … */
  readonly member: string
  readonly voters: readonly NodeId[]
  /** While {@link voters} take over from others: those others. */
  readonly outgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  /** The disk that founded the cluster. */
  readonly origin: string
  /** Members whose disks do not count, and why. */
  readonly disks: Readonly<Record<NodeId, string>>
  readonly foreign: readonly { readonly id: NodeId; readonly origin: string }[]
  /** A founder's: who has not answered yet. */
  readonly founding: { readonly silent: readonly NodeId[] }
  /** What an operator can do about a node that does not count. */
  readonly advice: string
  readonly change: ChangeStatus
  readonly waiting: AwaitedStatus
}

/** A change of members under way: what the voters are to be, who has not said yet which disk it has, who catches up. */
export interface ChangeStatus {
  readonly voters: readonly NodeId[]
  readonly silent?: readonly NodeId[]
  readonly catchUp?: readonly CatchUpStatus[]
}

interface CatchUpStatus {
  readonly id: NodeId
  /** The round of catching up, and the entry at which it ends (thesis 4.2.1). */
  readonly round: number
  readonly matchIndex: Index
  readonly target: Index
  /** Bytes of a snapshot that is being sent. */
  readonly snapshot?: { readonly held: number; readonly bytes: number }
}

/** For whom a node waits, and for how long so far in milliseconds. */
export interface AwaitedStatus {
  readonly for: readonly Pick<PeerMember, 'id' | 'peer'>[]
  readonly ms: number
}
