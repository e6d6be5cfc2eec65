import { type Answer, type ErrorCode, failure, type Index, type Performance, type Result } from '../../src/contracts.js'
import { weighAnswer } from './answer-weight.js'
import { printOf } from './command-print.js'
import type { SessionCall } from './session-call.js'

/** Calls of one session that may be under way at once: a sequence number further ahead is refused. */
export const callsAtOnce = 1_024

/** The answer to one call, remembered for as long as the client may ask again. */
export interface Remembered extends Result {
  readonly sequence: number
  /** A short number made of the command: another command under the same sequence number is a mistake. */
  readonly print: number
  /** The index of the entry at which the call was performed. */
  readonly index: Index
  /** Bytes that the answer takes; 0 until it was measured. */
  bytes: number
}

/** The performance of a call; `index` is that of the entry at which the call was performed. */
export interface Taken extends Performance {
  readonly result: Result & { readonly index?: Index }
  /** The new answer, which has no size yet: the state machine gives it after the rules have seen the entry. */
  readonly unmeasured?: Remembered
}

/** A session as a snapshot keeps it. */
export interface KeptSession {
  readonly session: Index
  readonly lastUsed: number
  readonly firstOutstanding: number
  readonly answers: readonly (readonly [sequence: number, print: number, index: Index, answer: Answer])[]
}

/** The session of one client: which of its calls were performed, and what their answers were (thesis §6.3). */
export class Session {
  readonly name: Index
  /** The cluster's time of the last use, in milliseconds. */
  lastUsed: number
  #firstOutstanding = 1
  readonly #answers = new Map<number, Remembered>()
  #bytes = 0

  constructor(name: Index, lastUsed: number) {
    this.name = name
    this.lastUsed = lastUsed
  }

  /** Bytes of the remembered answers that were measured. */
  get bytes(): number {
    return this.#bytes
  }

  /** Looks a call up: the first copy of a call is performed, all others have its answer. */
  take([, sequence, firstOutstanding]: SessionCall, command: unknown, index: Index): Taken {
    this.#forget(firstOutstanding)
    if (sequence < this.#firstOutstanding) {
      const forgotten = `the client of session ${this.name} has said that it does not wait for number ${sequence} any more`
      return refused('answer_forgotten', forgotten)
    }
    const print = printOf(command)
    const known = this.#answers.get(sequence)
    if (!known) return this.#takeNew(sequence, print, index)
    if (known.print === print) return { isNew: false, result: known }
    return refused('bad_sequence', `number ${sequence} of session ${this.name} was another command: it was not done`)
  }

  /** A refusal is remembered like any answer: one call has one outcome, however often it is asked. */
  #takeNew(sequence: number, print: number, index: Index): Taken {
    const first = this.#firstOutstanding
    const last = first + callsAtOnce - 1
    const isNew = sequence <= last
    const tooFar = () => `number ${sequence} is too far ahead: with ${first} still outstanding, at most ${last}`
    const result: Remembered = {
      answer: isNew ? null : failure('bad_sequence', tooFar()),
      sequence,
      print,
      index,
      bytes: 0,
    }
    this.#answers.set(sequence, result)
    return { isNew, result, unmeasured: result }
  }

  /** Counts the bytes of an answer that has come. @returns them; 0 if it was forgotten before the state machine gave it */
  measure(remembered: Remembered): number {
    if (this.#answers.get(remembered.sequence) !== remembered) return 0
    remembered.bytes = weighAnswer(remembered.answer)
    this.#bytes += remembered.bytes
    return remembered.bytes
  }

  /** Forgets the answers that the client has heard, or waits for no more. */
  #forget(firstOutstanding: number): void {
    if (firstOutstanding <= this.#firstOutstanding) return
    this.#firstOutstanding = firstOutstanding
    for (const { sequence, bytes } of this.#answers.values()) {
      if (sequence >= firstOutstanding) continue
      this.#answers.delete(sequence)
      this.#bytes -= bytes
    }
  }

  keep(): KeptSession {
    const answers = [...this.#answers].map(
      ([sequence, { print, index, answer }]) => [sequence, print, index, answer] as const,
    )
    const [session, lastUsed, firstOutstanding] = [this.name, this.lastUsed, this.#firstOutstanding]
    return { session, lastUsed, firstOutstanding, answers: answers as KeptSession['answers'] }
  }

  static from({ session: name, lastUsed, firstOutstanding, answers }: KeptSession): Session {
    const session = new Session(name, lastUsed)
    session.#firstOutstanding = firstOutstanding
    for (const [sequence, print, index, answer] of answers) {
      const remembered = { answer, sequence, print, index, bytes: 0 }
      session.#answers.set(sequence, remembered)
      session.measure(remembered)
    }
    return session
  }
}

/** A performance that changes nothing: the call is refused. */
export function refused(code: ErrorCode, why: string): Performance {
  return { isNew: false, result: { answer: failure(code, why) } }
}
