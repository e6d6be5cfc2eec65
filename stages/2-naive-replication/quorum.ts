import type { NodeId } from '../../src/contracts.js'

/**
 * A rule that says which sets of nodes are enough. Any two quorums of the same members share a node; all of Raft rests
 * on that.
 */
export interface Quorum {
  has(nodes: ReadonlySet<NodeId>): boolean
}

/** A majority is more than half of the members: 3 of 5, the leader counted like any other node. */
export function majority(members: readonly NodeId[]): Quorum {
  const needed = Math.floor(members.length / 2) + 1
  return { has: (nodes) => members.filter((id) => nodes.has(id)).length >= needed }
}
