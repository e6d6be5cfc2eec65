import {
  type CallOptions,
  type ClientEffects,
  type Command,
  failure,
  type NumberedCommand,
  type Outcome,
  outcomeOf,
} from '../../src/contracts.js'
import { call, dispatch, enqueue } from '../1-client/call.js'
import { type Call, fail, take } from '../1-client/client.js'
import { callsAtOnce } from './session.js'
import { hold, isUnavailable, refusesOneCopy, type SessionClient } from './session-client.js'
import { spreadRead } from './spread-reads.js'

/**
 * A write of the application's is a call of the client's session, which is opened at the first one. Then it may be asked
 * again until its outcome is known (thesis §6.3). Other commands are asked as before, and reads may go to any node.
 */
export function callInSession(client: SessionClient, command: Command, options: CallOptions): number {
  const { readOnly, ofApplication = false, session = true, at } = options
  if (readOnly && ofApplication) return spreadRead(client, command, options)
  const isOff = !session || !client.options.session || at !== undefined || 'session' in command
  if (readOnly || !ofApplication || isOff || isUnavailable(client)) return call(client, command, options)
  const one = enqueue(client, command, options)
  hold(client, one)
  client.held.push(one)
  release(client)
  return one.id
}

/** Lets held calls go: with a number while the session has room for it, or without where there are no sessions. */
export function release(client: SessionClient): void {
  if (client.session.state === 'none' && client.held.length > 0) openSession(client)
  while (client.held.length > 0) {
    const [one] = client.held as [Call]
    if (client.calls.has(one.id) && !letGo(client, one)) return
    client.held.shift()
  }
}

/** @returns whether the call may leave */
function letGo(client: SessionClient, one: Call): boolean {
  const { session, nextSequence } = client
  if (session.state === 'open') {
    if (nextSequence >= firstOutstanding(client, session.name) + callsAtOnce) return false
    client.numbered.set(one.id, { session: session.name, sequence: client.nextSequence++, open: 0 })
    one.repeatable = true
  } else if (session.state !== 'unavailable') return false
  one.notBefore = 0
  one.address = client.preferred
  dispatch(client, one)
  return true
}

/** To open a session twice does no harm: one of the two is never used, and ends after a while. */
function openSession(client: SessionClient): void {
  const opening = enqueue(client, { command: 'open_session' }, { readOnly: true })
  client.session = { state: 'opening', call: opening.id }
  dispatch(client, opening)
}

/** The least number of a session that the client still waits for. */
function firstOutstanding({ numbered, nextSequence }: SessionClient, name: number): number {
  for (const { session, sequence } of numbered.values()) if (session === name) return sequence
  return nextSequence
}

/**
 * Takes the effects decided since the last take. Calls of a session leave with their numbers, and with the least number
 * that the client still waits for.
 */
export function takeNumbered(client: SessionClient): ClientEffects {
  for (const [at, { id, outcome }] of client.effects.settle.entries()) {
    const numbered = client.numbered.get(id)
    if (numbered && numbered.open > 0) client.effects.settle[at] = { id, outcome: leftOpen(outcome) }
    client.numbered.delete(id)
    client.sentAt.delete(id)
    if (client.session.state === 'opening' && client.session.call === id) endOpening(client, outcome)
  }
  release(client)
  const effects = take(client)
  return {
    ...effects,
    send: effects.send.map(({ address, message }) => ({ address, message: numberMessage(client, message) })),
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

/** A call of which an earlier copy may happen is unknown, whatever became of its last copy. */
function leftOpen(outcome: Outcome): Outcome {
  if (outcome.outcome !== 'refused' || !refusesOneCopy(outcome.error)) return outcome
  const { message } = outcome.error
  return outcomeOf(
    failure('timeout', `no answer in time, and an earlier copy of the call may still happen (${message})`),
  )
}

/** Milliseconds for which writes go without a session where none could be opened. */
const unavailableMs = 1_000

/**
 * Opening a session has ended. Where there is none to be had, writes go without one, as at the stages before: their
 * outcome may be unknown.
 */
function endOpening(client: SessionClient, outcome: Outcome): void {
  if (client.session.state !== 'opening') return
  client.session = { state: 'none' }
  if (outcome.outcome === 'done') {
    client.session = { state: 'open', name: Number(outcome.answer.session) }
    client.nextSequence = 1
  } else if (outcome.outcome === 'refused' && outcome.error.code === 'unknown_command') {
    client.session = { state: 'unavailable', until: Number.POSITIVE_INFINITY }
  } else if (outcome.outcome === 'refused' && outcome.error.code === 'overloaded') {
    client.session = { state: 'unavailable', until: client.now + unavailableMs }
  } else if (outcome.outcome === 'refused') {
    for (const one of client.held.splice(0)) if (client.calls.has(one.id)) fail(client, one, outcome.error)
  }
}
