import { type Answer, compareKeys, limits, type Store } from '../../src/contracts.js'
import type { Scan } from './commands.js'

/** Bytes of entries that are put together before the event loop may turn. */
const sliceBytes = 64 * 1024

const defaultLimit = 100

/** Bytes of an answer that its entries may not use: room for its other fields and the request's id. */
const envelopeBytes = 1024

const encoder = new TextEncoder()

/**
 * Collects the entries whose keys have a prefix, in key order, after a given key. Keys come in order, so a page costs
 * what it returns, however large the store is. A large page is put together a slice at a time, and between slices other
 * connections are served. Without the store's lock a write could land between two slices, and the answer would show a
 * store that never was.
 *
 * @yields between slices
 * @returns `entries` as `[[key, value], …]`, and `more`: whether some were left out (continue with `after`)
 */
export function* scan(store: Store, { limit = defaultLimit, ...range }: Scan): Generator<void, Answer> {
  const keys = keysIn(store, range, limit + 1)
  const entries: [key: string, value: string][] = []
  let [room, slice] = [limits.messageBytes - envelopeBytes, 0]
  for (const key of keys.slice(0, limit)) {
    const entry: [string, string] = [key, store.get(key)!]
    const bytes = encoder.encode(`${JSON.stringify(entry)},`).length
    room -= bytes
    if (room < 0) break
    entries.push(entry)
    slice += bytes
    if (slice < sliceBytes) continue
    slice = 0
    yield
  }
  return { ok: true, entries, more: entries.length < keys.length }
}

/** The first `most` keys of a range. Keys that share a prefix stand next to each other. */
function keysIn(store: Store, { prefix = '', after }: Omit<Scan, 'limit'>, most: number): string[] {
  const keys: string[] = []
  const from = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix
  for (const key of store.keys(from)) {
    if (!key.startsWith(prefix)) break
    if (key !== after) keys.push(key)
    if (keys.length === most) break
  }
  return keys
}
