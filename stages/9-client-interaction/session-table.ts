import { type Answer, type Index, isObject } from '../../src/contracts.js'
import { type KeptSession, type Remembered, refused, Session, type Taken } from './session.js'
import type { SessionCall, SessionEvent } from './session-call.js'

/** Milliseconds for which a session counts as just used: its place in the order of use is not brought up to date. */
const justUsedMs = 1_000

/**
 * The sessions of the cluster's clients (thesis §6.3). The table is a part of the replicated state: it changes only by
 * entries of the log, in their order, so it is the same on all nodes. It is kept in snapshots, and its hash with them.
 */
export class SessionTable {
  /** Sessions by their names, those unused for longest first. */
  readonly #sessions = new Map<Index, Session>()
  /** Answers that were not measured yet. */
  #unmeasured: { readonly session: Session; readonly remembered: Remembered }[] = []
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

  /** The session that was unused for longest; undefined if there is none. */
  get oldest(): Pick<Session, 'name' | 'lastUsed'> | undefined {
    for (const session of this.#sessions.values()) return session
    return undefined
  }

  /** The session whose answers take the most bytes; undefined if there is none. */
  get largest(): Index | undefined {
    let largest: Session | undefined
    for (const session of this.#sessions.values()) if (!largest || session.bytes > largest.bytes) largest = session
    return largest?.name
  }

  /** Performs an entry about sessions. @returns the answer for the client that asked for it, if one did */
  perform(index: Index, entry: SessionEvent): Answer {
    this.#time = Math.max(this.#time, entry.time)
    if (entry.event === 'expire') this.#expire(entry.idleMs)
    else if (entry.event === 'end') this.#end(entry.session)
    else {
      if (entry.instead !== undefined) this.#end(entry.instead)
      this.#sessions.set(index, new Session(index, this.#time))
    }
    return { ok: true, session: index }
  }

  /**
   * Looks a call up, at the place of its entry in the log. The first copy of a call is performed, and its answer is
   * remembered; all others have that answer.
   */
  take(call: SessionCall, command: unknown, index: Index): Taken {
    const [name, , , time] = call
    this.#time = Math.max(this.#time, time)
    const session = this.#sessions.get(name)
    if (!session) return refused('session_expired', `session ${name} has ended, or was never opened`)
    this.#use(session)
    this.#bytes -= session.bytes
    const taken = session.take(call, command, index)
    this.#bytes += session.bytes
    if (taken.unmeasured) this.#unmeasured.push({ session, remembered: taken.unmeasured })
    return taken
  }

  /** Counts the bytes of the answers that have come since the last time. */
  measure(): void {
    for (const { session, remembered } of this.#unmeasured) {
      const bytes = session.measure(remembered)
      // A session may have ended before the state machine gave its answers.
      if (this.#sessions.get(session.name) === session) this.#bytes += bytes
    }
    this.#unmeasured = []
  }

  /**
   * The table as values of JSON: the time, then the sessions in order. Equal tables give equal values, so their
   * snapshots have equal hashes.
   */
  keep(): readonly unknown[] {
    return [{ time: this.#time }, ...[...this.#sessions.values()].map((session) => session.keep())]
  }

  /** Makes the table that a snapshot holds; a snapshot of an earlier stage holds none. @throws Error on other values */
  static from(kept: readonly unknown[]): SessionTable {
    const table = new SessionTable()
    const [head, ...sessions] = kept
    if (head === undefined) return table
    if (!isObject(head) || typeof head.time !== 'number') throw new Error('the snapshot holds no table of sessions')
    table.#time = head.time
    for (const one of sessions) {
      const session = Session.from(one as KeptSession)
      table.#bytes += session.bytes
      table.#sessions.set(session.name, session)
    }
    return table
  }

  /** Moves a session to the end of the order of use, unless it is there by and large. */
  #use(session: Session): void {
    if (this.#time - session.lastUsed < justUsedMs) return
    session.lastUsed = this.#time
    this.#sessions.delete(session.name)
    this.#sessions.set(session.name, session)
  }

  #expire(idleMs: number): void {
    for (const [name, { lastUsed }] of this.#sessions) {
      if (this.#time - lastUsed < idleMs) return
      this.#end(name)
    }
  }

  #end(name: Index): void {
    this.#bytes -= this.#sessions.get(name)?.bytes ?? 0
    this.#sessions.delete(name)
  }
}
