/** Messages between nodes, and the names of the nodes. */

import type { Entry } from './entries.js'
import type { NodeId, Term } from './ids.js'

/** One member of the cluster and where it listens, as `host:port`. */
export interface Member {
  readonly id: NodeId
  readonly client: string
  readonly peer: string
}

/** A member as a network knows it; `incarnation` is null or left out while its disk is not known. */
export interface PeerMember extends Member {
  readonly incarnation?: string | null
}

/** A message between nodes: flat, `type` first. Stages add messages; they never add fields to an older one. */
export interface Message {
  readonly type: string
  readonly from: NodeId
  readonly to: NodeId
  /** The sender's disk. From stage 8 on each message bears one. */
  readonly incarnation?: string
  /**
   * The origin of the cluster that the sender knows; empty if it knows of none. From stage 8 on each message bears one.
   */
  readonly origin?: string
  /** The disk of the node that is meant, where two nodes may bear one name. */
  readonly disk?: string
  /**
   * The sender's term. From stage 4 on each message bears one, but for messages that ask or say who a node is, or
   * dismiss it.
   */
  readonly term?: Term | undefined
  /** Log entries; each travels as its text, on every wire. */
  readonly entries?: readonly Entry[]
  /** Bytes of a snapshot; they travel as they are, on every wire. */
  readonly data?: Uint8Array
}

/**
 * The kind of a message, for the node that it reaches. A leader asks its followers, a candidate asks the voters, and so
 * do a node that would be one and a successor that the leader has named; all are answered. A follower may ask the leader. Other messages ask who a node is, say
 * so, or tell a node that it does not count.
 */
export type MessageKind =
  | 'leads'
  | 'campaigns'
  | 'asks the voters'
  | 'succeeds'
  | 'answers'
  | 'asks the leader'
  | 'asks who'
  | 'says who'
  | 'dismisses'

/** The identity of a node from stage 8 on, whatever its name: its own disk, and the disk that founded its cluster. */
export interface Identity {
  readonly incarnation: string
  /** The disk that founded the cluster; empty while the node knows of no cluster. */
  readonly origin: string
}

/** The features that a node knows, by its hello; null once its connection has ended. */
export interface Greeting {
  readonly id: NodeId
  readonly incarnation: string
  readonly features: readonly string[] | null
}

/**
 * A node that was met, and is not heard beside this one. It belongs to another cluster of the same name; or it is this
 * node's double, which has this node's name and disk.
 */
export interface Foreigner extends Identity {
  readonly id: NodeId
  /** The address from which a double speaks to a peer, which therefore refuses this node; left out of all others. */
  readonly address?: string
}
