import { type Index, isPositive, type Message, type Term } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import { leapsAhead } from '../4-log-replication/doubts.js'
import { isNatural } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'
import { compactionDoubts } from '../7-log-compaction/doubts.js'
import type { MembershipMessage } from '../8-membership/messages.js'
import type { Responder } from './responder.js'

/** The leader to a follower: am I still your leader? (Thesis §6.4, step 3.) */
export interface ConfirmLeader extends Message {
  readonly type: 'ConfirmLeader'
  readonly term: Term
  /** Numbers the leader's rounds; the answer bears the same number. */
  readonly round: number
}

/** A follower to the leader: you are. The answer promises nothing, so it waits for no disk. */
export interface LeaderConfirmed extends Message {
  readonly type: 'LeaderConfirmed'
  readonly term: Term
  readonly round: number
}

/** A follower to the leader: up to which entry must I have performed the log before I answer a read? */
export interface ReadIndex extends Message {
  readonly type: 'ReadIndex'
  readonly term: Term
  /** Numbers the follower's questions. The first number is drawn: an answer may be older than the follower's start. */
  readonly question: number
}

/** The leader to a follower: this was my commit index after your question, and I was still the leader. */
export interface ReadIndexReply extends Message {
  readonly type: 'ReadIndexReply'
  readonly term: Term
  readonly question: number
  readonly readIndex: Index
}

export type InteractionMessage = MembershipMessage | ConfirmLeader | LeaderConfirmed | ReadIndex | ReadIndexReply

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const interactionMessages = {
  ConfirmLeader: { kind: 'leads', check: ({ term, round }) => isTerm(term) && isPositive(round) },
  LeaderConfirmed: { kind: 'answers', check: ({ term, round }) => isTerm(term) && isPositive(round) },
  ReadIndex: { kind: 'asks the leader', check: ({ term, question }) => isTerm(term) && isPositive(question) },
  ReadIndexReply: {
    kind: 'leads',
    check: ({ term, question, readIndex }) => isTerm(term) && isPositive(question) && isNatural(readIndex),
  },
} satisfies Record<string, MessageFacts>

/** A follower confirms only rounds that the leader has begun in this term. */
function confirmsTheFuture(node: Responder, { term, round }: LeaderConfirmed): string | null {
  if (node.role !== 'leader' || term !== node.term || round <= node.lastRound) return null
  return `it confirms round ${round}, and was asked in ${node.lastRound}`
}

export const interactionDoubts = {
  ...compactionDoubts,
  ConfirmLeader: [leapsAhead],
  LeaderConfirmed: [leapsAhead, confirmsTheFuture],
  ReadIndex: [leapsAhead],
  ReadIndexReply: [leapsAhead],
}
