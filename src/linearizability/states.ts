import { impossible, type State, step } from './model.js'
import type { Observers } from './observers.js'
import type { Entry } from './timeline.js'

/** The number of every state that no later answer tells from another; see {@link States.canonical}. */
const anyState = 0

/** Numbers for states, so that configurations compare and hash quickly. */
export class States {
  readonly #numbers = new Map<State, number>([[null, 1]])
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
    return this.#states.push(state) - 1
  }

  /** What a number stands for; undefined for the state that nobody tells from another. */
  stateOf(number: number): State | undefined {
    return number === anyState ? undefined : this.#states[number]
  }

  /**
   * Reduction: from the moment on at which no answer to come could tell a value from any other, all such values are
   * one state; or, while appends are still to tell lengths, one state for each length. (An absent key stays a state
   * of its own while some delete is still to say that the key existed.)
   */
  canonical(number: number, position: number): number {
    if (this.#lastRead[number]! >= position || number === anyState) return number
    if (this.#observers.lastAppend < position) return anyState
    return this.numberOf(this.#unread.repeat(this.#states[number]!.length))
  }

  /** The state after an operation, at this position of the timeline; undefined if its answer is impossible. */
  after(number: number, entry: Entry, position: number): number | undefined {
    if (number === anyState) return this.#afterAny(entry, position)
    const state = this.#states[number]!
    const next = step(state, entry.operation)
    if (next === impossible) return undefined
    return next === state ? number : this.canonical(this.numberOf(next), position)
  }

  /** Whoever requires one value would have kept it apart, so only what asks for less is possible in any state. */
  #afterAny({ kind, requires, results, optional }: Entry, position: number): number | undefined {
    if (kind === 'append' || (requires !== undefined && optional)) return anyState
    if (requires !== undefined || results === undefined) return undefined
    return this.canonical(this.numberOf(results), position)
  }
}
