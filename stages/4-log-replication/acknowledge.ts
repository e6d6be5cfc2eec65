import type { NodeId } from '../../src/contracts.js'
import type { AppendEntriesConflict, AppendEntriesReply } from './messages.js'
import { goBackTo, isAt, noteAnswer, noteMatch, type Progress } from './progress.js'
import type { Replica } from './replica.js'

/**
 * A follower has entries on its disk. What it verified counts, not what the leader has meanwhile; and an old answer
 * takes nothing back.
 */
export function countReply(node: Replica, { from, sequence, matchIndex }: AppendEntriesReply): void {
  const progress = answered(node, from, sequence)
  if (progress) noteMatch(progress, matchIndex)
}

/**
 * A follower lacks the entry before. If the leader has entries of the follower's term there, the two agree at most up
 * to the last of those; if not, that whole term is foreign. Either way one step back for a term, not for an entry.
 */
export function walkBack(node: Replica, message: AppendEntriesConflict): void {
  const { from, sequence, prevLogIndex, conflictTerm, conflictIndex } = message
  const progress = answered(node, from, sequence)
  if (!progress || !isAt(progress, prevLogIndex)) return
  const lastOfTerm = conflictTerm === null ? 0 : node.log.firstOf(conflictTerm + 1) - 1
  const isShared = conflictTerm !== null && node.log.termAt(lastOfTerm) === conflictTerm
  goBackTo(progress, isShared ? Math.min(lastOfTerm + 1, prevLogIndex) : conflictIndex)
}

/** A leader's follower has answered a message. */
function answered(node: Replica, from: NodeId, sequence: number): Progress | undefined {
  if (node.role !== 'leader') return undefined
  const progress = node.progress.get(from)
  if (progress) noteAnswer(progress, node, sequence)
  return progress
}
