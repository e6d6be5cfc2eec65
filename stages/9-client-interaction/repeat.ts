import type { Answer, ErrorCode, Failure } from '../../src/contracts.js'
import { dispatch } from '../1-client/call.js'
import type { Call } from '../1-client/client.js'
import { hear, next } from '../1-client/link.js'
import { answeredByMember } from '../8-membership/learn-members.js'
import { hold, numberOf, refusesOneCopy, type SessionClient } from './session-client.js'
import { learnReaders, noteDelay, notePage } from './spread-reads.js'

/** Milliseconds before a call is asked again. */
const pauseMs = 50

/** Answers of a node that cannot tell what becomes of a write. */
const leavesOpen: ReadonlySet<ErrorCode> = new Set(['timeout', 'leadership_lost', 'connection_lost'])

/** Refusals of a node that is only passing: another copy, a moment later, may be done. */
const passes: ReadonlySet<ErrorCode> = new Set(['overloaded', 'store_full', 'disk_full', 'shutting_down'])

/**
 * An answer has come. A call of a session whose outcome the answer leaves open is asked again, until its deadline: all
 * its copies have one number, and are performed once (thesis §6.3).
 */
export function answeredInSession(client: SessionClient, address: string, id: unknown, answer: Answer): void {
  const found = typeof id === 'number' ? client.calls.get(id) : undefined
  const one = found?.sent && found.address === address ? found : undefined
  if (one) {
    hear(client, address)
    noteDelay(client, one, address)
    const numbered = numberOf(client, one)
    if (numbered && !answer.ok && (refusesOneCopy(answer.error) || answer.error.code === 'session_expired'))
      numbered.open--
    if (answer.ok) notePage(client, address, answer)
    if (one.command.command === 'members' && answer.ok) learnReaders(client, answer)
    if (!answer.ok && isRepeated(client, one, answer.error)) return repeat(client, one)
    if (!answer.ok && answer.error.code === 'session_expired' && leaveSession(client, one)) return
  }
  answeredByMember(client, address, id, answer)
}

function isRepeated(client: SessionClient, one: Call, { code }: Failure): boolean {
  const isOpening = client.session.state === 'opening' && client.session.call === one.id
  const numbered = numberOf(client, one)
  if (isOpening || numbered) {
    if (leavesOpen.has(code) || (code === 'not_leader' && one.path.length >= client.options.maxRedirects)) return true
    return passes.has(code) && (code === 'shutting_down' || (numbered?.open ?? 0) > 0)
  }
  return false
}

/** Asks a call again, at the next node. Its last copy may have been performed. */
function repeat(client: SessionClient, one: Call): void {
  const { address } = one
  one.sent = false
  one.path = []
  one.notBefore = client.now + pauseMs
  one.address = next(client, address)
  if (client.preferred === address) client.preferred = one.address
  dispatch(client, one)
}

/**
 * The session has ended, so the next one is opened. A call that was asked once was not performed, and is a call of the
 * next session. Of a call that was asked more than once, an earlier copy may have been performed before the session
 * ended: nobody knows any more.
 *
 * @returns whether the call waits for the next session
 */
function leaveSession(client: SessionClient, one: Call): boolean {
  const numbered = numberOf(client, one)
  if (!numbered) return false
  if (client.session.state === 'open' && client.session.name === numbered.session) client.session = { state: 'none' }
  if (numbered.open > 0) return false
  hold(client, one)
  client.held.push(one)
  return true
}
