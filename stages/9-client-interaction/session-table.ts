import {
  type Answer,
  type ErrorCode,
  failure,
  type Index,
  isObject,
  type Performance,
  type Result,
} from '../../src/contracts.js'
import { printOf } from './command-print.js'
import type { SessionCall, SessionEvent } from './session-call.js'

/** Calls of one session that may be under way at once: a sequence number further ahead is refused. */
export const callsAtOnce = 1_024

/** Milliseconds for which a session counts as just used: its place in the order of use is not brought up to date. */
const justUsedMs = 1_000

/** Bytes that a remembered answer takes beside its text. */
const answerOverhead = 128

/** The answer to one call, remembered for as long as the client may ask again. */
interface Remembered extends Result {
  /** A short number made of the command: another command under the same sequence number is a mistake. */
  readonly print: number
  readonly session: Session
  /** Bytes that the answer takes; 0 until it was measured, null once it is forgotten. */
  bytes: number | null
}

interface Session {
  lastUsed: number
  firstOutstanding: number
  readonly answers: Map<number, Remembered>
  bytes: number
  isEnded: boolean
}

/**
 * The sessions of the cluster's clients (thesis §6.3). The table is a part of the replicated state: it changes only by
 * entries of the log, in their order, so it is the same on all nodes. It is kept in snapshots, and its hash with them.
 */
export class SessionTable {
  /** Sessions by their names, those unused for longest first. */
  readonly #sessions = new Map<Index, Session>()
  /** Answers that were not measured yet: the state machine gives them after the rules have seen their entries. */
  #unmeasured: Remembered[] = []
  #bytes = 0
  #time = 0

  get size(): number {
    return this.#sessions.size
  }

  /** Bytes of all remembered answers. */
  get bytes(): number {
    return this.#bytes
  }

  /** The latest time in an entry, in milliseconds. */
  get time(): number {
    return this.#time
  }

  /** The session that was unused for longest, and its last use; undefined if there is none. */
  get oldest(): { readonly session: Index; readonly lastUsed: number } | undefined {
    for (const [session, { lastUsed }] of this.#sessions) return { session, lastUsed }
    return undefined
  }

  /** The session whose answers take the most bytes; undefined if there is none. */
  get largest(): Index | undefined {
    let [largest, most]: [Index | undefined, number] = [undefined, -1]
    for (const [session, { bytes }] of this.#sessions) if (bytes > most) [largest, most] = [session, bytes]
    return largest
  }

  /** Performs an entry about sessions. @returns the answer for the client that asked for it, if one did */
  perform(index: Index, entry: SessionEvent): Answer {
    this.#time = Math.max(this.#time, entry.time)
    if (entry.event === 'expire') this.#expire(entry.idleMs)
    else if (entry.event === 'end') this.#end(entry.session)
    else {
      if (entry.instead !== undefined) this.#end(entry.instead)
      const lastUsed = this.#time
      this.#sessions.set(index, { lastUsed, firstOutstanding: 1, answers: new Map(), bytes: 0, isEnded: false })
    }
    return { ok: true, session: index }
  }

  /**
   * Looks a call up, at the place of its entry in the log. The first copy of a call is performed, and its answer is
   * remembered; all others have that answer.
   */
  take(call: SessionCall, command: unknown): Performance {
    const [name, sequence, firstOutstanding, time] = call
    this.#time = Math.max(this.#time, time)
    const session = this.#sessions.get(name)
    if (!session) return refused('session_expired', noSession(name))
    this.#use(name, session)
    this.#forget(session, firstOutstanding)
    if (sequence < session.firstOutstanding) return refused('answer_forgotten', isForgotten(name, sequence))
    const print = printOf(command)
    const known = session.answers.get(sequence)
    if (!known) return this.#takeNew(session, sequence, print)
    if (known.print === print) return { isNew: false, result: known }
    return refused('bad_sequence', `number ${sequence} of session ${name} was another command: it was not done`)
  }

  /** A refusal is remembered like any answer: one call has one outcome, however often it is asked. */
  #takeNew(session: Session, sequence: number, print: number): Performance {
    const last = session.firstOutstanding + callsAtOnce - 1
    const isNew = sequence <= last
    const answer = isNew ? null : failure('bad_sequence', isTooFar(sequence, session.firstOutstanding, last))
    const remembered: Remembered = { answer, print, session, bytes: 0 }
    session.answers.set(sequence, remembered)
    this.#unmeasured.push(remembered)
    return { isNew, result: remembered }
  }

  /** Counts the bytes of the answers that have come since the last time. */
  measure(): void {
    for (const remembered of this.#unmeasured) {
      // The answer may have been forgotten, or its session ended, before the state machine gave it.
      if (remembered.bytes === null || remembered.session.isEnded) continue
      remembered.bytes = answerOverhead + weigh(remembered.answer)
      remembered.session.bytes += remembered.bytes
      this.#bytes += remembered.bytes
    }
    this.#unmeasured.length = 0
  }

  /**
   * The table as values of JSON: the time, then the sessions in order. Equal tables give equal values, so their
   * snapshots have equal hashes.
   */
  keep(): readonly unknown[] {
    const sessions = [...this.#sessions].map(([session, { lastUsed, firstOutstanding, answers }]) => ({
      session,
      lastUsed,
      firstOutstanding,
      answers: [...answers].map(([sequence, { print, answer }]) => [sequence, print, answer]),
    }))
    return [{ time: this.#time }, ...sessions]
  }

  /** Makes the table that a snapshot holds; a snapshot of an earlier stage holds none. @throws Error on other values */
  static from(kept: readonly unknown[]): SessionTable {
    const table = new SessionTable()
    const [head, ...sessions] = kept
    if (head === undefined) return table
    if (!isObject(head) || typeof head.time !== 'number') throw new Error('the snapshot holds no table of sessions')
    table.#time = head.time
    for (const one of sessions) table.#restore(one as Kept)
    return table
  }

  #restore({ session: name, lastUsed, firstOutstanding, answers }: Kept): void {
    const session: Session = { lastUsed, firstOutstanding, answers: new Map(), bytes: 0, isEnded: false }
    this.#sessions.set(name, session)
    for (const [sequence, print, answer] of answers) {
      const bytes = answerOverhead + weigh(answer)
      session.answers.set(sequence, { answer, print, session, bytes })
      session.bytes += bytes
      this.#bytes += bytes
    }
  }

