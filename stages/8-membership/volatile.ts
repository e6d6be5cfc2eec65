/** Parts of a participant's state that a restart forgets (figure 2: volatile state). The rules beside them say what they mean. */
import type { Foreigner, Index, Member, NodeId, Refusal, RequestId } from '../../src/contracts.js'
import type { Progress } from '../4-log-replication/progress.js'

/** How long somebody waits, and when that was last told; in ticks. */
export interface Waiting {
  readonly since: number
  toldAt: number | null
}

/** How far a follower had acknowledged, and the number of the last message that had left for it by then. */
export interface Acknowledged {
  /** A new term, and a node that is taken in anew, has another one. */
  readonly progress: Progress
  readonly index: Index
  readonly sequence: number
}

/** A node of another cluster that this node has met, and when. */
export interface Met extends Foreigner {
  /** In ticks. */
  readonly metAt: number
}

/** Why this node rests, and the configuration by which it was told so. */
export interface Displacement {
  readonly index: Index
  readonly why: Loss
}

/** Why a member's disk is lost: another one answers in its place, or it is older than what it has acknowledged. */
export type Loss = 'replaced' | 'older'

/** The disk that answers under a member's name, and does not count. */
export interface LostDisk {
  readonly incarnation: string
  readonly why: Loss
  /** In {@link Participant.ticks}. */
  toldAt: number | null
}

/** A node that is to be a voter. What disk it has, it says itself; until then that is not known. */
export type Candidate = Member & { readonly incarnation: string | null }

/** One round of catching up (thesis 4.2.1): all that the log held when it began. */
export interface Round {
  readonly number: number
  readonly target: Index
  readonly since: number
  /** How far the newcomer was when it was last looked at, and when it had last come further; in ticks. */
  reached: string
  movedAt: number
}

/** What the voters are to be, and who waits to hear that they are. Only the leader that was asked knows of it. */
export interface Change {
  readonly voters: readonly Candidate[]
  /** Those of them that are asked who they are: they are new, or their disks are. */
  readonly newcomers: readonly NodeId[]
  /** Also if too few of them are alive. */
  readonly isForced: boolean
  /** Whether the founder of the cluster gathers its partners by it: it gives way to whatever an operator asks for. */
  readonly isFounding: boolean
  readonly requests: RequestId[]
  /** Those who asked for it to be called off. */
  readonly cancels: RequestId[]
  /** Members that are to move, and still answer where they are: their link is kept, and nobody is asked elsewhere. */
  readonly staying: Set<NodeId>
  /** Since when the newcomers are asked who they are, in ticks. */
  askedAt: number
  readonly rounds: Map<NodeId, Round>
  /** Why it was given up: what was begun is then undone. */
  readonly refusal: Refusal | null
}
