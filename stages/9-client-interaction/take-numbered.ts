import { type ClientEffects, failure, type NumberedCommand, type Outcome, outcomeOf } from '../../src/contracts.js'
import { take } from '../1-client/client.js'
import { endOpening, firstOutstanding, release } from './number-calls.js'
import { refusesOneCopy, type SessionClient } from './session-client.js'

/**
 * Takes the effects decided since the last take. Calls of a session leave with their numbers, and with the least number
 * that the client still waits for. A call that has ended makes room for another.
 */
export function takeNumbered(client: SessionClient): ClientEffects {
  for (const [at, { id, outcome }] of client.effects.settle.entries()) {
    client.effects.settle[at] = { id, outcome: judged(client, id, outcome) }
    client.numbered.delete(id)
    client.reads.delete(id)
    client.sentAt.delete(id)
    if (client.session.state === 'opening' && client.session.call === id) endOpening(client, outcome)
  }
  release(client)
  const { send, ...effects } = take(client)
  return {
    ...effects,
    send: send.map(({ address, message }) => ({ address, message: numberMessage(client, message) })),
  }
}

/** A message leaves: one more copy of its call may be performed from now on. */
function numberMessage(client: SessionClient, message: NumberedCommand): NumberedCommand {
  client.sentAt.set(message.id, client.now)
  const numbered = client.numbered.get(message.id)
  if (!numbered) return message
  const { session, sequence } = numbered
  numbered.open++
  return { ...message, session, sequence, firstOutstanding: firstOutstanding(client, session) }
}

/**
 * The outcome of a call, by all of its copies. A write of which an earlier copy may happen is unknown, whatever became of
 * its last copy. A read without an answer is refused: it did nothing.
 */
function judged({ numbered, reads }: SessionClient, id: number, outcome: Outcome): Outcome {
  if (outcome.outcome === 'done') return outcome
  const { code, message } = outcome.error
  if (reads.has(id) && outcome.outcome === 'unknown')
    return outcomeOf(failure(code, 'no answer came; a read changes nothing: ask again', { definite: true }))
  if ((numbered.get(id)?.open ?? 0) === 0 || !refusesOneCopy(outcome.error)) return outcome
  const why = `no answer came, and an earlier copy of the call may still happen (${message})`
  return outcomeOf(failure('timeout', why))
}
