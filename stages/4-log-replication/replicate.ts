import type { Entry, NodeId } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import type { AppendEntries } from './messages.js'
import { isOverdue, noteSent } from './pace.js'
import type { Progress, Replica } from './replica.js'

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
export function isDueByNews(node: Replica, { nextIndex, awaited, pace, sentUpTo, sentCommit }: Progress): boolean {
  const last = node.log.last.index
  if (awaited !== null) return last > sentUpTo && isOverdue(pace, node)
  return nextIndex <= last || sentCommit < node.commitIndex
}

/** Sends before the leader's own disk has the entries: the two syncs run side by side, and only acknowledging waits. */
export function sendEntries(node: Replica, to: NodeId): void {
  const progress = node.progress.get(to)!
  const entries = node.log.batch(progress.nextIndex, progress.pace.bytes)
  sendAppend(node, to, entries)
  noteSent(progress.pace, node, progress.awaited !== null)
  progress.awaited = progress.sequence
  progress.sentUpTo = progress.nextIndex - 1 + entries.length
  progress.pace.isFull = progress.sentUpTo < node.log.last.index
  progress.sentCommit = node.commitIndex
}

/** One AppendEntries: these entries, or none at all, behind all that this follower is known or believed to have. */
export function sendAppend(node: Replica, to: NodeId, entries: readonly Entry[]): void {
  const progress = node.progress.get(to)!
  const prevLogIndex = Math.max(progress.nextIndex, node.log.first) - 1
  send<AppendEntries>(node, {
    type: 'AppendEntries',
    from: node.id,
    to,
    term: node.term,
    sequence: ++progress.sequence,
    prevLogIndex,
    prevLogTerm: node.log.termAt(prevLogIndex)!,
    leaderCommit: node.commitIndex,
    entries,
  })
}
