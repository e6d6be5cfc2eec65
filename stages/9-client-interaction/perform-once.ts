import type { Apply, Index, Performance } from '../../src/contracts.js'
import type { Responder } from './responder.js'
import type { SessionCall, SessionEvent } from './session-call.js'
import { SessionTable } from './session-table.js'

/**
 * A call of a session is performed once, however often its entry is in the log (thesis §6.3). Copies are found here,
 * where the log is performed, and not where a leader proposes: a new leader does not know yet which entries before its
 * own are committed.
 */
export function performOnce(node: Responder, entry: Apply): Performance | null {
  const { index, payload } = entry
  if (payload.kind === 'session') {
    const answer = node.sessions.perform(index, payload.session as SessionEvent)
    return { isNew: false, result: { answer } }
  }
  if (payload.kind !== 'command' || payload.call === undefined) return null
  const taken = node.sessions.take(payload.call as SessionCall, payload.command, index)
  // A client that wants to know the index is told where its call was performed, whichever copy is answered.
  if (entry.fields && taken.result.index !== undefined) entry.fields = { index: taken.result.index }
  return taken
}

/** The answers of the entries up to here are known: they count in the table's size. */
export function measureAnswers(node: Responder, _upTo: Index): void {
  node.sessions.measure()
}

/** The table of sessions is kept in every snapshot: an entry that the log lets go may come once more as a copy. */
export function keepSessions({ sessions }: Responder): readonly unknown[] {
  return sessions.keep()
}

/** A snapshot takes the place of the whole state, the sessions included. */
export function restoreSessions(node: Responder, kept: readonly unknown[]): void {
  node.sessions = SessionTable.from(kept)
}
