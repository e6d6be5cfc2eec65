import type { Answer, Index, RequestId, Snapshot } from '../../src/contracts.js'
import type { Responder } from '../9-client-interaction/responder.js'

/** A client that waits for a snapshot which holds all entries up to an index. */
export interface SnapshotWish {
  readonly request: RequestId
  readonly upTo: Index
  /** Makes the answer, once the snapshot is there. */
  readonly answer: (node: Giver, snapshot: Snapshot) => Answer
}

/** The snapshots that clients want of a node. */
export interface SnapshotWishes {
  /** Clients that wait for a snapshot of this node. */
  snapshotWishes: SnapshotWish[]
  /** Snapshots that clients copy piece by piece, by their indexes; each with the tick at which a piece was last asked for. */
  readonly copies: Map<Index, { readonly snapshot: Snapshot; readonly askedAt: number }>
  /** The indexes of the copies that the disk was last told to keep. */
  heldCopies: string
}

/** A node that gives snapshots to clients. */
export type Giver = Responder & SnapshotWishes

export function noWishes(): SnapshotWishes {
  return { snapshotWishes: [], copies: new Map(), heldCopies: '' }
}
