/**
 * The write-ahead log, the default `LogStore`: an append-only file of NDJSON in segments, readable with `tail`. A batch
 * is one write and one sync, closed by a line of its own. Nothing is ever overwritten: what is taken back is a record.
 */
import { dirname, join } from 'node:path'
import {
  type Event,
  type LogStore,
  nothingRecovered,
  type Persist,
  type PersistRecord,
  type Recovered,
} from '../contracts.js'
import { DamagedLogError } from './errors.js'
import { createFile, explained, type Files, type OpenFile, realFiles } from './files.js'
import { checkOwner, type Identity, newIdentity, type Owner, readIdentity, writeIdentity } from './identity.js'
import { lockFolder } from './lock.js'
import { MemorySnapshots } from './memory-snapshots.js'
import { recover } from './recover.js'
import { cutWal } from './wal-cut.js'
import { checksumText, LineEncoder, newline, type SegmentHeader } from './wal-line.js'
import { advance, emptyLog, type LogState, placeOf, scanWal, segmentName, type WalScan, walFolder } from './wal-scan.js'

export interface WalOptions {
  /** A segment that has grown to this many bytes is followed by another; 16 MiB unless given. */
  readonly segmentBytes?: number
  readonly files?: Files
  /** Hears `log_cut` if opening found a write that a crash cut short: `file`, `bytes`, and `copies` of what was cut. */
  readonly notice?: (event: Event) => void
}

const defaultSegmentBytes = 16 * 1024 * 1024

/** The segment that is written to. */
interface Segment {
  readonly number: number
  readonly file: OpenFile
  size: number
}

export class WriteAheadLog implements LogStore {
  readonly snapshots = new MemorySnapshots()
  readonly #folder: string
  readonly #wal: string
  readonly #owner: Owner
  readonly #files: Files
  readonly #segmentBytes: number
  readonly #notice: (event: Event) => void
  #identity: Identity | null = null
  #segment: Segment | null = null
  #state: LogState = emptyLog
  #encoder = new LineEncoder(0)
  #unlock = async () => {}
  /** The write under way. */
  #writing: Promise<void> | null = null
  #failed: Error | null = new Error('the log is not open')

  /** @param folder the node's own; made if need be */
  constructor(folder: string, owner: Owner, options: WalOptions = {}) {
    this.#folder = folder
    this.#wal = join(folder, walFolder)
    this.#owner = owner
    this.#files = explained(options.files ?? realFiles)
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    this.#notice = options.notice ?? (() => {})
  }

  /**
   * @throws ConfigError if the folder is another node's, or another process has it open
   * @throws DamagedLogError if what is there is not all that was written
   * @throws DiskError
   */
  async open(): Promise<Recovered> {
    await this.#files.makeFolder(this.#folder)
    this.#unlock = await lockFolder(this.#files, this.#folder)
    try {
      this.#identity = await readIdentity(this.#files, this.#folder)
      const recovered = this.#identity ? await this.#recover(this.#identity) : await this.#begin()
      this.#failed = null
      return recovered
    } catch (error) {
      await this.#release()
      throw error
    }
  }

