import { onQuorum } from '../4-log-replication/commit.js'
import type { Replica } from '../4-log-replication/replica.js'

/**
 * Only an entry of the leader's own term is committed by counting copies; the entries before it are committed with it
 * (§5.4.2, figure 8). An old entry may be on a majority and still be overwritten, by a node whose last entry is of a
 * later term. The leader's own disk need not be in the majority here: the next leader to be elected has all committed
 * entries.
 */
export function commitOwnTerm(node: Replica): void {
  if (node.role !== 'leader' || node.commitIndex === node.log.last.index) return
  const index = onQuorum(node)
  if (index > node.commitIndex && node.log.termAt(index) === node.term) node.commitIndex = index
}
