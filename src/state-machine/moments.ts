import { systemRandom } from '../clock.js'
import type { Contents, Random } from '../contracts.js'
import { ShardedMap } from './sharded-map.js'

/** Bounds of the past moments that a store keeps. What is over a bound makes the oldest moment go. */
export interface MomentBounds {
  /** Moments that are kept at most. */
  readonly moments: number
  /** Bytes of memory for all moments together: values that were overwritten, and nodes of the tree of keys. */
  readonly bytes: number
  /** Milliseconds after which the oldest moment goes, if nobody has asked for it meanwhile. */
  readonly idleMs: number
}

const defaultMomentBounds: MomentBounds = { moments: 64, bytes: 64 * 1024 * 1024, idleMs: 5 * 60_000 }

/** The keys of a store at one moment, in order. */
export interface KeyOrder {
  readonly size: number
  keys(from?: string): IterableIterator<string>
}

/** Shards of the values that were overwritten after a moment; a power of two. */
const shardCount = 64
/** Bytes of a moment that has no value yet: its shards and its list. */
const momentBytes = 16 * 1024
/** Bytes of an entry besides its text: its place in a Map, and the headers of two strings. */
const entryBytes = 128
/** Bytes of tree nodes that a created or deleted key copies: a leaf, with its share of the nodes above it. */
const pathBytes = 640
/** Bytes of tree nodes for each key of a moment, when no node is shared with the present tree any more. */
const treeBytesPerKey = 32

/** A past moment of a store. It shows the keys of that moment, with their values. */
class Moment implements Contents {
  readonly name: string
  /** The values that were overwritten after this moment and before the next one. */
  readonly overwritten = new ShardedMap(shardCount)
  /** The next younger moment; null for the newest. */
  next: Moment | null = null
  /** Bytes that are free once this moment goes. */
  bytes = 0
  /** Bytes of tree nodes that are still shared with the present tree. */
  sharedBytes: number
  /** True once the store was written to after this moment. */
  isPast = false
  /** The time at which somebody last asked for this moment, in milliseconds. */
  askedAt = 0
  readonly #order: KeyOrder
  readonly #present: ShardedMap

  constructor(name: string, order: KeyOrder, present: ShardedMap) {
    this.name = name
    this.sharedBytes = pathBytes + order.size * treeBytesPerKey
    this.#order = order
    this.#present = present
  }

  /** The value at this moment of a key that {@link keys} gives. */
  get(key: string): string | undefined {
    for (let moment: Moment | null = this; moment !== null; moment = moment.next) {
      const value = moment.overwritten.get(key)
      if (value !== undefined) return value
    }
    return this.#present.get(key)
  }

  keys(from?: string): IterableIterator<string> {
    return this.#order.keys(from)
  }
}

/** Settings of a store's moments; each is as usual if it is left out. */
export interface MomentSettings {
  readonly bounds?: MomentBounds | undefined
  /** The source of the store's name; the operating system's if it is left out. */
  readonly random?: Random | undefined
  /** Milliseconds since some fixed time; time stands still if it is left out. */
  readonly now?: () => number
}

/**
 * The past moments of one store that can still be read (copy on write, as in a multi-version store). A moment keeps the
 * tree of its keys, which shares its nodes with the present one, and the values that were overwritten until the next
 * moment. So a moment costs what was written since, and not what the store holds; and the oldest one can go at any
 * time, without a look at the others.
 *
 * A store without moments pays nothing. Every store draws a name of its own at its first moment: a moment of another
 * node, process or snapshot has another name, and is not found here.
 */
export class Moments {
  readonly #bounds: MomentBounds
  readonly #random: Random
  readonly #now: () => number
  /** The moments, the oldest first. */
  readonly #kept: Moment[] = []
  #newest: Moment | null = null
  #bytes = 0
  #life = ''
  #pinned = 0

  constructor({ bounds = defaultMomentBounds, random = systemRandom, now = () => 0 }: MomentSettings = {}) {
    this.#bounds = bounds
    this.#random = random
    this.#now = now
  }

  /** True if a write has something to tell: {@link keep} before it, {@link keysChanged} behind it. */
  get areKept(): boolean {
    return this.#newest !== null
  }

  /** Bytes and number of the moments that are kept, for tests. */
  get held(): { readonly moments: number; readonly bytes: number } {
    return { moments: this.#kept.length, bytes: this.#bytes }
  }

  /**
   * Keeps the present moment. Scans with no write between them share one moment.
   *
   * @param order gives a copy of the present keys, if it is needed
   * @returns the moment's name
   */
  pin(order: () => KeyOrder, present: ShardedMap): string {
    let moment = this.#newest
    if (moment === null || moment.isPast) {
      moment = new Moment(this.#nextName(), order(), present)
      if (this.#kept.length >= this.#bounds.moments) this.#letGoOldest()
      if (this.#newest !== null) this.#newest.next = moment
      this.#newest = moment
      this.#kept.push(moment)
      this.#charge(moment, momentBytes)
    }
    moment.askedAt = this.#now()
    return moment.name
  }

  #nextName(): string {
    if (this.#life === '') this.#life = Math.floor(this.#random.next() * 2 ** 52).toString(36)
    this.#pinned++
    return `${this.#life}.${this.#pinned}`
  }

  /** Finds a moment; null if it was let go, or never was a moment of this store. */
  find(name: string): Contents | null {
    const moment = this.#kept.find((kept) => kept.name === name)
    if (moment === undefined) return null
    moment.askedAt = this.#now()
    return moment
  }

  /** Keeps the value of a key that is about to be written; there is none, and nothing to keep, if the key is absent. */
  keep(key: string, value: string | undefined): void {
    if (value === undefined) return
    const newest = this.#newest!
    newest.isPast = true
    const shard = newest.overwritten.shardFor(key)
    if (shard.has(key)) return
    shard.set(key, value)
    this.#charge(newest, entryBytes + 2 * (key.length + value.length))
  }

  /** Notes that the present keys are not those of the newest moment any more: one was created, or deleted. */
  keysChanged(): void {
    const newest = this.#newest
    if (newest === null) return
    newest.isPast = true
    const bytes = Math.min(pathBytes, newest.sharedBytes)
    newest.sharedBytes -= bytes
    this.#charge(newest, bytes)
  }

  /** Charges bytes to a moment. One that alone is over the bound goes, too. */
  #charge(moment: Moment, bytes: number): void {
    moment.bytes += bytes
    this.#bytes += bytes
    while (this.#bytes > this.#bounds.bytes) this.#letGoOldest()
  }

  /** Lets moments go, the oldest first, as long as nobody has asked for the oldest lately. */
  letGoIdle(): void {
    if (this.#newest === null) return
    const since = this.#now() - this.#bounds.idleMs
    while (this.#kept.length > 0 && this.#kept[0]!.askedAt < since) this.#letGoOldest()
  }

  #letGoOldest(): void {
    const oldest = this.#kept.shift()
    if (oldest === undefined) return
    this.#bytes -= oldest.bytes
    if (this.#kept.length === 0) this.#newest = null
  }
}
