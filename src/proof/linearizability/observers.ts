import type { Entry } from './entry.js'
import type { State } from './model.js'
import { Readings } from './readings.js'

/**
 * Who can still tell one state of a key from another, and until when. The answers are positions in a timeline, -1
 * for "never"; they may be later than need be, never earlier.
 */
export class Observers {
  /** The last return of an append: until then, lengths are observed. */
  readonly lastAppend: number
  /** The last return of an operation that tells a key that exists from one that does not. */
  readonly lastExistence: number
  readonly #unknownAppends: boolean
  /** When each state is required for the last time. */
  readonly #required = new Map<State, number>()
  readonly #readings: Readings
  /** The value that a key grows into; empty unless it is only ever appended to. */
  readonly #grown: string

  constructor(entries: readonly Entry[]) {
    this.lastAppend = lastReturn(entries, ({ kind }) => kind === 'append')
    this.lastExistence = lastReturn(entries, ({ kind, observation }) => kind === 'delete' && !observation)
    this.#unknownAppends = entries.some(({ kind, optional }) => kind === 'append' && optional)
    for (const { optional, requires, return: returned } of entries) {
      if (requires !== undefined) raise(this.#required, requires, optional ? -1 : returned)
    }
    this.#settle(entries)
    this.#readings = new Readings(this.#required)
    const onlyGrows = entries.every(({ kind, observation }) => kind === 'append' || observation)
    this.#grown = onlyGrows ? this.#readings.longest : ''
  }

  /** The last return of an operation for which it could matter that the key holds just this, whatever its length. */
  lastRead(state: State): number {
    const last = this.#required.get(state) ?? -1
    if (!this.#unknownAppends && this.lastAppend < 0) return last
    const asBeginning = this.#readings.lastBeginning(state ?? '')
    return Math.max(last, this.#unknownAppends ? asBeginning : Math.min(asBeginning, this.lastAppend))
  }

  /** The last return of an operation for which it could matter that the key holds a value like this. */
  lastObserved(state: State): number {
    return Math.max(this.lastRead(state), this.lastAppend)
  }

  /** The last return of an operation for which it could matter that the write did just this, and nothing similar. */
  lastReadOf({ results, operation: { command } }: Entry): number {
    if (results !== undefined) return this.lastRead(results)
    return 'value' in command ? this.#readings.lastWithin(command.value) : -1
  }

  /** The last return of an operation for which it could matter whether this unknown write took effect. */
  lastEffect(write: Entry): number {
    return Math.max(this.lastReadOf(write), this.lastAppend, write.kind === 'delete' ? -1 : this.lastExistence)
  }

  /**
   * Reduction: on a key that is only ever appended to, what is in it now is the beginning of the longest value that
   * anybody read. So an unknown append is not tried where it would not continue that value.
   */
  mayAppend(length: number, end: string): boolean {
    return length >= this.#grown.length || this.#grown.startsWith(end, length)
  }

  /** An unknown cas requires what it expects for as long as what it writes is observed; chains take several rounds. */
  #settle(entries: readonly Entry[]): void {
    const lastGrown = this.#unknownAppends ? lastReturn(entries, () => true) : -1
    const least = Math.max(this.lastAppend, this.lastExistence, lastGrown)
    const unknown = entries.filter(({ kind, optional }) => kind === 'cas' && optional)
    for (let settled = false; !settled; ) {
      settled = true
      for (const { requires, results } of unknown) {
        if (raise(this.#required, requires!, Math.max(this.#required.get(results!) ?? -1, least))) settled = false
      }
    }
  }
}

function raise(positions: Map<State, number>, state: State, position: number): boolean {
  if (position <= (positions.get(state) ?? -1)) return false
  positions.set(state, position)
  return true
}

function lastReturn(entries: readonly Entry[], matches: (entry: Entry) => boolean): number {
  return entries.reduce((last, entry) => (!entry.optional && matches(entry) ? Math.max(last, entry.return) : last), -1)
}
