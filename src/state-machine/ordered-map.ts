import sortedTree from 'sorted-btree'
import { type Contents, compareKeys, type Store } from '../contracts.js'
import { type MomentSettings, Moments } from './moments.js'
import { ShardedMap } from './sharded-map.js'

/** The package is CommonJS: its class is the default export of the default export. */
const SortedTree = sortedTree.default
type SortedKeys = InstanceType<typeof SortedTree<string, undefined>>

/** Shards of the store; a power of two. */
const shardCount = 1024

/** A part of a store's contents at a moment: `values[i]` under `keys[i]`, in key order. */
export interface Portion {
  readonly keys: string[]
  readonly values: string[]
}

/**
 * A Map that knows its keys in order. The values are in a sharded Map. The keys stand in a B-tree as well, which only a
 * new key or a deleted one changes. So one command costs what a Map costs, and a page of `scan` costs what it returns.
 *
 * The Map can also show its contents at a past moment. The tree gives the keys of that moment (its copies share all
 * that stays the same), and a value that is overwritten meanwhile is kept aside: for one snapshot, a few keys at a
 * time, and for the pages of scans, as long as the bounds of {@link Moments} allow.
 */
export class OrderedMap implements Store {
  readonly #values = new ShardedMap(shardCount)
  readonly #order: SortedKeys = new SortedTree<string, undefined>(undefined, compareKeys)
  #frozen: FrozenMoment | null = null
  #bytes = 0
  readonly #moments: Moments

  constructor(settings: MomentSettings = {}) {
    this.#moments = new Moments(settings)
  }

  /** The past moments that are kept. */
  get moments(): Pick<Moments, 'letGoIdle' | 'held'> {
    return this.#moments
  }

  /** Bytes of the present keys and values in UTF-8. */
  get bytes(): number {
    return this.#bytes
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string): void {
    const shard = this.#values.shardFor(key)
    const old = shard.get(key)
    if (this.#frozen !== null) this.#frozen.keep(key, shard)
    if (this.#moments.areKept) this.#moments.keep(key, old)
    shard.set(key, value)
    this.#bytes += Buffer.byteLength(value) - (old === undefined ? -Buffer.byteLength(key) : Buffer.byteLength(old))
    if (old !== undefined) return
    this.#order.set(key, undefined)
    if (this.#moments.areKept) this.#moments.keysChanged()
  }

  delete(key: string): boolean {
    const shard = this.#values.shardOf(key)
    if (shard === undefined) return false
    const old = shard.get(key)
    if (old === undefined) return false
    if (this.#frozen !== null) this.#frozen.keep(key, shard)
    if (this.#moments.areKept) this.#moments.keep(key, old)
    shard.delete(key)
    this.#bytes -= Buffer.byteLength(key) + Buffer.byteLength(old)
    this.#order.delete(key)
    if (this.#moments.areKept) this.#moments.keysChanged()
    return true
  }

  pin(): string {
    return this.#moments.pin(() => this.#order.clone(), this.#values)
  }

  at(moment: string): Contents | null {
    return this.#moments.find(moment)
  }

  keys(from?: string): IterableIterator<string> {
    return this.#order.keys(from)
  }

  *entries(): Generator<[string, string], void> {
    for (const key of this.keys()) yield [key, this.get(key)!]
  }

  /**
   * Yields the store's contents at this moment, whatever is written between one portion and the next. Writing costs
   * more until the last portion was taken, so they are to be taken soon, and all of them.
   *
   * @param portionKeys keys in each portion; the last may have fewer
   * @throws if another moment's portions have not all been taken
   */
  freeze(portionKeys: number): Generator<Portion, void> {
    if (this.#frozen !== null) throw new Error('another moment is being looked at')
    const moment = new FrozenMoment()
    this.#frozen = moment
    return this.#thaw(moment, this.#order.clone(), portionKeys)
  }

  *#thaw(moment: FrozenMoment, order: SortedKeys, portionKeys: number): Generator<Portion, void> {
    let portion: Portion = { keys: [], values: [] }
    for (const key of order.keys()) {
      portion.keys.push(key)
      portion.values.push(moment.thaw(key) ?? this.get(key)!)
      if (portion.keys.length < portionKeys) continue
      yield portion
      portion = { keys: [], values: [] }
    }
    this.#frozen = null
    if (portion.keys.length > 0) yield portion
  }
}

/**
 * A moment whose contents are being read in key order, with the values that were overwritten since, behind the last key
 * read.
 */
class FrozenMoment {
  readonly #overwritten = new Map<string, string>()
  #lookedUpTo: string | null = null

  /** Keeps a key's value before it is overwritten, unless one is kept already or the key has been read. */
  keep(key: string, shard: ReadonlyMap<string, string>): void {
    if (this.#lookedUpTo !== null && compareKeys(key, this.#lookedUpTo) <= 0) return
    const value = shard.get(key)
    if (value !== undefined && !this.#overwritten.has(key)) this.#overwritten.set(key, value)
  }

  /** @returns what was under the key at that moment; undefined if that is still there */
  thaw(key: string): string | undefined {
    this.#lookedUpTo = key
    const value = this.#overwritten.get(key)
    if (value !== undefined) this.#overwritten.delete(key)
    return value
  }
}
