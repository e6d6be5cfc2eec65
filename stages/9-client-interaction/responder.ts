import type { Index, NodeId, NodeOptions, Status } from '../../src/contracts.js'
import { type Participant, participant } from '../8-membership/participant.js'
import { statusOfMember } from '../8-membership/status.js'
import type { PendingRead, Question, Round } from './pending-read.js'
import { SessionTable } from './session-table.js'

/** A node that answers each call of a session once, and reads without an entry in the log. */
export interface Responder extends Participant {
  /** The sessions of the cluster's clients, a part of the replicated state. */
  sessions: SessionTable
  /**
   * On a leader: the cluster's time in milliseconds, which only leaders move on. It stands still while nobody leads, so
   * no session ends for that.
   */
  clock: number
  /** On a leader: the index of its last entry that ends sessions. */
  endedAt: Index
  /** On a leader: entries that open sessions and are not performed yet. */
  readonly openings: Index[]
  /** Entries of which a client wants to know the index. */
  readonly indexWanted: Set<Index>
  /** Reads for which no read index has been asked yet. */
  fresh: PendingRead[]
  /** Reads that are answered as soon as enough entries have been performed. */
  ready: PendingRead[]
  /** The least index for which a read of {@link ready} waits; infinite if there is none. */
  readyAt: Index
  /** On a leader: the round of confirmations that is under way. */
  round: Round | null
  /** The number of the leader's last round. */
  lastRound: number
  /** On a leader: the nodes that confirmed the last round, itself included. */
  confirmers: ReadonlySet<NodeId>
  /** On a leader: followers that ask for a read index, and the numbers of their questions. */
  askers: Map<NodeId, number>
  /** On a follower: the question to the leader that is under way. */
  question: Question | null
  /** The number of the follower's last question. */
  lastQuestion: number
  /** On a follower: the commit index that the leader told, and the tick of that. */
  news: { readonly commit: Index; readonly at: number } | null
  /** On a follower: the last tick at which it had performed all that was committed, by what its leader told. */
  freshAt: number | null
  /** Verb: serves a read whose entry has been handed to the state machine. */
  serveRead(one: PendingRead): void
}

/** The first question's number is below this one. */
const questionNumbers = 2 ** 32

export function responder(options: NodeOptions) {
  return {
    ...participant(options),
    commitIndex: options.recovered.commit,
    sessions: new SessionTable(),
    clock: 0,
    endedAt: 0,
    openings: [],
    indexWanted: new Set<Index>(),
    fresh: [],
    ready: [],
    readyAt: Number.POSITIVE_INFINITY,
    round: null,
    lastRound: 0,
    confirmers: new Set<NodeId>(),
    askers: new Map<NodeId, number>(),
    question: null,
    lastQuestion: 1 + Math.floor(options.random.next() * questionNumbers),
    news: null,
    freshAt: null,
  }
}

/** The status that `info` tells of a node, with the number of sessions that are open. */
export function statusOfResponder(node: Responder): Status {
  return Object.assign(statusOfMember(node), { sessions: node.sessions.size })
}
