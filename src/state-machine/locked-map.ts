import { Mutex } from 'async-mutex'
import type { Answer, Clock, Command, Operation, Random, StateMachine, Store } from '../contracts.js'
import type { MomentBounds } from './moments.js'
import { OrderedMap, type Portion } from './ordered-map.js'

/** Bounds on the work on a snapshot before the event loop may turn. */
export interface Slices {
  /** Keys that are collected together. */
  readonly keys: number
  /** Characters of text that are written, or read, together: at least one line. */
  readonly characters: number
}

/** Settings of a locked Map that are as usual when they are left out. */
export interface LockedMapSettings {
  readonly slices?: Slices
  readonly moments?: MomentBounds
  /** The source of the names of stores; the operating system's if it is left out. */
  readonly random?: Random | undefined
}

/** The usual slices: each takes about a millisecond. */
const defaultSlices: Slices = { keys: 2_048, characters: 64 * 1024 }

/**
 * The state machine: a Map behind a mutex. A batch is one critical section: a reader that takes the lock sees the store
 * between batches and never inside one. Most operations finish at once. An operation that is a generator (`scan`) gives
 * the event loop a turn at every `yield`, and keeps the lock meanwhile.
 *
 * A snapshot needs the lock only to begin. Its entries are collected at once, a slice a turn, and written as the
 * snapshot is read; commands go on beside it.
 */
export class LockedMap implements StateMachine {
  #store: OrderedMap
  readonly #mutex = new Mutex()
  readonly #operations: Readonly<Record<string, Operation<Store>>>
  readonly #clock: Clock
  readonly #slices: Slices
  readonly #newStore: () => OrderedMap
  /** Resolves when the last snapshot's entries are all collected. */
  #collected: Promise<void> = Promise.resolve()

  constructor(operations: Readonly<Record<string, Operation<Store>>>, clock: Clock, settings: LockedMapSettings = {}) {
    this.#operations = operations
    this.#clock = clock
    this.#slices = settings.slices ?? defaultSlices
    this.#newStore = () => new OrderedMap({ bounds: settings.moments, random: settings.random, now: () => clock.now() })
    this.#store = this.#newStore()
  }

  /** Number and bytes of the past moments that are kept for pages of scans, for tests. */
  get moments(): OrderedMap['moments']['held'] {
    return this.#store.moments.held
  }

  /** Bytes of the keys and values that the store holds now, in UTF-8. */
  get bytes(): number {
    return this.#store.bytes
  }

  /** A copy of the store at this moment, for tests and checkers; nothing else reads past the lock. */
  contents(): ReadonlyMap<string, string> {
    return new Map(this.#store.entries())
  }

  apply(batch: readonly Command[]): Promise<Answer[]> {
    return this.#perform(batch, () => this.#store)
  }

  query(batch: readonly Command[]): Promise<Answer[]> {
    return this.#perform(batch, () => unchangeable(this.#store))
  }

  #perform(batch: readonly Command[], storeOf: () => Store): Promise<Answer[]> {
    return this.#mutex.runExclusive(async () => {
      this.#store.moments.letGoIdle()
      const store = storeOf()
      const answers: Answer[] = []
      for (const command of batch) {
        const result = this.#operation(command)(store, command as never)
        answers.push('ok' in result ? result : await this.#finish(result))
      }
      return answers
    })
  }

  #operation({ command }: Command): Operation<Store> {
    const operation = Object.hasOwn(this.#operations, command) ? this.#operations[command] : undefined
    if (!operation) throw new Error(`the state machine has no operation ${command}`)
    return operation
  }

  async #finish(slices: Generator<void, Answer>): Promise<Answer> {
    for (;;) {
      const slice = slices.next()
      if (slice.done) return slice.value
      await this.#turn()
    }
  }

  /**
   * Begins a snapshot: lines of JSON, `["key","value"]`, in key order. A snapshot that is not read to its end costs
   * nothing more.
   */
  snapshot(): Promise<AsyncIterable<string>> {
    return this.#mutex.runExclusive(async () => {
      await this.#collected
      const collected = this.#collect(this.#store.freeze(this.#slices.keys))
      this.#collected = collected.then(() => {})
      return this.#lines(collected)
    })
  }

  /** Collects a snapshot's entries, whether or not they are ever read, so that the store does not stay frozen. */
  async #collect(frozen: Iterable<Portion>): Promise<Portion[]> {
    const portions: Portion[] = []
    for (const portion of frozen) {
      portions.push(portion)
      await this.#turn()
    }
    return portions
  }

  async *#lines(collected: Promise<Portion[]>): AsyncGenerator<string, void> {
    for (const portion of await collected) {
      for (let at = 0; at < portion.keys.length; await this.#turn()) {
        let lines = ''
        for (; at < portion.keys.length && lines.length < this.#slices.characters; at++) {
          lines += `${JSON.stringify([portion.keys[at], portion.values[at]])}\n`
        }
        yield lines
      }
    }
  }

  /**
   * The store is a new one then, and pages of scans of the old one cannot go on.
   *
   * @throws on text that is no snapshot's; everything is as it was then
   */
  restore(body: AsyncIterable<string>): Promise<void> {
    return this.#mutex.runExclusive(async () => {
      const store = this.#newStore()
      for await (const lines of body) {
        for (let at = 0; at < lines.length; await this.#turn()) {
          const end = lines.indexOf('\n', at + this.#slices.characters)
          const slice = lines.slice(at, end < 0 ? lines.length : end)
          for (const line of slice.split('\n')) if (line !== '') store.set(...parseEntry(line))
          at += slice.length + 1
        }
      }
      this.#store = store
    })
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#clock.soon(resolve))
  }
}

/** Wraps a store for queries: a query that would change it throws. */
function unchangeable(store: Store): Store {
  const refuse = (): never => {
    throw new Error('a query would change the state machine: what changes it goes through apply')
  }
  return {
    get: (key) => store.get(key),
    keys: (from) => store.keys(from),
    pin: () => store.pin(),
    at: (moment) => store.at(moment),
    set: refuse,
    delete: refuse,
  }
}

function parseEntry(line: string): [string, string] {
  const entry = JSON.parse(line) as unknown
  if (Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string')) {
    return entry as [string, string]
  }
  throw new Error(`a snapshot holds a line that is no entry: ${line.slice(0, 100)}`)
}
