/** The contents of etcd out of it, as of one moment, and into it: for backups, and for who moves to it or away. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { quoted } from '../../../src/text.js'
import { BackupRefused } from '../../backup/refused.js'
import type { EtcdAccess } from './access.js'
import { EtcdApi, EtcdError } from './api.js'
import { answerOf } from './errors.js'
import { pages, rangeOf } from './range.js'

/** A key with its value. */
export type Pair = readonly [key: string, value: string]

/** The contents of a store at one moment. */
export interface Moment {
  /** The revision that is read. */
  readonly revision: number
  /** The term of Raft in which etcd answered, and the number of its cluster in hex, as etcd prints it. */
  readonly term: number
  readonly cluster: string
  /** Keys at that revision. */
  readonly count: number
  /**
   * The entries in the order of the keys' bytes, each read once, and to be iterated once.
   *
   * @throws BackupRefused if the revision is compacted meanwhile, a key or a value is no text, or no node answers
   */
  readonly entries: AsyncIterable<Pair>
}

/** Milliseconds for which nodes may fail in turn before a transfer is given up, and the pause between two tries. */
const [patienceMs, pauseMs] = [30_000, 200]
/** Operations of one transaction, and bytes of its keys, each three times, and values: etcd itself takes 128, and 1.5 MiB. */
const [batchKeys, batchBytes] = [128, 1024 * 1024]

const refused = (code: string, message: string) => new BackupRefused({ code, message })

/** The nodes of a cluster, one of which is asked as long as it answers. */
class Nodes {
  readonly #addresses: readonly string[]
  readonly #access: EtcdAccess
  /** Nodes with which no connection can be made as we ask for it. */
  readonly #closedToUs = new Set<string>()
  #at = 0
  #api: EtcdApi | null = null

  constructor(addresses: readonly string[], access: EtcdAccess) {
    this.#addresses = addresses
    this.#access = access
  }

  /**
   * Asks until a node answers. What is asked must do no harm when it is done twice.
   *
   * @throws BackupRefused if etcd refuses, all nodes are closed to us, or none has answered for {@link patienceMs}
   */
  async ask<T>(what: (api: EtcdApi) => Promise<T>): Promise<T> {
    const end = performance.now() + patienceMs
    for (;;) {
      this.#api ??= new EtcdApi(this.#addresses[this.#at]!, this.#access)
      try {
        return await what(this.#api)
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error
        const { code, message, definite } = answerOf(error).error
        const isPassing = !error.isAnswer || !definite || code === 'no_leader'
        if (!isPassing) throw refused(code, `etcd refuses: ${message}`)
        if (error.stays) this.#closedToUs.add(this.#addresses[this.#at]!)
        const isOver = this.#closedToUs.size === this.#addresses.length || performance.now() >= end
        if (isOver) throw refused('unreachable', `no node of etcd answers: ${message}`)
        this.#next()
        await delay(pauseMs)
      }
    }
  }

  #next(): void {
    this.close()
    this.#at = (this.#at + 1) % this.#addresses.length
  }

  close(): void {
    this.#api?.close()
    this.#api = null
  }
}

/**
 * Reads a store as of now. Writes that come later are not in it, however long the reading takes.
 *
 * @param addresses of nodes, `host:port`; when one fails, the next goes on behind the last key
 * @throws BackupRefused if no node answers
 */
export async function momentOf(addresses: readonly string[], access: EtcdAccess = {}): Promise<Moment> {
  const nodes = new Nodes(addresses, access)
  const { header, count } = await nodes.ask((api) => api.ask('KV.Range', { ...rangeOf(''), count_only: true }))
  const { revision, raft_term: term, cluster_id: cluster } = header
  const place = { revision: Number(revision), term: Number(term), cluster: BigInt(cluster).toString(16) }
  return { ...place, count: Number(count), entries: entriesAt(nodes, revision) }
}

async function* entriesAt(nodes: Nodes, revision: string): AsyncGenerator<Pair, void> {
  let after: string | undefined
  let reading: ReturnType<typeof pages> | null = null
  /** Reads on; at another node, behind the last key, if the one before fails. */
  const next = async (api: EtcdApi) => {
    reading ??= pages(api, { ...rangeOf('', after), revision })
    try {
      return (await reading.next()).value
    } catch (error) {
      reading = null
      throw error
    }
  }
  try {
    for (let page = await nodes.ask(next); page; page = await nodes.ask(next)) {
      for (const { key, value } of page.kvs) {
        after = textOf(key, 'a key')
        yield [after, textOf(value, `the value of ${quoted(after)}`)]
      }
    }
  } finally {
    nodes.close()
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Buffer, what: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw refused('not_text', `${what} in etcd is no text in UTF-8: ${bytes.subarray(0, 32).toString('hex')} (hex)`)
  }
}

/** The result of a transfer into etcd. */
export interface Written {
  readonly count: number
  /** The SHA-256 of all entries, each as a line of JSON, in hex: the same for what was given and what was read back. */
  readonly sha256: string
  /** Entries that were there before. */
  readonly found: number
}

