import type { Entry } from './entry.js'
import type { State } from './model.js'
import { Readings } from './readings.js'

/**
 * The observers of a key's states: the operations that can still tell two states apart, and the last position of each.
 * Positions are in a timeline, -1 for "never"; they may be later than need be, never earlier.
 */
export class Observers {
  /** The last return of an append; until then, lengths are observed. */
  readonly lastAppend: number
  /** The last return of an operation that tells an existing key from an absent one. */
  readonly lastExistence: number
  readonly #unknownAppends: boolean
  /** The last position at which each state is required. */
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

  /** Finds the last return of an operation for which exactly this state could matter, not only its length. */
  lastRead(state: State): number {
    const last = this.#required.get(state) ?? -1
    if (!this.#unknownAppends && this.lastAppend < 0) return last
    const asBeginning = this.#readings.lastBeginning(state ?? '')
    return Math.max(last, this.#unknownAppends ? asBeginning : Math.min(asBeginning, this.lastAppend))
  }

  /** Finds the last return of an operation for which this state or its length could matter. */
  lastObserved(state: State): number {
    return Math.max(this.lastRead(state), this.lastAppend)
  }

  /** Finds the last return of an operation for which this write could matter, and not a similar one. */
  lastReadOf({ results, operation: { command } }: Entry): number {
    if (results !== undefined) return this.lastRead(results)
    return 'value' in command ? this.#readings.lastWithin(command.value) : -1
  }

  /** Finds the last return of an operation that could show whether this unknown write took effect. */
  lastEffect(write: Entry): number {
    return Math.max(this.lastReadOf(write), this.lastAppend, write.kind === 'delete' ? -1 : this.lastExistence)
  }

  /**
   * Reduction: an unknown append is tried only where it continues the longest value that was read. On a key that is
   * only ever appended to, every present value is the beginning of that value.
   */
  mayAppend(length: number, end: string): boolean {
    return length >= this.#grown.length || this.#grown.startsWith(end, length)
  }

  /**
   * Notes the states that unknown cas operations require. Each requires its expected value as long as its new value is
   * observed; chains take several rounds.
   */
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
