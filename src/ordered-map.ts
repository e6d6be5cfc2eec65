import type { Store } from './contracts.js'

/** A power of two. */
const shardCount = 1024
/** Units of a key that choose its shard, at most about twice as many. */
const sampledUnits = 32

type Shard = Map<string, string>

/** Some of what a store held at a moment: `values[i]` under `keys[i]`, in no order. */
export interface Portion {
  readonly keys: string[]
  readonly values: string[]
}

/**
 * A Map in many parts, chosen by a hash of the key. V8 moves all entries of a Map in one go when it grows or shrinks, for
 * 100 ms and more at a million of them; of a part, it is a thousandth.
 *
 * And a Map that can be asked what it held at a moment that is past, a few parts at a time: as long as a part has not been
 * looked at, what was under a key at that moment is kept aside when the key is first written to. Nothing is copied but
 * references, commands see one Map all the time, and there is nothing to put right when it is over.
 */
export class ShardedMap implements Store {
  readonly #shards = new Array<Shard | undefined>(shardCount).fill(undefined)
  #moment: Moment | null = null

  get(key: string): string | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  set(key: string, value: string): void {
    const at = shardOf(key)
    let shard = this.#shards[at]
    if (shard === undefined) {
      shard = new Map()
      this.#shards[at] = shard
    }
    if (this.#moment !== null) this.#moment.keep(at, key, shard)
    shard.set(key, value)
  }

  delete(key: string): boolean {
    const at = shardOf(key)
    const shard = this.#shards[at]
    if (shard === undefined) return false
    if (this.#moment !== null) this.#moment.keep(at, key, shard)
    return shard.delete(key)
  }

  *keys(): Generator<string, void> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.keys()
  }

  *entries(): Generator<[string, string], void> {
    for (const shard of this.#shards) if (shard !== undefined) yield* shard.entries()
  }

  /**
   * What the store holds at this moment, whatever is written between one portion and the next. Writing costs more until
   * the last portion was taken, so they are to be taken soon, and all of them.
   *
   * @param portionKeys how many keys each portion has, or more, but less than twice as many; the last may have fewer
   * @throws if another moment's portions have not all been taken
   */
  freeze(portionKeys: number): Generator<Portion, void> {
    if (this.#moment !== null) throw new Error('another moment is being looked at')
    const moment = new Moment()
    this.#moment = moment
    return this.#thaw(moment, portionKeys)
  }

  *#thaw(moment: Moment, portionKeys: number): Generator<Portion, void> {
    let portion: Portion = { keys: [], values: [] }
    for (let at = 0; at < shardCount; at++) {
      moment.thaw(at, this.#shards[at], portion)
      if (portion.keys.length < portionKeys) continue
      yield* pieces(portion, portionKeys)
      portion = { keys: [], values: [] }
    }
    this.#moment = null
    if (portion.keys.length > 0) yield portion
  }
}

/** A portion as it is, or in parts if it is twice as large as it should be. */
function* pieces({ keys, values }: Portion, portionKeys: number): Generator<Portion, void> {
  let at = 0
  for (; keys.length - at >= 2 * portionKeys; at += portionKeys) {
    yield { keys: keys.slice(at, at + portionKeys), values: values.slice(at, at + portionKeys) }
  }
  yield at === 0 ? { keys, values } : { keys: keys.slice(at), values: values.slice(at) }
}

/** A moment that is being looked at, and what has been overwritten since in the parts that were not looked at yet. */
class Moment {
  readonly #overwritten = new Array<Map<string, string | undefined> | undefined>(shardCount).fill(undefined)
  /** The first part that has not been looked at. */
  #next = 0

  /** Before a key is written to: keeps what is there, unless something is kept already. */
  keep(at: number, key: string, shard: Shard): void {
    if (at < this.#next) return
    let overwritten = this.#overwritten[at]
    if (overwritten === undefined) {
      overwritten = new Map()
      this.#overwritten[at] = overwritten
    }
    if (!overwritten.has(key)) overwritten.set(key, shard.get(key))
  }

  /** Adds what a part held. */
  thaw(at: number, shard: Shard | undefined, { keys, values }: Portion): void {
    this.#next = at + 1
    const overwritten = this.#overwritten[at]
    this.#overwritten[at] = undefined
    shard?.forEach((value, key) => {
      if (overwritten?.has(key)) return
      keys.push(key)
      values.push(value)
    })
    overwritten?.forEach((value, key) => {
      if (value === undefined) return
      keys.push(key)
      values.push(value)
    })
  }
}

/** A cheap hash: of a long key only some units count. */
function shardOf(key: string): number {
  const step = Math.floor(key.length / sampledUnits) + 1
  let hash = 0x811c9dc5
  for (let at = key.length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return (hash ^ (hash >>> 15)) & (shardCount - 1)
}