/**
 * Writes entries into etcd, a transaction for each batch, then reads them back at one moment, counts them and compares.
 * etcd may hold the first of these entries already, as a transfer that was cut off leaves them: it goes on behind them.
 *
 * @param entries in the order of the keys' bytes, no key twice
 * @param options `access` says how etcd is asked; `onProgress` is called after each batch with the number of entries that
 *   etcd has so far
 * @throws BackupRefused if etcd holds anything else before (nothing is written then) or afterwards, refuses, or does not answer
 */
export async function writeAll(
  addresses: readonly string[],
  entries: AsyncIterable<Pair> | Iterable<Pair>,
  { access = {}, onProgress }: { access?: EtcdAccess; onProgress?: (written: number) => void } = {},
): Promise<Written> {
  const nodes = new Nodes(addresses, access)
  const given = new Digest()
  const before = await momentOf(addresses, access)
  try {
    for await (const batch of batches(behind(before, entries, given))) {
      await nodes.ask((api) => put(api, batch))
      for (const pair of batch) given.add(pair)
      onProgress?.(given.count)
    }
  } catch (error) {
    if (!(error instanceof BackupRefused) || given.count <= before.count) throw error
    const { code, message } = error
    throw refused(
      code,
      `${message}; etcd has the first ${given.count} entries at least: the same command goes on behind them`,
    )
  } finally {
    nodes.close()
  }
  return { ...(await compared(given.end(), await momentOf(addresses, access))), found: before.count }
}

/** Yields the entries behind those that etcd holds. @throws BackupRefused if it does not hold the first of them, and no more */
async function* behind(
  { count, entries: before }: Moment,
  entries: AsyncIterable<Pair> | Iterable<Pair>,
  given: Digest,
): AsyncGenerator<Pair, void> {
  const all = before[Symbol.asyncIterator]()
  const foreign = (key: string) =>
    refused(
      'not_empty',
      `etcd holds ${count} keys already, ${quoted(key)} among them as it is not in the backup; nothing was written`,
    )
  try {
    let held = await all.next()
    for await (const pair of entries) {
      if (held.done) yield wellFormed(pair)
      else {
        if (held.value[0] !== pair[0] || held.value[1] !== pair[1]) throw foreign(held.value[0])
        given.add(pair)
        held = await all.next()
      }
    }
    if (!held.done) throw foreign(held.value[0])
  } finally {
    await all.return?.()
  }
}

/** @throws BackupRefused for text that UTF-8 cannot hold: it would be another text in etcd */
function wellFormed(pair: Pair): Pair {
  if (pair.every((text) => text.isWellFormed())) return pair
  throw refused('not_text', `the key ${quoted(pair[0])} or its value has half a character, which UTF-8 cannot hold`)
}

/** Puts keys that are not there yet. @throws BackupRefused if somebody else has written one of them meanwhile; EtcdError */
async function put(api: EtcdApi, batch: readonly Pair[]): Promise<void> {
  const pairs = batch.map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) }))
  const { succeeded, responses } = await api.ask('KV.Txn', {
    compare: pairs.map(({ key }) => ({ result: 'EQUAL', target: 'MOD', key, mod_revision: '0' })),
    success: pairs.map((pair) => ({ request_put: pair })),
    failure: pairs.map(({ key }) => ({ request_range: { key } })),
  })
  if (succeeded) return
  // A try before this one may have done it, whose answer did not come.
  const other = pairs.findIndex(({ value }, at) => !responses[at]?.response_range?.kvs[0]?.value.equals(value))
  if (other >= 0)
    throw refused('changed', `somebody else writes to etcd: the key ${quoted(batch[other]![0])}, or one beside it`)
}

async function compared(given: Sum, { entries }: Moment): Promise<Sum> {
  const found = new Digest()
  for await (const pair of entries) found.add(pair)
  const held = found.end()
  if (held.count === given.count && held.sha256 === given.sha256) return given
  throw refused(
    'changed',
    `etcd does not hold what was written: ${held.count} keys (${held.sha256}) instead of ${given.count} (${given.sha256}); does anybody else write there?`,
  )
}

/** Gathers entries into batches that one transaction can take. */
async function* batches(entries: AsyncIterable<Pair> | Iterable<Pair>): AsyncGenerator<readonly Pair[], void> {
  let [batch, room]: [Pair[], number] = [[], batchBytes]
  for await (const pair of entries) {
    const bytes = 3 * Buffer.byteLength(pair[0]) + Buffer.byteLength(pair[1])
    if (batch.length === batchKeys || (batch.length > 0 && bytes > room)) {
      yield batch
      batch = []
      room = batchBytes
    }
    batch.push(pair)
    room -= bytes
  }
  if (batch.length > 0) yield batch
}

type Sum = Omit<Written, 'found'>

/** Counts entries, and sums them up. */
class Digest {
  readonly #hash = createHash('sha256')
  count = 0

  add(pair: Pair): void {
    this.count++
    this.#hash.update(`${JSON.stringify(pair)}\n`)
  }

  end(): Sum {
    return { count: this.count, sha256: this.#hash.digest('hex') }
  }
}
