import type { NodeId, NodeOptions, Request } from '../../src/contracts.js'
import { type Server, server } from '../0-key-value-store/server.js'
import { majority, type Quorum } from './quorum.js'

/** A write that the leader has sent round and not yet answered. */
export interface Pending {
  readonly write: number
  readonly request: Request<unknown>
  /** Nodes that have performed the write; the leader is among them from the start, and performs it at a majority. */
  readonly acknowledged: Set<NodeId>
  /** Ticks since the leader sent the write round. */
  waited: number
}

/** A server with followers, or with a leader. */
export interface NaiveReplica extends Server {
  readonly quorum: Quorum
  /**
   * The number of the leader's latest write. Each start begins at a random number: an answer to a former life counts
   * for nothing.
   */
  writes: number
  readonly pending: Map<number, Pending>
  /** Verb: answers a pending write if enough nodes have it. */
  settle(pending: Pending): void
}

/** The first member leads, by configuration and for ever. */
export function naiveReplica(options: NodeOptions) {
  const ids = options.members.map((member) => member.id)
  const leader = ids[0]!
  const role = options.id === leader ? 'leader' : 'follower'
  const writes = Math.floor(options.random.next() * 2 ** 48)
  return { ...server(), role, leader, quorum: majority(ids), writes, pending: new Map<number, Pending>() }
}
