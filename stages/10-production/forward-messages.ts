import { type Entry, type Index, isObject, isPositive, type Message, type Term } from '../../src/contracts.js'
import type { Known, MessageFacts } from '../../src/stage.js'
import { isNatural } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'
import { membershipCommands } from '../8-membership/commands.js'
import { interactionCommands } from '../9-client-interaction/commands.js'
import { productionCommands } from './commands.js'
import { productionEnvelopes } from './envelope.js'

/** A node to the leader: propose this command, which a client of mine has asked for. */
export interface Forward extends Message {
  readonly type: 'Forward'
  readonly term: Term
  /** A number that the sender drew when it started: a new life counts its commands anew. */
  readonly life: number
  /** Numbers the commands that the sender passes on in this life; the answer bears the same number. */
  readonly number: number
  /** The first number that the sender waits for. Copies of earlier ones are late. */
  readonly firstOpen: number
  /** One entry with the command. Its index is the number; the leader's own entry has another index. */
  readonly entries: readonly Entry[]
}

/** A node to the leader: a request of a client of mine that is more than a command, or is none of the application. */
export interface ForwardRequest extends Omit<Forward, 'type'> {
  readonly type: 'ForwardRequest'
  /** JSON: the fields beside the command in {@link entries}; or, where there is no entry, a command of the node itself. */
  readonly request: string
}

/** The leader to the node that has passed a command on: the answer for its client. */
export interface ForwardReply extends Message {
  readonly type: 'ForwardReply'
  readonly term: Term
  readonly life: number
  readonly number: number
  /** The index of the leader's entry; 0 if there is none, or its outcome is unknown. */
  readonly index: Index
  /** The answer as JSON. */
  readonly answer: string
}

export type ForwardMessage = Forward | ForwardRequest | ForwardReply

type Candidate = Readonly<Record<string, unknown>>

function isForward(candidate: Candidate, known: Known): boolean {
  const { number, entries } = candidate
  if (!isNumbered(candidate) || !Array.isArray(entries) || entries.length !== 1) return false
  const { index, payload } = entries[0] as Entry
  if (index !== number || payload?.kind !== 'command' || payload.call !== undefined) return false
  return known.isPayload(payload)
}

function isNumbered({ term, life, number, firstOpen }: Candidate): boolean {
  if (!isTerm(term) || !isPositive(life) || !isPositive(number) || !isPositive(firstOpen)) return false
  return firstOpen <= number
}

function isForwardRequest(candidate: Candidate, known: Known): boolean {
  const { entries, request } = candidate
  const fields = typeof request === 'string' ? objectIn(request) : null
  if (fields === null || !isNumbered(candidate) || !Array.isArray(entries)) return false
  if (entries.length > 0) return isForward(candidate, known) && productionEnvelopes.write.check(fields).ok
  const { command } = fields
  return typeof command === 'string' && isPassedOn(command) && passedOn[command].check(fields).ok
}

/** The commands of the node itself that are passed on, by their shapes. */
const passedOn = {
  open_session: interactionCommands.open_session,
  add_node: productionCommands.add_node,
  promote: productionCommands.promote,
  demote: productionCommands.demote,
  remove_node: membershipCommands.remove_node,
  reconfigure: membershipCommands.reconfigure,
  transfer_leader: productionCommands.transfer_leader,
}

export type PassedOn = keyof typeof passedOn

const isPassedOn = (command: string): command is PassedOn => Object.hasOwn(passedOn, command)

function isForwardReply({ term, life, number, index, answer }: Candidate): boolean {
  if (!isTerm(term) || !isPositive(life) || !isPositive(number) || !isNatural(index)) return false
  return typeof answer === 'string' && answerIn(answer) !== null
}

/** The answer that a text holds; null if it holds none. */
export function answerIn(text: string): Readonly<Record<string, unknown>> | null {
  const answer = objectIn(text)
  if (!answer || answer.ok === true) return answer
  const { error } = answer
  const isFailure = answer.ok === false && isObject(error) && typeof error.definite === 'boolean'
  return isFailure && typeof error.code === 'string' && typeof error.message === 'string' ? answer : null
}

/** The object that a text of JSON holds; null if it holds none. */
export function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const forwardMessages = {
  Forward: { kind: 'asks the leader', check: isForward },
  ForwardRequest: { kind: 'asks the leader', check: isForwardRequest },
  ForwardReply: { kind: 'answers', check: isForwardReply },
} satisfies Record<string, MessageFacts>
