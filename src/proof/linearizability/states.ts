import type { Entry } from './entry.js'
import { impossible, type State, step } from './model.js'
import type { Observers } from './observers.js'

/** The number of every state that no later answer tells from another; see {@link States.canonical}. */
const anyState = 0

/** Bytes that a character of a state takes at most. */
const characterBytes = 2

/** Numbers for states, so that configurations compare and hash quickly. */
export class States {
  /** Memory that the texts of all states take, at most. */
  bytes = 0
  readonly #numbers = new Map<State, number>([[null, 1]])
  /** The numbers of values of which only the length can still be told, by their lengths; and back. */
  readonly #ofLength = new Map<number, number>()
  readonly #lengths = new Map<number, number>()
  readonly #states: State[] = [null, null]
  readonly #lastRead: number[] = [-1]
  readonly #observers: Observers
  readonly #unread: string

  /** `unread`: a character that no value of the history has. */
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

  /** The number of all values of this length. No text stands for them but one that nobody reads. */
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

  /** What a number stands for; undefined for the state that nobody tells from another. */
  stateOf(number: number): State | undefined {
    return number === anyState ? undefined : this.#states[number]
  }

  /** The length of what a number stands for; 0 for no value, and where no length is told any more. */
  lengthOf(number: number): number {
    return this.#lengths.get(number) ?? this.stateOf(number)?.length ?? 0
  }

  /**
   * Reduction: from the moment on at which no answer to come could tell a value from any other, all such values are
   * one state; or, while appends are still to tell lengths, one state for each length. (An absent key stays a state
   * of its own while some delete is still to say that the key existed.)
   */
  canonical(number: number, position: number): number {
    if (this.#lastRead[number]! >= position || number === anyState) return number
    if (this.#observers.lastAppend < position) return anyState
    return this.#numberOfLength(this.lengthOf(number))
  }

  /** The state after an operation, at this position of the timeline; undefined if its answer is impossible. */
  after(number: number, entry: Entry, position: number): number | undefined {
    if (number === anyState) return this.#afterAny(entry, position)
    if (entry.kind === 'append' && this.#lengths.has(number)) return this.#longer(number, entry)
    const state = this.#states[number]!
    const next = step(state, entry.operation)
    if (next === impossible) return undefined
    return next === state ? number : this.canonical(this.numberOf(next), position)
  }

  /** Of a value whose text nobody tells, an append observes and changes the length. */
  #longer(number: number, { operation: { command, outcome, answer } }: Entry): number | undefined {
    const length = this.lengthOf(number) + ('value' in command ? command.value.length : 0)
    return outcome === 'done' && answer?.length !== length ? undefined : this.#numberOfLength(length)
  }

  /** Whoever requires one value would have kept it apart, so only what asks for less is possible in any state. */
  #afterAny({ kind, requires, results, optional }: Entry, position: number): number | undefined {
    if (kind === 'append' || (requires !== undefined && optional)) return anyState
    if (requires !== undefined || results === undefined) return undefined
    return this.canonical(this.numberOf(results), position)
  }
}
