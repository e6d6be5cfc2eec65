/** Keys and values of etcd's store in key order, a page at a time. */
import type { EtcdApi, RangeReply, RangeRequest } from './api.js'

/** Keys of the first page, and of any page at most. */
const [firstKeys, mostKeys] = [16, 1_000]
/** Bytes of keys and values that a page is meant to have. */
const pageBytes = 1024 * 1024

/** A range of keys: from a key on, to the first key behind it. */
export type Range = Required<Pick<RangeRequest, 'key' | 'range_end'>>

const zero = Buffer.of(0)

/** The range of all keys with a prefix, behind a key if one is given. */
export function rangeOf(prefix: string, after?: string): Range {
  const [from, behind] = [Buffer.from(prefix), after === undefined ? null : Buffer.from(`${after}\0`)]
  const key = behind && Buffer.compare(behind, from) > 0 ? behind : from
  return { key: key.length === 0 ? zero : key, range_end: prefix === '' ? zero : keyBehind(from) }
}

/** The first key behind all that begin with these bytes. No byte of UTF-8 is 255, so the last one can grow. */
function keyBehind(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1
  return end
}

/** The first question of some pages: the keys, the moment, and how it is read. */
export interface PageRequest extends Range {
  /** The revision to read; the newest if it is left out. All pages are of the revision of the first. */
  readonly revision?: string
  readonly serializable?: boolean
  /** Keys at most, over all pages. */
  readonly limit?: number
}

/**
 * Reads pages of one revision. How many keys a page has follows from how large the entries before were, so that no
 * answer is much larger than a megabyte unless one entry is.
 *
 * @throws EtcdError, of the code `OUT_OF_RANGE` if the revision was compacted, or is still to come
 */
export async function* pages(api: EtcdApi, request: PageRequest): AsyncGenerator<RangeReply, void> {
  const { limit = Number.POSITIVE_INFINITY, ...from } = request
  let [asked, keys, seen, bytes]: [RangeRequest, number, number, number] = [from, firstKeys, 0, 0]
  while (seen < limit) {
    const reply = await api.ask('KV.Range', { ...asked, limit: Math.min(keys, limit - seen) })
    yield reply
    if (!reply.more) return
    seen += reply.kvs.length
    for (const { key, value } of reply.kvs) bytes += key.length + value.length
    keys = Math.max(1, Math.min(mostKeys, Math.floor((pageBytes * seen) / bytes)))
    const key = Buffer.concat([reply.kvs.at(-1)!.key, zero])
    asked = { ...from, key, revision: from.revision ?? reply.header.revision }
  }
}
