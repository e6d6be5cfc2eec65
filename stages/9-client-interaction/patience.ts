import type { ClientEffects } from '../../src/contracts.js'
import { type Call, wake } from '../1-client/client.js'
import { elapsedDuringElection } from '../6-leader-election/follow-leader.js'
import { repeat } from './repeat.js'
import type { SessionClient } from './session-client.js'

/**
 * Milliseconds for which a call waits for its answer before another node is asked; doubled each time that it waited in
 * vain. A node that refuses has answered, so it makes nobody more patient.
 */
const patienceMs = 1_000

/** Notes the calls that leave, and the moment at which the first of them may have waited too long. */
export function noteSends(client: SessionClient, { send }: ClientEffects): void {
  for (const { message } of send) {
    const vain = client.sends.get(message.id)?.vain ?? 0
    client.sends.set(message.id, { at: client.now, vain })
    client.impatientAt = Math.min(client.impatientAt, client.now + patienceOf(vain))
  }
  wake(client, client.impatientAt)
}

function patienceOf(vain: number): number {
  return patienceMs * 2 ** vain
}

/**
 * A node that was asked and says nothing may be stopped, though its connection stands. What may be repeated is asked at
 * another node then.
 */
export function elapsedWithPatience(client: SessionClient, now: number): void {
  elapsedDuringElection(client, now)
  if (now >= client.impatientAt) {
    client.impatientAt = Number.POSITIVE_INFINITY
    for (const one of [...client.calls.values()]) lookAt(client, one, now)
  }
  wake(client, client.impatientAt)
}

function lookAt(client: SessionClient, one: Call, now: number): void {
  const sent = client.sends.get(one.id)
  if (!sent || !one.sent || !one.repeatable || one.pinned) return
  const until = sent.at + patienceOf(sent.vain)
  if (until > now) {
    client.impatientAt = Math.min(client.impatientAt, until)
    return
  }
  client.sends.set(one.id, { at: sent.at, vain: sent.vain + 1 })
  repeat(client, one)
}