  /** Moves a session to the end of the order of use, unless it is there by and large. */
  #use(name: Index, session: Session): void {
    if (this.#time - session.lastUsed < justUsedMs) return
    session.lastUsed = this.#time
    this.#sessions.delete(name)
    this.#sessions.set(name, session)
  }

  /** Forgets the answers that the client has heard, or waits for no more. */
  #forget(session: Session, firstOutstanding: number): void {
    if (firstOutstanding <= session.firstOutstanding) return
    session.firstOutstanding = firstOutstanding
    for (const [sequence, remembered] of session.answers) {
      if (sequence >= firstOutstanding) continue
      session.answers.delete(sequence)
      session.bytes -= remembered.bytes ?? 0
      this.#bytes -= remembered.bytes ?? 0
      remembered.bytes = null
    }
  }

  #expire(idleMs: number): void {
    for (const [name, { lastUsed }] of this.#sessions) {
      if (this.#time - lastUsed < idleMs) return
      this.#end(name)
    }
  }

  #end(name: Index): void {
    const session = this.#sessions.get(name)
    if (!session) return
    this.#sessions.delete(name)
    this.#bytes -= session.bytes
    session.isEnded = true
  }
}

/** A session as a snapshot keeps it. */
interface Kept {
  readonly session: Index
  readonly lastUsed: number
  readonly firstOutstanding: number
  readonly answers: readonly (readonly [sequence: number, print: number, answer: Answer])[]
}

function refused(code: ErrorCode, why: string): Performance {
  return { isNew: false, result: { answer: failure(code, why) } }
}

const noSession = (session: Index) => `there is no session ${session}: it has ended, or was never opened`
const isForgotten = (session: Index, sequence: number) =>
  `the client of session ${session} has said that it does not wait for number ${sequence} any more`
const isTooFar = (sequence: number, outstanding: number, last: number) =>
  `number ${sequence} is too far ahead: with ${outstanding} still outstanding, at most ${last}`

/** Bytes of an answer's texts, at two a character, and of its other fields. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length
  if (typeof value !== 'object' || value === null) return 8
  let bytes = 0
  for (const name in value) bytes += weigh((value as Record<string, unknown>)[name])
  return bytes
}
