import type { EntryId, Index, NodeId } from '../../src/contracts.js'
import type { Quorum } from '../2-naive-replication/quorum.js'
import { matchIndexOf } from './progress.js'
import type { Replica } from './replica.js'

/**
 * The disk has caught up. If the entry was taken back meanwhile, it does not count, even if another entry stands in its
 * place.
 */
export function noteDurable(node: Replica, { index, term }: EntryId): void {
  if (node.log.termAt(index) === term) node.durableIndex = Math.max(node.durableIndex, index)
}

/**
 * An entry is committed when a majority has it on disk (§5.3), and here the leader must be in that majority. No other
 * node will ever lead: an entry that the leader's disk has lost would be taken back everywhere when the leader starts
 * again.
 */
export function commitByMajority(node: Replica): void {
  if (node.role !== 'leader' || node.commitIndex === node.log.last.index) return
  node.commitIndex = Math.max(node.commitIndex, Math.min(onQuorum(node), node.durableIndex))
}

/** The last entry that a quorum has on disk. The leader counts itself like anybody else: only what is durable. */
export function onQuorum(node: Replica): Index {
  const matchOf = (id: NodeId) => (id === node.id ? node.durableIndex : matchIndexOf(node.progress.get(id)))
  return committed(
    node.quorum,
    node.members.map(({ id }) => id),
    matchOf,
  )
}

/** The highest index that a quorum has reached. */
export function committed(quorum: Quorum, members: readonly NodeId[], matchOf: (id: NodeId) => Index): Index {
  const reached = members.map(matchOf).sort((a, b) => b - a)
  return reached.find((index) => quorum.has(new Set(members.filter((id) => matchOf(id) >= index)))) ?? 0
}

/** Hands committed entries to the state machine: in order, each once, with the client that waits for it here. */
export function applyCommitted(node: Replica): void {
  while (node.handed < node.commitIndex) {
    const index = ++node.handed
    const term = node.log.termAt(index)
    const payload = node.log.takePayload(index)
    if (term === undefined || !payload) throw new Error(`entry ${index} is committed and is not there to be performed`)
    const waiting = node.waiting.get(index)
    node.waiting.delete(index)
    node.effects.apply.push({ index, term, payload, request: waiting?.term === term ? waiting.request : null })
  }
}
