/** What nodes say to each other: their names, and the messages that they send. */

import type { Entry } from './entries.js'
import type { NodeId, Term } from './ids.js'

/** One member of the cluster and where it listens, as `host:port`. */
export interface Member {
  readonly id: NodeId
  readonly client: string
  readonly peer: string
}

/** A member as a network is to know it; null or left out while its disk is not known. */
export interface PeerMember extends Member {
  readonly incarnation?: string | null
}

/** A message between nodes: flat, `type` first. Stages add messages; they never add fields to an older one. */
export interface Message {
  readonly type: string
  readonly from: NodeId
  readonly to: NodeId
  /** The sender's disk, and the cluster that it knows; empty if it knows of none. From stage 8 on each message bears both. */
  readonly incarnation?: string
  readonly origin?: string
  /** The disk of the node that is meant, where two nodes may bear one name. */
  readonly disk?: string
  /** The sender's term. From stage 4 on each message bears one, but for those that say who is who. */
  readonly term?: Term | undefined
  /** Log entries travel as the text that each of them is, on every wire. */
  readonly entries?: readonly Entry[]
  /** Bytes of a snapshot, which travel as they are, on every wire. */
  readonly data?: Uint8Array
}

/**
 * What a message is to the node that it reaches: a leader asks its followers something, a candidate asks the voters, and
 * both are answered. Other messages ask who a node is, say so, or tell a node that it does not count.
 */
export type MessageKind = 'leads' | 'campaigns' | 'answers' | 'asks who' | 'says who' | 'dismisses'

/** By what a node is known from stage 8 on, whatever it is called: the disk that it has, and the cluster's first disk. */
export interface Identity {
  readonly incarnation: string
  /** Empty while the node knows of no cluster. */
  readonly origin: string
}

/** A node that was met, and belongs to another cluster of the same name. */
export interface Foreigner extends Identity {
  readonly id: NodeId
}
