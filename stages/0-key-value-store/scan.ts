import { type Answer, type Contents, compareKeys, failure, limits, type Store } from '../../src/contracts.js'
import type { Scan } from './commands.js'
import { pageAt, placeOf, tokenUnits } from './page.js'

/** Bytes of entries that are put together before the event loop may turn. */
const sliceBytes = 64 * 1024

/** Bytes of an answer that its entries may not use: its other fields, with the request's id, and a page token escaped. */
const envelopeBytes = 1024 + 6 * (limits.keyBytes + tokenUnits)

const encoder = new TextEncoder()

/**
 * Collects the entries whose keys have a prefix, in key order, after a given key. Keys come in order, so a page costs
 * what it returns, however large the store is. A large page is put together a slice at a time, and between slices other
 * connections are served. Without the store's lock a write could land between two slices, and the answer would show a
 * store that never was.
 *
 * All pages of a scan are of one moment. An answer that leaves entries out names its moment in a page token, and the
 * scan with this token goes on there: it sees no write since, and costs nothing for the pages before it. With `after` a
 * scan goes on in the store as it is now.
 *
 * @yields between slices
 * @returns `entries` as `[[key, value], …]`; `more`: whether some were left out; then also `page`, the token of the next
 * page. `compacted` if the moment of a token was let go, or is of another node or an earlier life of this one.
 */
export function* scan(
  store: Store,
  { limit = limits.usualScanKeys, page, prefix = '', after }: Scan,
): Generator<void, Answer> {
  const place = page === undefined ? { moment: null, prefix, after } : placeOf(page)
  if (place === null) return failure('bad_request', 'scan: this is no page that an answer to scan gave')
  const contents = place.moment === null ? store : store.at(place.moment)
  if (contents === null) return failure('compacted', compactedMessage)
  const keys = keysIn(contents, place, limit + 1)
  const entries = yield* entriesOf(contents, keys.slice(0, limit))
  if (entries.length === keys.length) return { ok: true, entries, more: false }
  const last = entries.at(-1)![0]
  const next = pageAt({ moment: place.moment ?? store.pin(), prefix: place.prefix, after: last })
  return { ok: true, entries, more: true, page: next }
}

const compactedMessage =
  'this node does not keep the moment of this page: begin the scan again without "page", or go on with "after"'

/** The entries of some keys, as many as one answer can hold. */
function* entriesOf(contents: Contents, keys: readonly string[]): Generator<void, [string, string][]> {
  const entries: [key: string, value: string][] = []
  let [room, slice] = [limits.messageBytes - envelopeBytes, 0]
  for (const key of keys) {
    const entry: [string, string] = [key, contents.get(key)!]
    const bytes = encoder.encode(`${JSON.stringify(entry)},`).length
    room -= bytes
    if (room < 0) break
    entries.push(entry)
    slice += bytes
    if (slice < sliceBytes) continue
    slice = 0
    yield
  }
  return entries
}

interface Range {
  readonly prefix: string
  readonly after: string | undefined
}

/** The first `most` keys of a range. Keys that share a prefix stand next to each other. */
function keysIn(contents: Contents, { prefix, after }: Range, most: number): string[] {
  const keys: string[] = []
  const from = after !== undefined && compareKeys(after, prefix) > 0 ? after : prefix
  for (const key of contents.keys(from)) {
    if (!key.startsWith(prefix)) break
    if (key !== after) keys.push(key)
    if (keys.length === most) break
  }
  return keys
}
