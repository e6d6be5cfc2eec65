import { appendOwn } from '../4-log-replication/propose.js'
import { clusterTime } from './cluster-time.js'
import type { Responder } from './responder.js'
import type { SessionEvent } from './session-call.js'

declare module '../../src/events.js' {
  interface EventDetails {
    sessions_end: { why: 'unused' | 'too large'; idleMs?: number; session?: number }
  }
}

/**
 * A leader ends sessions by an entry of the log, which bears the cluster's time: all nodes end the same sessions at the
 * same place. A node that went by its own clock would perform a late copy which another node refuses (thesis §6.3).
 */
export function endSessions(node: Responder): void {
  if (node.role !== 'leader' || node.endedAt > node.applied) return
  const time = clusterTime(node)
  const { sessions, timing, effects } = node
  const idleMs = timing.sessionTicks * timing.tickMs
  if (sessions.oldest && time - sessions.oldest.lastUsed >= idleMs) {
    propose(node, { event: 'expire', time, idleMs })
    effects.events.push({ event: 'sessions_end', why: 'unused', idleMs })
  } else if (sessions.bytes > timing.sessionBytes) {
    const session = sessions.largest!
    propose(node, { event: 'end', time, session })
    effects.events.push({ event: 'sessions_end', why: 'too large', session })
  }
}

function propose(node: Responder, session: SessionEvent): void {
  node.endedAt = appendOwn(node, { kind: 'session', session }).index
}
