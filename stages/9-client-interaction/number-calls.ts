import { type CallOptions, type Command, isPositive, type Outcome } from '../../src/contracts.js'
import { call, dispatch, enqueue } from '../1-client/call.js'
import { type Call, fail } from '../1-client/client.js'
import { callsAtOnce } from './session.js'
import { hold, isUnavailable, type SessionClient } from './session-client.js'
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
export function firstOutstanding({ numbered, nextSequence }: SessionClient, name: number): number {
  for (const { session, sequence } of numbered.values()) if (session === name) return sequence
  return nextSequence
}

/** Milliseconds for which writes go without a session where none could be opened. */
const unavailableMs = 1_000

/**
 * Opening a session has ended. Where there is none to be had, writes go without one, as at the stages before: their
 * outcome may be unknown.
 */
export function endOpening(client: SessionClient, outcome: Outcome): void {
  client.session = { state: 'none' }
  if (outcome.outcome === 'done' && isPositive(outcome.answer.session)) {
    client.session = { state: 'open', name: outcome.answer.session }
    client.nextSequence = 1
  } else if (outcome.outcome === 'done') {
    client.session = { state: 'unavailable', until: client.now + unavailableMs }
  } else if (outcome.outcome === 'refused' && outcome.error.code === 'unknown_command') {
    client.session = { state: 'unavailable', until: Number.POSITIVE_INFINITY }
  } else if (outcome.outcome === 'refused' && outcome.error.code === 'overloaded') {
    client.session = { state: 'unavailable', until: client.now + unavailableMs }
  } else if (outcome.outcome === 'refused') {
    for (const one of client.held.splice(0)) if (client.calls.has(one.id)) fail(client, one, outcome.error)
  }
}
