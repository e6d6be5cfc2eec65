import type { Index, Message, Term } from '../../src/contracts.js'
import { isTerm, leapsAhead, replicationDoubts } from '../4-log-replication/doubts.js'
import { isNatural, type ReplicationMessage, shapeOf } from '../4-log-replication/messages.js'

/** A candidate to everybody: vote for me; this is how far my log goes (figure 2). */
export interface RequestVote extends Message {
  readonly type: 'RequestVote'
  readonly term: Term
  readonly lastLogIndex: Index
  readonly lastLogTerm: Term
}

/** The answer. Both are on disk before it leaves: the term, and the vote if it is given. */
export interface RequestVoteReply extends Message {
  readonly type: 'RequestVoteReply'
  readonly term: Term
  readonly voteGranted: boolean
}

/** To whoever asks something in a term that is over: this is the term by now. */
export interface StaleTerm extends Message {
  readonly type: 'StaleTerm'
  readonly term: Term
}

export type ElectionMessage = ReplicationMessage | RequestVote | RequestVoteReply | StaleTerm

type Candidate = Readonly<Record<string, unknown>>

/** What the messages of this stage must hold when they come from the wire. */
export const electionWire = {
  RequestVote: ({ term, lastLogIndex, lastLogTerm }: Candidate) =>
    isTerm(term) &&
    isNatural(lastLogIndex) &&
    isNatural(lastLogTerm) &&
    lastLogTerm < term &&
    (lastLogIndex === 0) === (lastLogTerm === 0),
  RequestVoteReply: ({ term, voteGranted }: Candidate) => isTerm(term) && typeof voteGranted === 'boolean',
  StaleTerm: ({ term }: Candidate) => isTerm(term),
}

/** The entry with which a leader begins has no field. */
export const entriesOfLeaders = { 'no-op': shapeOf([]) }

export const electionDoubts = {
  ...replicationDoubts,
  RequestVote: [leapsAhead],
  RequestVoteReply: [leapsAhead],
  StaleTerm: [leapsAhead],
}
