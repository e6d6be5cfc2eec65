import type { NodeId } from '../../src/contracts.js'
import { appendEntries } from '../4-log-replication/append-entries.js'
import type { AppendEntries } from '../4-log-replication/messages.js'
import { type Progress, stateOf } from '../4-log-replication/progress.js'
import { sendAppend, sendEntries } from '../4-log-replication/replicate.js'
import { isDueByEntries } from '../5-heartbeats/heartbeat.js'
import type { Compactor } from './compactor.js'

/**
 * Entries that a follower has let go were committed, so they are the leader's as well. Of a message that reaches back
 * before the edge, only the entries behind the edge are looked at.
 */
export function appendBehindEdge(node: Compactor, message: AppendEntries): void {
  const { edge } = node.log
  if (message.prevLogIndex >= edge.index) return appendEntries(node, message)
  const entries = message.entries.filter(({ index }) => index > edge.index)
  appendEntries(node, { ...message, prevLogIndex: edge.index, prevLogTerm: edge.term, entries })
}

/**
 * A follower that needs entries that the log has let go is sent no entries: they would not join its log. It hears the
 * heartbeat at the edge, and once it has come so far, its answer says so.
 */
function sendEntriesBehindEdge(node: Compactor, to: NodeId): void {
  if (stateOf(node.progress.get(to)!, node) === 'snapshot') sendAppend(node, to, [])
  else sendEntries(node, to)
}

function isDueBehindEdge(node: Compactor, progress: Progress): boolean {
  return stateOf(progress, node) !== 'snapshot' && isDueByEntries(node, progress)
}

/** The steps of replication, for a log that begins at an edge. */
export const edgeVerbs = { replicate: sendEntriesBehindEdge, isDue: isDueBehindEdge }
