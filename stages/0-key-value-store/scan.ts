import { type Answer, compareKeys, limits, type Store } from '../../src/contracts.js'
import type { Scan } from './commands.js'

/** Keys looked at before the event loop may turn. */
const sliceKeys = 5_000

const defaultLimit = 100

/** What an answer may hold besides its entries: its other fields, and the request's id. */
const envelopeBytes = 1024

const encoder = new TextEncoder()

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
  const entries = firstThatFit(smallest.map((key) => [key, store.get(key)!] as const))
  return { ok: true, entries, more: more || entries.length < smallest.length }
}

/** As many entries as one answer on the wire may hold: the first always fits, the longest values a few at a time. */
function firstThatFit<E>(entries: readonly E[]): readonly E[] {
  let room = limits.messageBytes - envelopeBytes
  for (const [at, entry] of entries.entries()) {
    room -= encoder.encode(`${JSON.stringify(entry)},`).length
    if (room < 0) return entries.slice(0, at)
  }
  return entries
}
