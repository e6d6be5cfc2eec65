/** The contents of etcd out of it, as of one moment, and into it: for backups, and for who moves to it or away. */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../../../src/errors.js'
import { quoted } from '../../../src/text.js'
import { EtcdApi, EtcdError } from './api.js'
import { answerOf } from './errors.js'
import { pages, rangeOf } from './range.js'

/** A key with its value. */
export type Pair = readonly [key: string, value: string]

/** The contents of a store at one moment. */
export interface Moment {
  /** The revision that is read. */
  readonly revision: number
  /** Keys at that revision. */
  readonly count: number
  /**
   * The entries in the order of the keys' bytes, each read once, and to be iterated once.
   *
   * @throws ConfigError if the revision is compacted meanwhile, a key or a value is no text, or no node answers
   */
  readonly entries: AsyncIterable<Pair>
}

/** Milliseconds for which nodes may fail in turn before a transfer is given up, and the pause between two tries. */
const [patienceMs, pauseMs] = [30_000, 200]
/** Operations of one transaction, and bytes of its keys and values: etcd itself takes 128, and 1.5 MiB. */
const [batchKeys, batchBytes] = [128, 1024 * 1024]

/** The nodes of a cluster, one of which is asked as long as it answers. */
class Nodes {
  readonly #addresses: readonly string[]
  #at = 0
  #api: EtcdApi | null = null

  constructor(addresses: readonly string[]) {
    this.#addresses = addresses
  }

  /**
   * Asks until a node answers. What is asked must do no harm when it is done twice: a range, or a put of a value that
   * nobody else changes.
   *
   * @throws ConfigError if etcd refuses, or no node has answered for {@link patienceMs}
   */
  async ask<T>(what: (api: EtcdApi) => Promise<T>): Promise<T> {
    const end = performance.now() + patienceMs
    for (;;) {
      this.#api ??= new EtcdApi(this.#addresses[this.#at]!)
      try {
        return await what(this.#api)
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error
        const { code, message, definite } = answerOf(error).error
        const isPassing = !error.isAnswer || !definite || code === 'no_leader'
        if (!isPassing) throw new ConfigError(`etcd refuses (${code}): ${message}`)
        if (performance.now() >= end) throw new ConfigError(`no node of etcd answers: ${message}`)
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
 * @throws ConfigError if no node answers
 */
export async function momentOf(addresses: readonly string[]): Promise<Moment> {
  const nodes = new Nodes(addresses)
  const { header, count } = await nodes.ask((api) => api.ask('KV.Range', { ...rangeOf(''), count_only: true }))
  return { revision: Number(header.revision), count: Number(count), entries: entriesAt(nodes, header.revision) }
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
    throw new ConfigError(`${what} in etcd is no text in UTF-8: ${bytes.subarray(0, 32).toString('hex')}`)
  }
}

/** The result of a transfer into etcd. */
export interface Written {
  readonly count: number
  /** The SHA-256 of all entries, each as a line of JSON, in hex: the same for what was given and what was read back. */
  readonly sha256: string
}

/**
 * Writes entries into an empty etcd, a transaction for each batch, then reads them back at one moment, counts them and
 * compares.
 *
 * @param entries in the order of the keys' bytes, no key twice
 * @param onProgress called with the number of entries written so far, after each batch
 * @throws ConfigError if etcd holds anything before, refuses, does not answer, or holds anything else afterwards
 */
export async function writeAll(
  addresses: readonly string[],
  entries: AsyncIterable<Pair> | Iterable<Pair>,
  onProgress: (written: number) => void = () => {},
): Promise<Written> {
  const before = await momentOf(addresses)
  if (before.count > 0) throw new ConfigError(`etcd holds ${before.count} keys already, and nothing was written`)
  const nodes = new Nodes(addresses)
  const given = new Digest()
  try {
    for await (const batch of batches(entries)) {
      const success = batch.map(([key, value]) => ({
        request_put: { key: Buffer.from(key), value: Buffer.from(value) },
      }))
      await nodes.ask((api) => api.ask('KV.Txn', { success }))
      for (const pair of batch) given.add(pair)
      onProgress(given.count)
    }
  } finally {
    nodes.close()
  }
  return compared(given.end(), await momentOf(addresses))
}

async function compared(given: Written, { entries }: Moment): Promise<Written> {
  const found = new Digest()
  for await (const pair of entries) found.add(pair)
  const held = found.end()
  if (held.count === given.count && held.sha256 === given.sha256) return given
  throw new ConfigError(
    `etcd does not hold what was written: ${held.count} keys (${held.sha256}) instead of ${given.count} (${given.sha256}); does anybody else write there?`,
  )
}

/** Gathers entries into batches that one transaction can take. */
async function* batches(entries: AsyncIterable<Pair> | Iterable<Pair>): AsyncGenerator<readonly Pair[], void> {
  let [batch, room]: [Pair[], number] = [[], batchBytes]
  for await (const pair of entries) {
    const bytes = Buffer.byteLength(pair[0]) + Buffer.byteLength(pair[1])
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

/** Counts entries, and sums them up. */
class Digest {
  readonly #hash = createHash('sha256')
  count = 0

  add(pair: Pair): void {
    this.count++
    this.#hash.update(`${JSON.stringify(pair)}\n`)
  }

  end(): Written {
    return { count: this.count, sha256: this.#hash.digest('hex') }
  }
}
