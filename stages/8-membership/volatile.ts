/**
 * Parts of a participant's state that a restart forgets (figure 2: volatile state). The rules beside them say what they
 * mean.
 */
import type { Foreigner, Index, Member, NodeId, Refusal, RequestId } from '../../src/contracts.js'
import type { Progress } from '../4-log-replication/progress.js'

/** A wait for another node: the tick at which it began, and the tick at which it was last told. */
export interface Waiting {
  readonly since: number
  toldAt: number | null
}

/** The last entry that a follower has acknowledged, and the number of the last message that had left for it by then. */
export interface Acknowledged {
  /** The progress in which it was acknowledged: a new term has another one, and so has a node that is taken in anew. */
  readonly progress: Progress
  readonly index: Index
  readonly sequence: number
}

/** A node of another cluster that this node has met, and when. */
export interface Met extends Foreigner {
  /** The tick at which this node last met it. */
  readonly metAt: number
}

/** A node with this one's name and disk, which peers hear instead of this one, and where it listens. */
export interface Double {
  readonly address: string
  /** The tick at which a peer last said so. */
  readonly toldAt: number
}

/** The reason why this node rests, and the index of the configuration by which it was told so. */
export interface Displacement {
  readonly index: Index
  readonly why: Loss
}

/**
 * The reason why a member's disk is lost: another disk answers in its place, or it is older than what it has
 * acknowledged.
 */
export type Loss = 'replaced' | 'older'

/** The disk that answers under a member's name, and does not count. */
export interface LostDisk {
  readonly incarnation: string
  readonly why: Loss
  /** The tick at which the node with this disk was last told; null if never. */
  toldAt: number | null
}

/** A node that is to be a voter. The node itself says which disk it has; until then `incarnation` is null. */
export type Candidate = Member & { readonly incarnation: string | null }

/** The members that a change leads to. */
export interface Goal {
  readonly voters: readonly Candidate[]
  /** The learners that stay; none before stage 10. */
  readonly learners: readonly Candidate[]
}

/**
 * One round of catching up (thesis 4.2.1): the newcomer is to reach `target`, the end that the log had when the round
 * began.
 */
export interface Round {
  readonly number: number
  readonly target: Index
  readonly since: number
  /**
   * The newcomer's progress when the leader last looked: its matching index, and the bytes that it has of a snapshot.
   */
  reached: string
  /** The tick at which the newcomer was last seen to have made progress. */
  movedAt: number
}

/** A change of the voters, with the clients that wait for it. Only the leader that was asked knows of it. */
export interface Change extends Goal {
  /** Voters and learners whose disks were not known when the change began: they are asked who they are. */
  readonly newcomers: readonly NodeId[]
  /** True if the change is made also where too few of the new voters are alive. */
  readonly isForced: boolean
  /**
   * True if the founder takes in the other founders by this change; it gives way to any change that an operator asks
   * for.
   */
  readonly isFounding: boolean
  readonly requests: RequestId[]
  /** Clients that asked to call the change off. */
  readonly cancels: RequestId[]
  /**
   * Members that are to move, and still answer at their old address: their link is kept, and they are not asked at the
   * new one.
   */
  readonly staying: Set<NodeId>
  /** The tick from which the newcomers have been asked who they are. */
  askedAt: number
  readonly rounds: Map<NodeId, Round>
  /** The reason why the change was given up: its steps so far are then undone. Null if it was not. */
  readonly refusal: Refusal | null
}
