import type { Entry, NodeId } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import type { AppendEntries } from './messages.js'
import {
  entriesFor,
  hasUnsent,
  isAwaiting,
  isBehind,
  isLate,
  lacksCommit,
  nextSequence,
  noteSentEntries,
  type Progress,
  prevIndexOf,
} from './progress.js'
import type { Replica } from './replica.js'

/**
 * Ends a turn: all entries proposed in it leave together. While one message to a follower is under way, new entries
 * gather for the next one: batches are as large as the slowest disk makes them, and nothing waits for a timer.
 */
export function replicateToAll(node: Replica): void {
  if (node.role !== 'leader') return
  for (const [to, progress] of node.progress) if (node.isDue(progress)) node.replicate(to)
}

/**
 * A message is due if the follower lacks entries, or was not told of the latest commit index. No rule here notices a
 * lost message: if no answer has come in the time that the line needs, the next write sends everything again.
 */
export function isDueByNews(node: Replica, progress: Progress): boolean {
  if (isAwaiting(progress)) return hasUnsent(progress, node) && isLate(progress, node)
  return isBehind(progress, node) || lacksCommit(progress, node)
}

/**
 * Sends entries before the leader's own disk has them: the two syncs run side by side, and only acknowledging waits.
 */
export function sendEntries(node: Replica, to: NodeId): void {
  const progress = node.progress.get(to)!
  const entries = entriesFor(progress, node)
  sendAppend(node, to, entries)
  noteSentEntries(progress, node, entries.length)
}

/**
 * Sends one AppendEntries: these entries, or none, behind the last entry that the follower is known or believed to
 * have.
 */
export function sendAppend(node: Replica, to: NodeId, entries: readonly Entry[]): void {
  const progress = node.progress.get(to)!
  const prevLogIndex = prevIndexOf(progress, node)
  send<AppendEntries>(node, {
    type: 'AppendEntries',
    from: node.id,
    to,
    term: node.term,
    sequence: nextSequence(progress),
    prevLogIndex,
    prevLogTerm: node.log.termAt(prevLogIndex)!,
    leaderCommit: node.commitIndex,
    entries,
  })
}
