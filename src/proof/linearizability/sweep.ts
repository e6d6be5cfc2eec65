import {
  bitsFor,
  type Configuration,
  copyOf,
  dominant,
  isSatisfied,
  keyOf,
  setStatus,
  status,
} from './configuration.js'
import type { Entry } from './entry.js'
import type { State } from './model.js'
import type { OpenOperations } from './open.js'
import { type Path, Rules } from './rules.js'
import { States } from './states.js'
import type { Moment, Timeline } from './timeline.js'

/** A place that a sweep has passed, to which it can go back. */
export interface Checkpoint {
  readonly position: number
  readonly configurations: readonly Configuration[]
  readonly incomplete: boolean
  readonly open: OpenOperations
}

/** The cost of a search, after which it is given up. */
export interface Budget {
  /** Number of operations tried. */
  readonly steps: number
  /** Bytes held at a time in states and configurations, estimated from above. */
  readonly bytes: number
}

/** Bytes of a configuration besides its slots: its place in a path, its text for comparison and its trace. */
const configurationBytes = 400
/** Bytes of a configuration for each 16 slots: two bits a slot, once as numbers and once as text. */
const wordBytes = 16

/** Paths to one return that are followed for each configuration to be kept. */
const pathsPerWidth = 16

/**
 * A sweep goes through the calls and returns of one key in order, and keeps the configurations that explain all answers
 * so far: at most `width` of them, namely the ones that leave the most open.
 */
export class Sweep {
  width = Infinity
  readonly #timeline: Timeline
  readonly #states: States
  readonly #rules: Rules
  readonly #budget: Budget
  readonly #bytesEach: number
  #configurations: Configuration[]
  #incomplete = false
  /** Number of configurations on the way to the present return. */
  #underWay = 0
  /** Number of configurations that are kept in checkpoints. */
  saved = 0

  /** @param unread a character that no value of the history has */
  constructor(timeline: Timeline, initialStates: Iterable<State>, unread: string, budget: Budget) {
    this.#timeline = timeline
    this.#states = new States(timeline.observers, unread)
    this.#rules = new Rules(this.#states, timeline.observers)
    this.#budget = budget
    this.#bytesEach = configurationBytes + wordBytes * bitsFor(timeline.slots).length
    const numbers = [...initialStates].map((state) => this.#states.canonical(this.#states.numberOf(state), 0))
    const bits = () => bitsFor(timeline.slots)
    this.#configurations = [...new Set(numbers)].map((state) => ({ state, bits: bits(), trace: undefined }))
  }

  get position(): number {
    return this.#rules.position
  }

  get steps(): number {
    return this.#rules.tried
  }

  get isSpent(): boolean {
    return this.steps > this.#budget.steps || this.#bytes > this.#budget.bytes
  }

  get #bytes(): number {
    const configurations = this.saved + this.#underWay + this.#configurations.length
    return this.#states.bytes + configurations * this.#bytesEach
  }

  get configurations(): readonly Configuration[] {
    return this.#configurations
  }

  /** True if a configuration was given up that might have explained the rest. */
  get isIncomplete(): boolean {
    return this.#incomplete
  }

  /** Goes past one moment. When no configuration is left, the sweep stays there; only {@link restore} leads on. */
  advance(): void {
    const moment = this.#timeline.moments[this.position]!
    if (moment.isCall) this.#call(moment.entry)
    else this.#return(moment)
    if (this.#configurations.length > 0) this.#rules.position++
  }

  save(): Checkpoint {
    const configurations = this.#configurations.map(copyOf)
    return { position: this.position, configurations, incomplete: this.#incomplete, open: this.#rules.open.copy() }
  }

  restore({ position, configurations, incomplete, open }: Checkpoint): void {
    this.#rules.position = position
    this.#rules.open = open.copy()
    this.#configurations = configurations.map(copyOf)
    this.#incomplete = incomplete
  }

  #call(entry: Entry): void {
    if (entry.slot < 0) return
    this.#rules.open.add(entry)
    const first = entry.optional ? status.optional : entry.observation ? status.closed : status.pending
    for (const configuration of this.#configurations) {
      setStatus(configuration.bits, entry.slot, first)
      this.#rules.satisfyForNothing(configuration, entry)
    }
  }

  /** Keeps the configurations in which the operation can have returned. */
  #return({ entry, closing, fading }: Moment): void {
    const returned = this.#linearize(entry)
    for (const closed of closing) this.#rules.open.remove(closed)
    for (const faded of fading) this.#rules.open.fade(faded)
    const distinct = new Map<string, Configuration>()
    for (const configuration of returned) {
      for (const { slot } of closing) setStatus(configuration.bits, slot, status.closed)
      configuration.state = this.#states.canonical(configuration.state, this.position + 1)
      distinct.set(keyOf(configuration), configuration)
    }
    const kept = dominant(distinct.values())
    if (kept.length > this.width) this.#incomplete = true
    this.#configurations = kept.slice(0, this.width)
  }

  /** Finds every configuration that the kept ones lead to by putting operations in order, the target last. */
  #linearize(target: Entry): Configuration[] {
    const reached = this.#configurations.filter(({ bits }) => isSatisfied(bits, target.slot))
    const paths: Path[] = []
    for (const configuration of this.#configurations) {
      if (this.#rules.mayStillMatter(configuration, target))
        paths.push({ configuration: copyOf(configuration), unnoticed: false })
    }
    const seen = new Set<string>()
    // The list grows while the loop runs, so short paths come first.
    for (const path of paths) {
      this.#underWay = paths.length + reached.length
      if (this.isSpent || this.#isEnough(paths.length)) break
      for (const entry of this.#rules.candidates(path, target)) {
        const next = this.#rules.apply(path.configuration, entry)
        const key = `${next.unnoticed}${keyOf(next.configuration)}`
        if (seen.has(key)) continue
        seen.add(key)
        const arrived = entry === target || (target.observation && isSatisfied(next.configuration.bits, target.slot))
        if (arrived) reached.push(next.configuration)
        else paths.push(next)
      }
    }
    this.#underWay = 0
    return reached
  }

  /** Checks whether so many paths were followed that most configurations at their ends would not be kept. */
  #isEnough(paths: number): boolean {
    if (paths < pathsPerWidth * this.width) return false
    this.#incomplete = true
    return true
  }
}
