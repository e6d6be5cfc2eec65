/** UTF-16 units of a key that choose its shard, at most about twice as many. */
const sampledUnits = 32

type Shard = Map<string, string>

/**
 * A Map in many parts, its shards, chosen by a hash of the key. V8 moves all entries of a Map in one go when it grows,
 * for 100 ms and more at a million of them; a shard is small, and its move is short.
 */
export class ShardedMap {
  readonly #shards: (Shard | undefined)[]
  readonly #mask: number

  /** @param count shards; a power of two */
  constructor(count: number) {
    this.#shards = new Array<Shard | undefined>(count).fill(undefined)
    this.#mask = count - 1
  }

  get(key: string): string | undefined {
    return this.#shards[hashOf(key) & this.#mask]?.get(key)
  }

  /** The shard of a key, if one has been made. */
  shardOf(key: string): Shard | undefined {
    return this.#shards[hashOf(key) & this.#mask]
  }

  /** The shard for a key, made if there is none yet. */
  shardFor(key: string): Shard {
    const at = hashOf(key) & this.#mask
    let shard = this.#shards[at]
    if (shard === undefined) {
      shard = new Map()
      this.#shards[at] = shard
    }
    return shard
  }
}

/** Hashes a key, cheaply: of a long key only some units count. */
function hashOf(key: string): number {
  const step = Math.floor(key.length / sampledUnits) + 1
  let hash = 0x811c9dc5
  for (let at = key.length - 1; at >= 0; at -= step) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}
