import { type Answer, compareKeys, type Store } from '../../src/contracts.js'
import type { Scan } from './commands.js'

/** Keys looked at before the event loop may turn. */
const sliceKeys = 5_000

const defaultLimit = 100

/**
 * The entries whose keys have a prefix, in key order, after a given key. A Map keeps no order, so every key is looked
 * at, a slice at a time; between slices other connections are served, and without the store's lock a write could
 * land in the middle, so that the answer would show a store that never was.
 *
 * @yields between slices
 * @returns `entries` as `[[key, value], …]`, and `more`: whether some were left out (continue with `after`)
 */
export function* scan(store: Store, { prefix = '', after, limit = defaultLimit }: Scan): Generator<void, Answer> {
  let smallest: string[] = []
  let more = false
  let looked = 0
  const keepSmallest = () => {
    smallest.sort(compareKeys)
    more ||= smallest.length > limit
    smallest = smallest.slice(0, limit)
  }
  for (const key of store.keys()) {
    if (key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0)) smallest.push(key)
    if (smallest.length >= limit + sliceKeys) keepSmallest()
    if (++looked % sliceKeys === 0) yield
  }
  keepSmallest()
  return { ok: true, entries: smallest.map((key) => [key, store.get(key)]), more }
}
