import { type Configuration, isAvailable, isSatisfied, setStatus, status, statusAt } from './configuration.js'
import type { Entry } from './entry.js'
import type { Observers } from './observers.js'
import { OpenOperations } from './open.js'
import type { States } from './states.js'

/** A configuration on the way to the return of an operation. */
export interface Path {
  readonly configuration: Configuration
  /** True if the last write may be left out or be unnoticed, and no operation has noticed it yet. */
  readonly unnoticed: boolean
}

/**
 * The rules of a search: which operations may be put in the order next, and the configurations that follow, at one
 * position of a timeline.
 */
export class Rules {
  open = new OpenOperations()
  position = 0
  /** Operations that have been tried; an append to a long value counts as several. */
  tried = 0
  readonly #states: States
  readonly #observers: Observers

  constructor(states: States, observers: Observers) {
    this.#states = states
    this.#observers = observers
  }

  /**
   * Checks whether to look for orders with the returning operation at this place: if it must be here, or if it could
   * show later.
   */
  mayStillMatter({ bits }: Configuration, { slot, kind, results, observation }: Entry): boolean {
    if (!isSatisfied(bits, slot)) return true
    if (observation || !isAvailable(bits, slot)) return false
    if (kind !== 'set') return true
    return Math.max(this.#observers.lastObserved(results!), this.#observers.lastExistence) > this.position
  }

  /** Lists the operations to try next on a path, without operations that another one replaces. */
  candidates(path: Path, target: Entry): Entry[] {
    const { state, bits } = path.configuration
    const mayCover = this.#hasPendingSet(bits)
    const found: Entry[] = []
    for (const entry of this.open.available(bits)) {
      if (this.#isCandidate(path, entry, target, mayCover)) found.push(entry)
    }
    const after = (entry: Entry) => this.#states.after(state, entry, this.position)
    const isPreferable = (one: Entry, other: Entry) =>
      isMoreUrgent(one, other, bits) || (!mayCover && isLessPowerful(one, other) && after(one) === after(other))
    return found.filter((entry) => !found.some((other) => isPreferable(other, entry)))
  }

  /**
   * Reduction: an unnoticed write is not followed by a `set`. An order without the write, or with it hidden, would
   * leave more open. And a `set` of the present value is useful only to cover other writes.
   */
  #isCandidate({ configuration, unnoticed }: Path, entry: Entry, target: Entry, mayCover: boolean): boolean {
    const { state, bits } = configuration
    this.tried++
    if (unnoticed && isSet(entry)) return false
    if (entry !== target && (isSet(entry) || isSatisfied(bits, entry.slot))) {
      const length = this.#states.lengthOf(state)
      if (!this.open.isWanted(entry, this.#states.stateOf(state), length, bits)) return false
    }
    if (entry.kind === 'append') this.tried += this.#states.lengthOf(state) >>> 8
    if (entry.kind === 'append' && entry.optional && !this.#continues(state, entry)) return false
    const next = this.#states.after(state, entry, this.position)
    return next !== undefined && (next !== state || entry === target || (isSet(entry) && mayCover))
  }

  #continues(number: number, { operation: { command } }: Entry): boolean {
    return 'value' in command && this.#observers.mayAppend(this.#states.lengthOf(number), command.value)
  }

  #hasPendingSet(bits: Uint32Array): boolean {
    for (const entry of this.open.owed) if (isSet(entry) && statusAt(bits, entry.slot) === status.pending) return true
    return false
  }

  /** Puts an operation in the order, and with it the operations that it satisfies for nothing. */
  apply({ state, bits, trace }: Configuration, entry: Entry): Path {
    const configuration = { state, bits: bits.slice(), trace }
    const mayBeInVain = isSet(entry) || isSatisfied(bits, entry.slot)
    if (isSet(entry) || entry.kind === 'delete') this.#cover(configuration, entry)
    setStatus(configuration.bits, entry.slot, status.used)
    configuration.state = this.#states.after(state, entry, this.position)!
    configuration.trace = { operation: entry.operation, unnoticed: false, before: configuration.trace }
    let noticed = false
    for (const other of this.open.owed) {
      if (this.satisfyForNothing(configuration, other) && !isSet(other)) noticed = true
    }
    return { configuration, unnoticed: mayBeInVain && !noticed }
  }

  /**
   * Reduction: just before a `set` or a `delete`, every open `set` could be put unnoticed. The search need not decide
   * which of them are: they all become optional.
   */
  #cover(configuration: Configuration, by: Entry): void {
    for (const entry of this.open.owed) {
      if (entry === by || !isSet(entry) || statusAt(configuration.bits, entry.slot) !== status.pending) continue
      this.#putUnnoticed(configuration, entry)
    }
  }

  /**
   * Reduction: an operation that would change nothing here is satisfied here. A read has no better place than the first
   * possible one; a write of the present value becomes optional.
   */
  satisfyForNothing(configuration: Configuration, entry: Entry): boolean {
    if (isSatisfied(configuration.bits, entry.slot)) return false
    if (this.#states.after(configuration.state, entry, this.position) !== configuration.state) return false
    this.#putUnnoticed(configuration, entry)
    return true
  }

  #putUnnoticed(configuration: Configuration, { slot, operation }: Entry): void {
    setStatus(configuration.bits, slot, statusAt(configuration.bits, slot) | status.satisfied)
    configuration.trace = { operation, unnoticed: true, before: configuration.trace }
  }
}

const isSet = ({ kind }: Entry) => kind === 'set'

/**
 * Reduction: identical operations go in the order of their returns, because the later one could take the earlier one's
 * place. Operations that must be put in the order go before optional ones.
 */
function isMoreUrgent(one: Entry, other: Entry, bits: Uint32Array): boolean {
  if (one.sort !== other.sort || one.return >= other.return) return false
  return isSatisfied(bits, other.slot) || !isSatisfied(bits, one.slot)
}

/**
 * Reduction: an unknown `set` waits while a `cas`, or a `set` that will return, would write the same value: it could
 * take the place of the other later. (This does not hold while a `set` is to be covered, which a `cas` does not do.)
 */
function isLessPowerful(one: Entry, other: Entry): boolean {
  return other.optional && isSet(other) && (one.kind === 'cas' || (isSet(one) && !one.optional))
}
