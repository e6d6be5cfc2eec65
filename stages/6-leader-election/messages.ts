import type { Index, Message, Term } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import { leapsAhead, replicationDoubts } from '../4-log-replication/doubts.js'
import { isNatural, type ReplicationMessage } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'

/** A candidate to everybody: vote for me; this is how far my log goes (figure 2). */
export interface RequestVote extends Message {
  readonly type: 'RequestVote'
  readonly term: Term
  readonly lastLogIndex: Index
  readonly lastLogTerm: Term
}

/** A voter's answer to a candidate. The term, and the vote if it is given, are on disk before the answer leaves. */
export interface RequestVoteReply extends Message {
  readonly type: 'RequestVoteReply'
  readonly term: Term
  readonly voteGranted: boolean
}

/** To a leader or candidate that asks in a term that is over: this is the term by now. */
export interface StaleTerm extends Message {
  readonly type: 'StaleTerm'
  readonly term: Term
}

export type ElectionMessage = ReplicationMessage | RequestVote | RequestVoteReply | StaleTerm

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const electionMessages = {
  RequestVote: {
    kind: 'campaigns',
    check: ({ term, lastLogIndex, lastLogTerm }) =>
      isTerm(term) &&
      isNatural(lastLogIndex) &&
      isNatural(lastLogTerm) &&
      lastLogTerm < term &&
      (lastLogIndex === 0) === (lastLogTerm === 0),
  },
  RequestVoteReply: {
    kind: 'answers',
    check: ({ term, voteGranted }) => isTerm(term) && typeof voteGranted === 'boolean',
  },
  StaleTerm: { kind: 'answers', check: ({ term }) => isTerm(term) },
} satisfies Record<string, MessageFacts>

export const electionDoubts = {
  ...replicationDoubts,
  RequestVote: [leapsAhead],
  RequestVoteReply: [leapsAhead],
  StaleTerm: [leapsAhead],
}
