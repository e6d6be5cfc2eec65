import type { Answer, ErrorCode, Failure } from '../../src/contracts.js'
import { answered } from '../1-client/answer.js'
import { dispatch } from '../1-client/call.js'
import type { Call, Client } from '../1-client/client.js'
import { isLeftAlone } from '../1-client/heard.js'
import { elapsed, hear, next } from '../1-client/link.js'

/** Answers of a leader that lost its majority, or its office. */
const leavesOpen: ReadonlySet<ErrorCode> = new Set(['timeout', 'leadership_lost'])

/** Answers of a node that has certainly done nothing, and never will: it knows no leader, or is about to stop. */
const doesNothing: ReadonlySet<ErrorCode> = new Set(['no_leader', 'shutting_down'])

/** Answers of a node that does not know whether something was done: that does not matter to a read. */
const lost: ReadonlySet<ErrorCode> = new Set(['leadership_lost', 'connection_lost'])

/** Milliseconds for which a client lets an election go on before it asks again. */
const pauseMs = 50

/**
 * While no node leads, or the named leader cannot be reached, nothing was done: the client asks elsewhere after a
 * pause, until its deadline. A node that names a dead leader has only not noticed yet. A read that a node left without
 * an answer, because it was deposed or stopped, is asked again as well, for it does no harm.
 */
export function answeredDuringElection(client: Client, address: string, id: unknown, answer: Answer): void {
  const call = typeof id === 'number' ? client.calls.get(id) : undefined
  if (call && !answer.ok && leavesOpen.has(answer.error.code)) moveOn(client, address)
  if (answer.ok || !call?.sent || call.pinned || call.address !== address || !mayWait(client, call, answer.error)) {
    return answered(client, address, id, answer)
  }
  hear(client, address)
  call.refusal = answer.error
  call.path = []
  call.sent = false
  call.notBefore = client.now + pauseMs
  call.address = next(client, address)
  moveOn(client, address)
  dispatch(client, call)
}

function mayWait(client: Client, { repeatable }: Call, { code, address }: Failure): boolean {
  if (code === 'not_leader') return isLeftAlone(client, String(address))
  return doesNothing.has(code) || (lost.has(code) && repeatable)
}

/** The next call asks another node, which sends it back if nothing has changed. */
function moveOn(client: Client, address: string): void {
  if (client.preferred === address) client.preferred = next(client, address)
}

/**
 * A leader that let a call wait until its deadline may be stopped, though its connection stands: the next call asks
 * another node.
 */
export function elapsedDuringElection(client: Client, now: number): void {
  const isLate = ({ sent, pinned, address, deadline }: Call) =>
    sent && !pinned && deadline <= now && address === client.preferred
  const { preferred } = client
  const wasLate = now >= client.wakeAt && [...client.calls.values()].some(isLate)
  elapsed(client, now)
  if (wasLate) moveOn(client, preferred)
}