  /** The folder is new. The identity is written last, so that where it is, the log has been begun. */
  async #begin(): Promise<Recovered> {
    await this.#files.makeFolder(this.#wal)
    await this.#clearUnbegun()
    this.#identity = newIdentity(this.#owner)
    this.#segment = await this.#newSegment(1)
    await writeIdentity(this.#files, this.#folder, this.#identity)
    await this.#files.syncFolder(dirname(this.#folder))
    return { ...nothingRecovered, incarnation: this.#identity.incarnation }
  }

  /** A first segment without a batch is what a crash leaves of an earlier beginning; anything more is a node's log. */
  async #clearUnbegun(): Promise<void> {
    for (const name of await this.#files.list(this.#wal)) {
      const path = join(this.#wal, name)
      const header = name === segmentName(1) ? await this.#files.read(path) : null
      const hasMore = !header || (header.includes(newline) && header.indexOf(newline) + 1 < header.length)
      if (hasMore) throw new DamagedLogError(path, 'there is a log and no IDENTITY beside it', this.#folder)
      await this.#files.remove(path)
    }
  }

  async #recover(identity: Identity): Promise<Recovered> {
    checkOwner(this.#folder, identity, this.#owner)
    const records: PersistRecord[] = []
    const scan = await scanWal(this.#files, this.#folder, identity, (batch) => {
      for (const record of batch.records) records.push(record)
    })
    if (scan.tail?.kind === 'damage')
      throw new DamagedLogError(placeOf(this.#folder, scan.tail), scan.tail.what, this.#folder)
    if (scan.tail) this.#notice({ event: 'log_cut', ...(await cutWal(this.#files, this.#folder, scan)) })
    this.#state = scan.state
    this.#encoder = new LineEncoder(scan.state.checksum)
    await this.#resume(scan)
    const contents = recover(records)
    return { ...contents, snapshots: this.snapshots.known(contents.snapshots), incarnation: identity.incarnation }
  }

  /**
   * Opens the last segment to go on writing, and writes its last batch once more, byte by byte the same: it may have
   * been read from memory that a crash, or a sync that failed, kept off the disk.
   */
  async #resume({ good }: WalScan): Promise<void> {
    const path = join(this.#wal, segmentName(good.segment))
    const bytes = await this.#files.read(path)
    const file = await this.#files.open(path, 'existing')
    this.#segment = { number: good.segment, file, size: good.length }
    await file.write(bytes.subarray(good.lastBatchAt, good.length), good.lastBatchAt)
    await file.sync()
    await this.#files.syncFolder(this.#wal)
    await this.#files.syncFolder(this.#folder)
  }

  /** Durable, name and header, before anything is written to it. */
  async #newSegment(number: number): Promise<Segment> {
    const { cluster, node, incarnation } = this.#identity!
    const { term, votedFor, last, batch, checksum } = this.#state
    const header: SegmentHeader = {
      ...{ segment: number, cluster, node, incarnation },
      ...{ term, votedFor, first: last + 1, batch, previous: checksumText(checksum) },
    }
    this.#encoder.checksum = 0
    this.#encoder.add(JSON.stringify(header))
    const bytes = this.#encoder.take()
    const file = await createFile(this.#files, join(this.#wal, segmentName(number)), bytes)
    this.#state = { ...this.#state, checksum: this.#encoder.checksum }
    const segment = { number, file, size: bytes.length }
    await this.#files.syncFolder(this.#wal)
    return segment
  }

  /** @throws DiskError; the log is dead after it, and so it is after any other error */
  write(batch: Persist): Promise<void> {
    if (this.#failed) return Promise.reject(this.#failed)
    if (this.#writing) return Promise.reject(new Error('one write at a time'))
    this.#writing = this.#write(batch.records).then(
      () => {
        this.#writing = null
      },
      (error: Error) => {
        this.#writing = null
        this.#failed = error
        throw error
      },
    )
    return this.#writing
  }

  async #write(records: readonly PersistRecord[]): Promise<void> {
    if (this.#segment!.size >= this.#segmentBytes) await this.#rotate()
    await this.#append(records)
  }

  async #append(records: readonly PersistRecord[]): Promise<void> {
    const state = { ...this.#state }
    for (const record of records) {
      advance(state, record)
      this.#encoder.addRecord(record)
    }
    const batch = state.batch + 1
    this.#encoder.addEnd({ end: batch, last: state.last })
    this.#state = { ...state, batch, sealed: records.length === 0, checksum: this.#encoder.checksum }
    const segment = this.#segment!
    const bytes = this.#encoder.take()
    await segment.file.write(bytes, segment.size)
    await segment.file.sync()
    segment.size += bytes.length
  }

  async #rotate(): Promise<void> {
    const full = this.#segment!
    this.#segment = await this.#newSegment(full.number + 1)
    await full.file.close()
  }

  /** Waits for the write under way and ends the log with an empty batch: damage to the last one cannot hide then. */
  async close(): Promise<void> {
    await this.#writing?.catch(() => {})
    const isOpen = this.#failed === null
    this.#failed ??= new Error('the log is closed')
    try {
      if (isOpen && !this.#state.sealed) await this.#append([])
    } finally {
      await this.#release()
    }
  }

  async #release(): Promise<void> {
    await this.#segment?.file.close().catch(() => {})
    this.#segment = null
    await this.#unlock().catch(() => {})
    this.#unlock = async () => {}
  }
}
