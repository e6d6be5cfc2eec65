import type { NodeId } from '../../src/contracts.js'
import { nextAfterConflict } from '../4-log-replication/acknowledge.js'
import type { AppendEntriesConflict, AppendEntriesReply } from '../4-log-replication/messages.js'
import { entriesFor, isBehind, type Progress } from '../4-log-replication/progress.js'
import { sendAppend } from '../4-log-replication/replicate.js'
import { goBack, noteArrived, noteLeft, type Pipeline, roomFor, trackPipeline } from './pipeline.js'
import type { ProductionNode } from './production-node.js'

/**
 * Sends entries behind those that are under way already: on a long line, no write waits for the answer to the one before
 * it (thesis §10.2.1). Where there is no room, or the follower is to get a snapshot, it is a heartbeat.
 */
function sendAhead(node: ProductionNode, to: NodeId): void {
  const progress = node.progress.get(to) as Pipeline
  const room = isBehind(progress, node) ? roomFor(progress, node) : 0
  const entries = room > 0 ? entriesFor(progress, node, room) : []
  sendAppend(node, to, entries)
  if (entries.length > 0) noteLeft(progress, node, entries)
}

function isDueAhead(node: ProductionNode, progress: Progress): boolean {
  return isBehind(progress, node) && roomFor(progress as Pipeline, node) > 0
}

/** A follower has entries on its disk: the index that it verified counts, never the index up to which was sent. */
export function countArrived(node: ProductionNode, { from, sequence, matchIndex }: AppendEntriesReply): void {
  const progress = pipelineTo(node, from)
  if (progress) noteArrived(progress, node, sequence, matchIndex)
}

/** A follower lacks the entry before a message: an earlier one was lost or overtaken, or the logs differ. */
export function rewind(node: ProductionNode, message: AppendEntriesConflict): void {
  const progress = pipelineTo(node, message.from)
  if (progress && message.sequence > progress.settled) goBack(progress, node, nextAfterConflict(node, message))
}

function pipelineTo({ role, progress }: ProductionNode, from: NodeId): Pipeline | undefined {
  return role === 'leader' ? (progress.get(from) as Pipeline | undefined) : undefined
}

/** The steps of replication, for a leader with several messages under way. */
export const pipelineVerbs = { track: trackPipeline, replicate: sendAhead, isDue: isDueAhead }
