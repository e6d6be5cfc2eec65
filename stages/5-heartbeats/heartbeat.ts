import { isAwaiting, isBehind, type Progress } from '../4-log-replication/progress.js'
import { sendAppend } from '../4-log-replication/replicate.js'
import type { Listener } from './listener.js'

/**
 * A leader with nothing to say says so, at regular intervals (§5.2). A heartbeat is an AppendEntries like any other: it
 * passes the same check, carries the commit index, and its answer tells the leader what the follower has. So a lost
 * message is found out, and its entries are sent again, without a new write.
 *
 * While entries are under way, the heartbeat carries none: a slow follower is not buried under copies of them. The
 * heartbeat's answer comes after theirs; if it comes without theirs, they were lost.
 */
export function heartbeat(node: Listener): void {
  if (node.role !== 'leader' || ++node.quietTicks < node.timing.heartbeatTicks) return
  node.quietTicks = 0
  for (const [to, progress] of node.progress) {
    if (isAwaiting(progress)) sendAppend(node, to, [])
    else node.replicate(to)
  }
}

/** Only entries are worth a message of their own: the commit index goes with the next heartbeat. */
export function isDueByEntries(node: Listener, progress: Progress): boolean {
  return !isAwaiting(progress) && isBehind(progress, node)
}
