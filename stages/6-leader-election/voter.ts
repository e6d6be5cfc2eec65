import type { NodeId, NodeOptions, Term } from '../../src/contracts.js'
import { persist } from '../4-log-replication/replica.js'
import { type Listener, listener } from '../5-heartbeats/listener.js'

/** A node that may lead: at most one does in a term (§5.2). */
export interface Voter extends Listener {
  /** The node that got this node's vote in this term; null if none did. */
  votedFor: NodeId | null
  /** On a candidate: the nodes that gave it their vote in this term. A set, because an answer may come twice. */
  votes: Set<NodeId>
  /** The election time-out, in ticks of silence; drawn anew each time. */
  electionTimeoutTicks: number
  /** Verb: draws an election time-out, in ticks. */
  drawElectionTimeout(): number
  /** Verb: stands for election. */
  campaign(): void
  /** Verb: takes office, now that a majority has voted for this node. */
  lead(): void
}

export function voter(options: NodeOptions) {
  const { votedFor } = options.recovered
  const electionTimeoutTicks = drawElectionTimeout(options)
  return { ...listener(options), leader: null, votedFor, votes: new Set<NodeId>(), electionTimeoutTicks }
}

/**
 * Draws an election time-out: at least `electionTicks`, less than twice that. Chance keeps two nodes from asking at the
 * same moment for ever (§5.2).
 */
export function drawElectionTimeout({ timing, random }: Pick<NodeOptions, 'timing' | 'random'>): number {
  return timing.electionTicks + Math.floor(random.next() * timing.electionTicks)
}

/**
 * Starts the election time-out anew: after hearing the leader, after giving a vote, and after asking for votes; after
 * nothing else.
 */
export function waitAnew(node: Voter): void {
  node.silentTicks = 0
  node.electionTimeoutTicks = node.drawElectionTimeout()
}

/** Enters a term with a vote or without. Both are one record: no crash can keep one and forget the other. */
export function enterTerm(node: Voter, term: Term, votedFor: NodeId | null): void {
  if (term < node.term) throw new Error(`term ${term} comes after term ${node.term}`)
  node.term = term
  node.votedFor = votedFor
  persist(node, { record: 'term', term, votedFor })
}
