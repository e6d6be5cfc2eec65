import type { Entry } from './entry.js'
import { impossible, type State, step } from './model.js'
import type { Observers } from './observers.js'

/** The number of all states that no later answer tells apart; see {@link States.canonical}. */
const anyState = 0

/** Bytes that a character of a state takes at most. */
const characterBytes = 2

/** Numbers for states, so that configurations compare and hash quickly. */
export class States {
  /** Bytes of memory that the texts of all states take, at most. */
  bytes = 0
  readonly #numbers = new Map<State, number>([[null, 1]])
  /** The numbers of values of which only the length can still be told, by length. */
  readonly #ofLength = new Map<number, number>()
  /** The lengths of these values, by number. */
  readonly #lengths = new Map<number, number>()
  readonly #states: State[] = [null, null]
  readonly #lastRead: number[] = [-1]
  readonly #observers: Observers
  readonly #unread: string

  /** @param unread a character that no value of the history has */
  constructor(observers: Observers, unread: string) {
    this.#observers = observers
    this.#unread = unread
    this.#lastRead.push(Math.max(observers.lastObserved(null), observers.lastExistence))
  }

  numberOf(state: State): number {
    const known = this.#numbers.get(state)
    if (known !== undefined) return known
    this.#numbers.set(state, this.#states.length)
    this.#lastRead.push(this.#observers.lastRead(state))
    this.bytes += characterBytes * (state?.length ?? 0)
    return this.#states.push(state) - 1
  }

  /** Gives the number of all values of this length. Their common text is one that no operation reads. */
  #numberOfLength(length: number): number {
    if (length === 0) return this.numberOf('')
    const known = this.#ofLength.get(length)
    if (known !== undefined) return known
    const number = this.#states.push(this.#unread) - 1
    this.#lastRead.push(-1)
    this.#ofLength.set(length, number)
    this.#lengths.set(number, length)
    return number
  }

  /** Gives the state of a number; undefined for the state that no answer tells from another. */
  stateOf(number: number): State | undefined {
    return number === anyState ? undefined : this.#states[number]
  }

  /** Gives the length of a number's state; 0 if the key is absent, and where no length is told any more. */
  lengthOf(number: number): number {
    return this.#lengths.get(number) ?? this.stateOf(number)?.length ?? 0
  }

  /**
   * Reduction: values that no later answer could tell apart become one state; or, while appends still tell lengths, one
   * state for each length. (An absent key stays a state of its own while a delete will still tell whether the key
   * existed.)
   */
  canonical(number: number, position: number): number {
    if (this.#lastRead[number]! >= position || number === anyState) return number
    if (this.#observers.lastAppend < position) return anyState
    return this.#numberOfLength(this.lengthOf(number))
  }

  /** Gives the state after an operation, at this position of the timeline; undefined if its answer is impossible. */
  after(number: number, entry: Entry, position: number): number | undefined {
    if (number === anyState) return this.#afterAny(entry, position)
    if (entry.kind === 'append' && this.#lengths.has(number)) return this.#longer(number, entry)
    const state = this.#states[number]!
    const next = step(state, entry.operation)
    if (next === impossible) return undefined
    return next === state ? number : this.canonical(this.numberOf(next), position)
  }

  /** Performs an append on a value of which only the length is told: the append observes and changes the length. */
  #longer(number: number, { operation: { command, outcome, answer } }: Entry): number | undefined {
    const length = this.lengthOf(number) + ('value' in command ? command.value.length : 0)
    return outcome === 'done' && answer?.length !== length ? undefined : this.#numberOfLength(length)
  }

  /**
   * Performs an operation in any state. An operation that requires one value would have kept this value apart, so only
   * operations that require less are possible.
   */
  #afterAny({ kind, requires, results, optional }: Entry, position: number): number | undefined {
    if (kind === 'append' || (requires !== undefined && optional)) return anyState
    if (requires !== undefined || results === undefined) return undefined
    return this.canonical(this.numberOf(results), position)
  }
}
