import sortedTree from 'sorted-btree'
import { compareKeys, type Store } from '../contracts.js'

/** The package is CommonJS: its class is the default export of the default export. */
const SortedTree = sortedTree.default
type SortedKeys = InstanceType<typeof SortedTree<string, undefined>>

/** Shards of the store; a power of two. */
const shardCount = 1024
/** UTF-16 units of a key that choose its shard, at most about twice as many. */
const sampledUnits = 32

type Shard = Map<string, string>

/** A part of a store's contents at a moment: `values[i]` under `keys[i]`, in key order. */
export interface Portion {
  readonly keys: string[]
  readonly values: string[]
}

/**
 * A Map that knows its keys in order. The values are in many Maps, chosen by a hash of the key: V8 moves all entries of
 * a Map in one go when it grows, for 100 ms and more at a million of them. The keys stand in a B-tree as well, which
 * only a new key or a deleted one changes. So one command costs what a Map costs, and a page of `scan` costs what it
 * returns.
 *
 * The Map can also show its contents at a past moment, a few keys at a time. The tree gives the keys of that moment
 * (its copies share all that stays the same), and a value that is overwritten meanwhile is kept aside.
 */
export class OrderedMap implements Store {
  readonly #shards = new Array<Shard | undefined>(shardCount).fill(undefined)
  readonly #order: SortedKeys = new SortedTree<string, undefined>(undefined, compareKeys)
  #moment: Moment | null = null

  get(key: string): string | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  set(key: string, value: string): void {
    const shard = this.#shardFor(key)
    if (this.#moment !== null) this.#moment.keep(key, shard)
    const before = shard.size
    shard.set(key, value)
    if (shard.size > before) this.#order.set(key, undefined)
  }

  delete(key: string): boolean {
    const shard = this.#shards[shardOf(key)]
    if (shard === undefined) return false
    if (this.#moment !== null) this.#moment.keep(key, shard)
    if (!shard.delete(key)) return false
    this.#order.delete(key)
    return true
  }

  #shardFor(key: string): Shard {
    const at = shardOf(key)
    let shard = this.#shards[at]
    if (shard === undefined) {
      shard = new Map()
      this.#shards[at] = shard
    }
    return shard
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
    if (this.#moment !== null) throw new Error('another moment is being looked at')
    const moment = new Moment()
    this.#moment = moment
    return this.#thaw(moment, this.#order.clone(), portionKeys)
  }

  *#thaw(moment: Moment, order: SortedKeys, portionKeys: number): Generator<Portion, void> {
    let portion: Portion = { keys: [], values: [] }
    for (const key of order.keys()) {
      portion.keys.push(key)
      portion.values.push(moment.thaw(key) ?? this.get(key)!)
      if (portion.keys.length < portionKeys) continue
      yield portion
      portion = { keys: [], values: [] }
    }
    this.#moment = null
    if (portion.keys.length > 0) yield portion
  }
}

/**
 * A moment whose contents are being read in key order, with the values that were overwritten since, behind the last key
 * read.
 */
class Moment {
  readonly #overwritten = new Map<string, string>()
  #lookedUpTo: string | null = null

  /** Keeps a key's value before it is overwritten, unless one is kept already or the key has been read. */
  keep(key: string, shard: Shard): void {
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

/** Hashes a key, cheaply: of a long key only some units count. */
function shardOf(key: string): number {
  const step = Math.floor(key.length / sampledUnits) + 1
  let hash = 0x811c9dc5
  for (let at = key.length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (shardCount - 1)
}
