import type { Index, NodeId, RequestId, Term } from '../../src/contracts.js'

/** A client's read that waits for its answer. */
export interface PendingRead {
  readonly request: RequestId
  readonly command: unknown
  /** True if the client takes an answer that may be old. */
  readonly isStale: boolean
  /** True if the client wants to know the index up to which the answer's store has performed the log. */
  readonly withIndex: boolean
  /** The tick at which the read came. */
  readonly since: number
  /** The entry that must have been performed before the read: at first the client's `atLeast`, then the read index. */
  index: Index
}

/** A round of confirmations: the leader has asked its followers whether it still leads. */
export interface Round {
  readonly number: number
  /** The commit index when the round began. */
  readonly readIndex: Index
  readonly reads: readonly PendingRead[]
  /** Followers that asked for a read index before the round began, and the numbers of their questions. */
  readonly askers: ReadonlyMap<NodeId, number>
  /** Followers that were asked. */
  asked: readonly NodeId[]
  readonly confirmedBy: Set<NodeId>
  /** The tick at which the followers were last asked. */
  askedAt: number
}

/** A follower's question to its leader for a read index. */
export interface Question {
  readonly number: number
  readonly leader: NodeId
  readonly term: Term
  readonly reads: readonly PendingRead[]
  askedAt: number
}
