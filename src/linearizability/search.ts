import {
  bitsFor,
  type Configuration,
  dominant,
  isAvailable,
  isSatisfied,
  keyOf,
  orderOf,
  setStatus,
  status,
  statusAt,
} from './configuration.js'
import type { Operation } from './history.js'
import { freshCharacter } from './initial.js'
import type { State } from './model.js'
import { OpenOperations } from './open.js'
import { States } from './states.js'
import { type Entry, type Moment, type Timeline, timelineOf } from './timeline.js'

export type SearchResult =
  | { readonly verdict: 'linearizable'; readonly order: readonly Operation[]; readonly steps: number }
  | {
      readonly verdict: 'violation'
      /** A legal order of the beginning that the search could explain. */
      readonly order: readonly Operation[]
      /** The operation at whose return the search had to give up. */
      readonly suspected: Operation
      readonly steps: number
    }
  | { readonly verdict: 'undecided'; readonly steps: number }

/** A configuration on the way to the return of an operation; `unnoticed` when its last write may still be in vain. */
interface Path {
  readonly configuration: Configuration
  readonly unnoticed: boolean
}

/** How many configurations are kept at a time, in one attempt after the other. */
const widths = [4, 32, 256, Infinity]

/**
 * Decides whether one key's operations are linearizable, from any of some initial states.
 *
 * This is Wing and Gong's search with Lowe's memoisation and just-in-time linearization, done breadth first: it goes
 * through the calls and returns in order and keeps every configuration, that is, every pair of (what became of the
 * open operations, state) which explains all answers so far. An operation is put in the order only when it must be:
 * when an operation returns, those are ordered that have to come before it, and then it itself. A key is not
 * linearizable when no configuration is left.
 *
 * The first attempts keep only some configurations. One that is left at the end is proof enough; if none is left,
 * that proves nothing unless all had been kept, and a wider attempt follows.
 *
 * Exponential in the number of open operations at worst, since the problem is NP-complete (Gibbons and Korach 1997);
 * the reductions keep it near linear in the length of a history as systems produce them. One step is one operation
 * tried in one configuration; after `maximumSteps` of them the answer is `undecided`.
 */
export function search(
  operations: readonly Operation[],
  initialStates: Iterable<State>,
  maximumSteps: number,
): SearchResult {
  const timeline = timelineOf(operations)
  const states = new States(timeline.observers, freshCharacter(operations))
  const initial = [...initialStates]
  let steps = 0
  for (const width of widths) {
    const result = new Search(timeline, states, initial, width, maximumSteps - steps).run()
    steps += result.steps
    if (result.verdict !== 'undecided' || steps > maximumSteps) return { ...result, steps }
  }
  return { verdict: 'undecided', steps }
}

class Search {
  readonly #timeline: Timeline
  readonly #states: States
  readonly #open = new OpenOperations()
  readonly #width: number
  readonly #maximumSteps: number
  #frontier: Configuration[]
  #position = 0
  #steps = 0
  /** Whether a configuration was given up that might have explained the rest. */
  #incomplete = false

