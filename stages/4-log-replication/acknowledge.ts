import type { Index, NodeId } from '../../src/contracts.js'
import type { AppendEntriesConflict, AppendEntriesReply } from './messages.js'
import { continueAt, isAt, noteAnswer, noteMatch, type Progress } from './progress.js'
import type { Replica } from './replica.js'

/**
 * A follower has entries on its disk. The index that the follower verified counts, not the end of the leader's log by
 * now; and an old answer takes nothing back.
 */
export function countReply(node: Replica, { from, sequence, matchIndex }: AppendEntriesReply): void {
  const progress = answered(node, from, sequence)
  if (progress) noteMatch(progress, matchIndex)
}

/** A follower lacks the entry before: the leader goes back, if it still believes that the follower has that entry. */
export function walkBack(node: Replica, message: AppendEntriesConflict): void {
  const { from, sequence, prevLogIndex } = message
  const progress = answered(node, from, sequence)
  if (progress && isAt(progress, prevLogIndex)) continueAt(progress, nextAfterConflict(node, message))
}

/**
 * The index at which the leader goes on after a conflict. If it has entries of the follower's term there, the two logs
 * agree at most up to the last of those entries; if not, that whole term is foreign. Either way the leader goes back one
 * step for a term, not one for each entry (§5.3).
 */
export function nextAfterConflict({ log }: Replica, message: AppendEntriesConflict): Index {
  const { prevLogIndex, conflictTerm, conflictIndex } = message
  const lastOfTerm = conflictTerm === null ? 0 : log.firstOf(conflictTerm + 1) - 1
  const isShared = conflictTerm !== null && log.termAt(lastOfTerm) === conflictTerm
  return isShared ? Math.min(lastOfTerm + 1, prevLogIndex) : conflictIndex
}

/**
 * The leader notes a follower's answer. @returns the follower's progress; undefined if this node does not lead, or has
 * no such follower
 */
function answered(node: Replica, from: NodeId, sequence: number): Progress | undefined {
  if (node.role !== 'leader') return undefined
  const progress = node.progress.get(from)
  if (progress) noteAnswer(progress, node, sequence)
  return progress
}
