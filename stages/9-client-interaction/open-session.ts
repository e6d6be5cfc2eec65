import { failure, type Index, type Request } from '../../src/contracts.js'
import { proposeFor, refer } from '../4-log-replication/propose.js'
import { clusterTime } from './cluster-time.js'
import type { Responder } from './responder.js'
import type { SessionEvent } from './session-call.js'

/**
 * A client opens a session by an entry of the log; the entry's index is the session's name (thesis §6.3). Where there
 * are as many sessions as there may be, the new one takes the place of the one that was unused for longest.
 */
export function openSession(node: Responder, request: Request): void {
  if (node.role !== 'leader') return refer(node, request)
  while (node.openings.length > 0 && node.openings[0]! <= node.applied) node.openings.shift()
  const time = clusterTime(node)
  const isFull = node.sessions.size + node.openings.length >= node.timing.sessions
  const instead = isFull ? unused(node, time) : undefined
  if (isFull && instead === undefined) {
    const answer = failure('overloaded', `${node.timing.sessions} sessions are open and in use: ask again later`)
    node.effects.replies.push({ request: request.id, answer })
    return
  }
  const session: SessionEvent = { event: 'open', time, ...(instead !== undefined && { instead }) }
  const index = proposeFor(node, request, { kind: 'session', session })
  if (index !== null) node.openings.push(index)
}

/** The session that may end so that another can begin; undefined if all have been in use not long ago. */
function unused({ sessions, openings, timing }: Responder, time: number): Index | undefined {
  const { oldest } = sessions
  const leastMs = (timing.sessionTicks * timing.tickMs) / 10
  // One place at a time: the entries on their way may be about this very session.
  return oldest && openings.length === 0 && time - oldest.lastUsed >= leastMs ? oldest.name : undefined
}
