import type { Member, NodeId, NodeOptions, RequestId, Status, Term } from '../../src/contracts.js'
import { type Responder, responder, statusOfResponder } from '../9-client-interaction/responder.js'
import { type Forwards, noForwards, type Taken } from './forwards.js'
import { type Growth, noGrowth } from './growth.js'
import { noWishes, type SnapshotWishes } from './snapshot-wishes.js'
import { noSums, type Sums } from './sums.js'
import { type Switches, switches } from './switches.js'
import { noneUnapplied, type Unapplied } from './unapplied.js'

/** A node's question to the voters whether they would elect it. */
interface PreVotes {
  /** The number of the last question. */
  round: number
  /** The nodes that would vote for this one, itself included; null while no question is under way. */
  granted: Set<NodeId> | null
  /** The number of times that the question under way was asked. */
  asked: number
}

/** The number of the first question is below this one. */
const roundNumbers = 2 ** 32

/** The hand-over of a leader's office to another voter (thesis §3.10). */
export interface Handover {
  readonly to: Member
  /** The leader's term. */
  readonly term: Term
  /** The tick at which the hand-over began; later, the tick at which the successor was told to stand for election. */
  since: number
  /** True if the leader was removed, and leaves as soon as it has handed over. */
  isRetiring: boolean
  /** Clients that asked for the hand-over, and wait for its end. */
  readonly requests: RequestId[]
  /** Requests that would put an entry into the log: each is performed when the hand-over has ended. */
  readonly held: (() => void)[]
  /** Characters of the requests of other nodes among them. */
  heldCharacters: number
  /** True once the successor was told to stand for election. */
  isTold: boolean
}

/** A leader's lease (thesis §6.4.1), by its own clock. It is used only where an operator has asked for leases. */
interface Lease {
  /** The term in which the leader has the lease. */
  term: Term
  /** The reading of the clock at which the lease ends, in milliseconds. */
  until: number
  /** The last term in which the leader has told a successor to stand: from then on it has no lease in that term. */
  barredIn: Term
  /** The last round of confirmations, and the reading of the clock at which it began. */
  round: { readonly number: number; readonly at: number }
}

/** A node that disturbs no healthy leader, and hands over when it leaves. */
export interface ProductionNode extends Responder, SnapshotWishes {
  /** The first question's number is drawn: an answer may be older than this node's start. */
  readonly preVotes: PreVotes
  /** The hand-over of this node's office, to its end; null while there is none. */
  handover: Handover | null
  readonly lease: Lease
  /** On a leader: the tick at which it last took up the offer of a preferred node; null if it has not. */
  offeredAt: number | null
  /** The commands that this node has passed on to the leader. */
  readonly forwards: Forwards
  /** On a leader: the commands that other nodes have passed on to it. */
  readonly taken: Taken
  /** On a leader: what its log may still add to the state. */
  readonly growth: Growth
  /** The entries that wait for the state machine. */
  readonly unapplied: Unapplied
  /** The results of the state machine, where they are compared. */
  sums: Sums
  /** The features that the cluster has switched on. */
  readonly switches: Switches
}

export function productionNode(options: NodeOptions) {
  const round = 1 + Math.floor(options.random.next() * roundNumbers)
  const preVotes: PreVotes = { round, granted: null, asked: 0 }
  const lease: Lease = { term: 0, until: 0, barredIn: 0, round: { number: 0, at: 0 } }
  return {
    ...responder(options),
    preVotes,
    handover: null,
    lease,
    offeredAt: null,
    growth: noGrowth(),
    unapplied: noneUnapplied(),
    ...noForwards(round),
    ...noWishes(),
    sums: noSums((options.recovered.snapshots[0]?.index ?? 0) + 1),
    switches: switches(options),
  }
}

/** The status that `info` tells of a node. One that hears no leader tells how often it has asked for votes so far. */
export function statusOfProduction(node: ProductionNode): Status {
  const { granted, asked } = node.preVotes
  const { known, on } = node.switches
  const [features, featuresOff] = [[...on.keys()], known.filter((name) => !on.has(name))]
  const more = {
    ...(features.length > 0 && { features }),
    ...(featuresOff.length > 0 && { featuresOff }),
    ...(granted !== null && { preVotes: asked }),
  }
  return Object.assign(statusOfResponder(node), node.admission?.facts, more)
}
