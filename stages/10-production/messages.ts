import { type Index, isNodeId, isPositive, type Message, type NodeId, type Term } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import { leapsAhead } from '../4-log-replication/doubts.js'
import { isNatural } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'
import { electionMessages, type RequestVote } from '../6-leader-election/messages.js'
import { type InteractionMessage, interactionDoubts } from '../9-client-interaction/messages.js'
import { type ForwardMessage, forwardMessages } from './forward-messages.js'

/**
 * A node to the voters: would you vote for me in that term? (Thesis §9.6.) The message bears no term of its own: it
 * takes no node to a later term.
 */
export interface PreVote extends Message {
  readonly type: 'PreVote'
  /** Numbers the questions of a node; the answer bears the same number. The first number is drawn. */
  readonly round: number
  /** The term in which the node would stand for election. */
  readonly nextTerm: Term
  readonly lastLogIndex: Index
  readonly lastLogTerm: Term
}

/** A voter's answer to {@link PreVote}: a prediction, no promise. So nothing of it is on a disk. */
export interface PreVoteReply extends Message {
  readonly type: 'PreVoteReply'
  readonly round: number
  readonly preVoteGranted: boolean
  /** The term of the voter. */
  readonly voterTerm: Term
  /** The leader that the voter hears; null if it hears none. */
  readonly leader: NodeId | null
}

/** The leader to its successor: you have all of my log, which ends here; stand for election at once (thesis §3.10). */
export interface TimeoutNow extends Message {
  readonly type: 'TimeoutNow'
  readonly term: Term
  readonly lastLogIndex: Index
}

/** A RequestVote of a node to which the leader hands over: it is heard also where that leader is (thesis §4.2.3). */
export interface RequestVoteNow extends Omit<RequestVote, 'type'> {
  readonly type: 'RequestVoteNow'
}

/**
 * A follower to the leader: I would take over. The leader to a follower: my disk is nearly full, would you? The message
 * is the same, because an earlier release reads it, and leaves it without an answer.
 */
export interface OfferToLead extends Message {
  readonly type: 'OfferToLead'
  readonly term: Term
  readonly priority: number
}

/** A follower to the leader: the results of this window of entries, as a number. */
export interface ResultSum extends Message {
  readonly type: 'ResultSum'
  readonly term: Term
  /** The last index of the window. */
  readonly index: Index
  readonly sum: number
}

/** The leader to a follower: your results of this window are others than those of the rest. */
export interface ResultsDiffer extends Message {
  readonly type: 'ResultsDiffer'
  readonly term: Term
  readonly index: Index
}

export type ProductionMessage =
  | InteractionMessage
  | PreVote
  | PreVoteReply
  | TimeoutNow
  | RequestVoteNow
  | OfferToLead
  | ForwardMessage
  | ResultSum
  | ResultsDiffer

type Candidate = Readonly<Record<string, unknown>>

function isPreVote({ round, nextTerm, lastLogIndex, lastLogTerm }: Candidate): boolean {
  if (!isPositive(round) || !isTerm(nextTerm) || !isNatural(lastLogIndex) || !isNatural(lastLogTerm)) return false
  return lastLogTerm < nextTerm && (lastLogIndex === 0) === (lastLogTerm === 0)
}

function isPreVoteReply({ round, preVoteGranted, voterTerm, leader }: Candidate): boolean {
  if (!isPositive(round) || typeof preVoteGranted !== 'boolean' || !isNatural(voterTerm)) return false
  return leader === null || (typeof leader === 'string' && isNodeId(leader) && !preVoteGranted)
}

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const productionMessages = {
  PreVote: { kind: 'asks the voters', check: isPreVote },
  PreVoteReply: { kind: 'answers', check: isPreVoteReply },
  TimeoutNow: { kind: 'leads', check: ({ term, lastLogIndex }) => isTerm(term) && isNatural(lastLogIndex) },
  RequestVoteNow: { kind: 'succeeds', check: electionMessages.RequestVote.check },
  OfferToLead: { kind: 'asks the leader', check: ({ term, priority }) => isTerm(term) && isPositive(priority) },
  ...forwardMessages,
  ResultSum: {
    kind: 'asks the leader',
    check: ({ term, index, sum }) => isTerm(term) && isPositive(index) && isNatural(sum),
  },
  ResultsDiffer: { kind: 'leads', check: ({ term, index }) => isTerm(term) && isPositive(index) },
} satisfies Record<string, MessageFacts>

export const productionDoubts = {
  ...interactionDoubts,
  TimeoutNow: [leapsAhead],
  RequestVoteNow: [leapsAhead],
  OfferToLead: [leapsAhead],
  Forward: [leapsAhead],
  ForwardRequest: [leapsAhead],
  ForwardReply: [leapsAhead],
  ResultSum: [leapsAhead],
  ResultsDiffer: [leapsAhead],
}