  constructor(
    timeline: Timeline,
    states: States,
    initialStates: readonly State[],
    width: number,
    maximumSteps: number,
  ) {
    this.#timeline = timeline
    this.#states = states
    this.#width = width
    this.#maximumSteps = maximumSteps
    const numbers = initialStates.map((state) => this.#states.canonical(this.#states.numberOf(state), 0))
    const bits = () => bitsFor(timeline.slots)
    this.#frontier = [...new Set(numbers)].map((state) => ({ state, bits: bits(), trace: undefined }))
  }

  run(): SearchResult {
    for (const [position, moment] of this.#timeline.moments.entries()) {
      this.#position = position
      const last = this.#frontier[0]
      if (moment.isCall) this.#call(moment.entry)
      else this.#return(moment)
      if (this.#steps > this.#maximumSteps) return { verdict: 'undecided', steps: this.#steps }
      if (this.#frontier.length === 0) {
        if (this.#incomplete) return { verdict: 'undecided', steps: this.#steps }
        const suspected = moment.entry.operation
        return { verdict: 'violation', order: orderOf(last?.trace), suspected, steps: this.#steps }
      }
    }
    return { verdict: 'linearizable', order: orderOf(this.#frontier[0]?.trace), steps: this.#steps }
  }

  #call(entry: Entry): void {
    if (entry.slot < 0) return
    this.#open.add(entry)
    const first = entry.optional ? status.optional : entry.observation ? status.closed : status.pending
    for (const configuration of this.#frontier) {
      setStatus(configuration.bits, entry.slot, first)
      this.#satisfyForNothing(configuration, entry)
    }
  }

  /** Keeps the configurations in which the operation can have returned. */
  #return({ entry, closing, fading }: Moment): void {
    const returned = this.#linearize(entry)
    for (const closed of closing) this.#open.remove(closed)
    for (const faded of fading) this.#open.fade(faded)
    const distinct = new Map<string, Configuration>()
    for (const configuration of returned) {
      for (const { slot } of closing) setStatus(configuration.bits, slot, status.closed)
      configuration.state = this.#states.canonical(configuration.state, this.#position + 1)
      distinct.set(keyOf(configuration), configuration)
    }
    const kept = dominant(distinct.values())
    if (kept.length > this.#width) this.#incomplete = true
    this.#frontier = kept.slice(0, this.#width)
  }

  /** Every configuration that the frontier leads to by putting in order what must be, the target last. */
  #linearize(target: Entry): Configuration[] {
    const reached = this.#frontier.filter(({ bits }) => isSatisfied(bits, target.slot))
    const paths: Path[] = []
    for (const configuration of this.#frontier) {
      if (this.#mayStillMatter(configuration, target))
        paths.push({ configuration: copyOf(configuration), unnoticed: false })
    }
    const seen = new Set<string>()
    // The list grows while it is gone through, so short ways come first.
    for (const path of paths) {
      if (this.#steps > this.#maximumSteps || this.#isEnough(reached.length)) break
      for (const entry of this.#candidates(path, target)) {
        const next = this.#apply(path.configuration, entry)
        const key = `${next.unnoticed}${keyOf(next.configuration)}`
        if (seen.has(key)) continue
        seen.add(key)
        const arrived = entry === target || (target.observation && isSatisfied(next.configuration.bits, target.slot))
        if (arrived) reached.push(next.configuration)
        else paths.push(next)
      }
    }
    return reached
  }

  /** Whether so many configurations have been reached that most of them will not be kept. */
  #isEnough(reached: number): boolean {
    if (reached < 4 * this.#width) return false
    this.#incomplete = true
    return true
  }

  /** Whether to look for orders in which the returning operation comes now: if it must, or if it could show later. */
  #mayStillMatter({ bits }: Configuration, { slot, kind, results, observation }: Entry): boolean {
    if (!isSatisfied(bits, slot)) return true
    if (observation || !isAvailable(bits, slot)) return false
    const { observers } = this.#timeline
    return kind !== 'set' || Math.max(observers.lastObserved(results!), observers.lastExistence) > this.#position
  }

  /** The operations to try next on a path, without those that another one does as well. */
  #candidates(path: Path, target: Entry): Entry[] {
    const { state, bits } = path.configuration
    const mayCover = this.#hasPending(isSet, bits)
    const found: Entry[] = []
    for (const entry of this.#open.available(bits)) {
      if (this.#isCandidate(path, entry, target, mayCover)) found.push(entry)
    }
    const after = (entry: Entry) => this.#states.after(state, entry, this.#position)
    const isPreferable = (one: Entry, other: Entry) =>
      isMoreUrgent(one, other, bits) || (!mayCover && isLessPowerful(one, other) && after(one) === after(other))
    return found.filter((entry) => !found.some((other) => isPreferable(other, entry)))
  }

  /**
   * Reduction: a write that nobody noticed is not followed by a `set`. Left out, or left to be put where nobody
   * notices, it would leave more open. And a `set` of what is there already is good for nothing but to cover others.
   */
  #isCandidate({ configuration, unnoticed }: Path, entry: Entry, target: Entry, mayCover: boolean): boolean {
    const { state, bits } = configuration
    this.#steps++
    if (unnoticed && isSet(entry)) return false
    if (entry !== target && (isSet(entry) || isSatisfied(bits, entry.slot))) {
      if (!this.#open.isWanted(entry, this.#states.stateOf(state), bits)) return false
    }
    if (entry.kind === 'append' && entry.optional && !this.#continues(state, entry)) return false
    const next = this.#states.after(state, entry, this.#position)
    return next !== undefined && (next !== state || entry === target || (isSet(entry) && mayCover))
  }

  #continues(number: number, { operation: { command } }: Entry): boolean {
    const state = this.#states.stateOf(number) ?? ''
    return 'value' in command && this.#timeline.observers.mayAppend(state, command.value)
  }

  #hasPending(matches: (entry: Entry) => boolean, bits: Uint32Array): boolean {
    for (const entry of this.#open.owed)
      if (matches(entry) && statusAt(bits, entry.slot) === status.pending) return true
    return false
  }

  #apply({ state, bits, trace }: Configuration, entry: Entry): Path {
    const configuration = { state, bits: bits.slice(), trace }
    const mayBeInVain = entry.kind === 'set' || isSatisfied(bits, entry.slot)
    if (entry.kind === 'set' || entry.kind === 'delete') this.#cover(configuration, entry)
    setStatus(configuration.bits, entry.slot, status.used)
    configuration.state = this.#states.after(state, entry, this.#position)!
    configuration.trace = { operation: entry.operation, unnoticed: false, before: configuration.trace }
    let noticed = false
    for (const other of this.#open.owed) {
      if (this.#satisfyForNothing(configuration, other) && other.kind !== 'set') noticed = true
    }
    return { configuration, unnoticed: mayBeInVain && !noticed }
  }

  /**
   * Reduction: just before a `set` or a `delete`, every open `set` could be put without anybody noticing. It need
   * not be decided which of them are: they all become optional.
   */
  #cover(configuration: Configuration, by: Entry): void {
    for (const entry of this.#open.owed) {
      if (entry === by || entry.kind !== 'set' || statusAt(configuration.bits, entry.slot) !== status.pending) continue
      this.#putUnnoticed(configuration, entry)
    }
  }

  /**
   * Reduction: an operation that would change nothing here is satisfied here. A read has no better place than the
   * first one possible; a write that happens to write what is there becomes optional.
   */
  #satisfyForNothing(configuration: Configuration, entry: Entry): boolean {
    if (isSatisfied(configuration.bits, entry.slot)) return false
    if (this.#states.after(configuration.state, entry, this.#position) !== configuration.state) return false
    this.#putUnnoticed(configuration, entry)
    return true
  }

  #putUnnoticed(configuration: Configuration, { slot, operation }: Entry): void {
    setStatus(configuration.bits, slot, statusAt(configuration.bits, slot) | status.satisfied)
    configuration.trace = { operation, unnoticed: true, before: configuration.trace }
  }
}

function copyOf({ state, bits, trace }: Configuration): Configuration {
  return { state, bits: bits.slice(), trace }
}

const isSet = ({ kind }: Entry) => kind === 'set'

/**
 * Reduction: identical operations go in the order of their returns, for the later one could take the place of the
 * earlier one. Those that must be put in the order go before those that need not.
 */
function isMoreUrgent(one: Entry, other: Entry, bits: Uint32Array): boolean {
  if (one.sort !== other.sort || one.return >= other.return) return false
  return isSatisfied(bits, other.slot) || !isSatisfied(bits, one.slot)
}

/**
 * Reduction: an unknown `set` waits while a `cas`, or a `set` that will return, would write the same. It could take
 * that one's place later. (Not so while there is a `set` to be covered, which a `cas` does not.)
 */
function isLessPowerful(one: Entry, other: Entry): boolean {
  return other.optional && isSet(other) && (one.kind === 'cas' || (isSet(one) && !one.optional))
}
