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
 * Ends a turn: everything proposed in it leaves together. While one message to a follower is under way, what comes
 * next gathers and becomes the next one: batches are as large as the slowest disk makes them, and nothing waits for a
 * timer.
 */
export function replicateToAll(node: Replica): void {
  if (node.role !== 'leader') return
  for (const [to, progress] of node.progress) if (node.isDue(progress)) node.replicate(to)
}

/**
 * A follower is to be told of entries that it lacks, and of what was committed. Nobody notices here that a message was
 * lost: if no answer has come when the line has had the time for it, the next write sends everything again.
 */
export function isDueByNews(node: Replica, progress: Progress): boolean {
  if (isAwaiting(progress)) return hasUnsent(progress, node) && isLate(progress, node)
  return isBehind(progress, node) || lacksCommit(progress, node)
}

/** Sends before the leader's own disk has the entries: the two syncs run side by side, and only acknowledging waits. */
export function sendEntries(node: Replica, to: NodeId): void {
  const progress = node.progress.get(to)!
  const entries = entriesFor(progress, node)
  sendAppend(node, to, entries)
  noteSentEntries(progress, node, entries.length)
}

/** One AppendEntries: these entries, or none at all, behind all that this follower is known or believed to have. */
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
