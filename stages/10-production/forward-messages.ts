import { type Entry, type Index, isObject, isPositive, type Message, type Term } from '../../src/contracts.js'
import type { Known, MessageFacts } from '../../src/stage.js'
import { isNatural } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'

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

export type ForwardMessage = Forward | ForwardReply

type Candidate = Readonly<Record<string, unknown>>

function isForward({ term, life, number, firstOpen, entries }: Candidate, { isPayload }: Known): boolean {
  if (!isTerm(term) || !isPositive(life) || !isPositive(number) || !isPositive(firstOpen)) return false
  if (firstOpen > number || !Array.isArray(entries) || entries.length !== 1) return false
  const { index, payload } = entries[0] as Entry
  if (index !== number || payload?.kind !== 'command' || payload.call !== undefined) return false
  return isPayload(payload)
}

function isForwardReply({ term, life, number, index, answer }: Candidate): boolean {
  if (!isTerm(term) || !isPositive(life) || !isPositive(number) || !isNatural(index)) return false
  return typeof answer === 'string' && answerIn(answer) !== null
}

/** The answer that a text holds; null if it holds none. */
export function answerIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const answer: unknown = JSON.parse(text)
    if (!isObject(answer)) return null
    if (answer.ok === true) return answer
    const { error } = answer
    const isFailure = answer.ok === false && isObject(error) && typeof error.definite === 'boolean'
    return isFailure && typeof error.code === 'string' && typeof error.message === 'string' ? answer : null
  } catch {
    return null
  }
}

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const forwardMessages = {
  Forward: { kind: 'asks the leader', check: isForward },
  ForwardReply: { kind: 'answers', check: isForwardReply },
} satisfies Record<string, MessageFacts>
