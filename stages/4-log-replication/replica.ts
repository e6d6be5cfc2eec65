import type { Index, NodeId, NodeOptions, PersistRecord, RequestId, Status, Term } from '../../src/contracts.js'
import type { NodeState } from '../../src/stage.js'
import { status } from '../0-key-value-store/server.js'
import { majority, type Quorum } from '../2-naive-replication/quorum.js'

import { Log } from './log.js'
import { newProgress, type Progress } from './progress.js'

/** The entries that wait in a leader, from the one after `from` up to `upTo`. */
interface Backlog {
  /** The leader's term in which these entries were counted. */
  term: Term
  from: Index
  upTo: Index
  bytes: number
}

const emptyBacklog: Backlog = { term: 0, from: 0, upTo: 0, bytes: 0 }

/**
 * A client whose command is in the log. Index and term together name the entry: another leader may have put another
 * entry at this index.
 */
export interface Waiting {
  readonly request: RequestId
  readonly term: Term
  readonly since: number
}

/** A node with a log. */
export interface Replica extends NodeState {
  readonly quorum: Quorum
  term: Term
  readonly log: Log
  /** The last entry known to be on this node's own disk. */
  durableIndex: Index
  /** The last entry known to be committed: it will never be taken back. */
  commitIndex: Index
  /** The last entry handed to the state machine (figure 2: lastApplied). */
  handed: Index
  /** The leader's view of each follower. */
  readonly progress: Map<NodeId, Progress>
  readonly waiting: Map<Index, Waiting>
  /** On a leader: the memory that its waiting entries take. */
  readonly backlog: Backlog
  /** Senders and types of messages that could not be true, each reported once. */
  readonly doubted: Set<string>
  /** Logical time since the start. */
  ticks: number
  /** Verb: makes the progress of a follower of which nothing is known yet. */
  track(): Progress
  /** Verb: sends a follower the entries that it lacks, as many as one message carries. */
  replicate(to: NodeId): void
  /** Verb: tells whether a message to this follower is due now. */
  isDue(progress: Progress): boolean
}

/** The first member leads, by configuration and for ever, from the moment when its disk has the new term. */
export function replica({ id, members, recovered, timing }: NodeOptions) {
  const ids = members.map((member) => member.id)
  const log = new Log(recovered.edge, recovered.entries)
  const followers = ids.filter((peer) => peer !== id)
  return {
    role: 'follower',
    leader: ids[0]!,
    quorum: majority(ids),
    term: recovered.term,
    log,
    durableIndex: log.last.index,
    commitIndex: 0,
    handed: 0,
    progress: new Map(followers.map((peer) => [peer, newProgress(log, timing)])),
    waiting: new Map<Index, Waiting>(),
    backlog: { ...emptyBacklog },
    doubted: new Set<string>(),
    ticks: 0,
  }
}

/** A leader believes at first that a follower has all of its log, and finds out what is true (figure 2). */
export function trackFollower(node: Replica): Progress {
  return newProgress(node.log, node.timing)
}

/** Makes a record durable, in order, with all others of this turn; `sendWhenDurable` waits for it. */
export function persist(node: Replica, record: PersistRecord): void {
  const records = node.effects.persist?.records as PersistRecord[] | undefined
  if (records) records.push(record)
  node.effects.persist = { records: records ?? [record], upTo: node.log.last }
}

export function replicaStatus(node: Replica): Status {
  // Asked for after every message by those who look on: in V8 a spread with fields behind it takes many times as long.
  const { term, commitIndex: commit, durableIndex: durable, log } = node
  return Object.assign(status(node), { term, durable, commit, log: { first: log.first, last: log.last.index } })
}
