/**
 * The write-ahead log, the default `LogStore`: an append-only file of NDJSON in segments, readable with `tail`. A batch
 * is one durable write, closed by a line of its own. Nothing is ever overwritten: entries are taken back by a
 * further record.
 */
import { dirname, join } from 'node:path'
import {
  type Event,
  type Index,
  type LogStore,
  nothingRecovered,
  type Persist,
  type PersistRecord,
  type Recovered,
} from '../contracts.js'
import { cutAdvice, DamagedLogError, replaceAdvice } from './errors.js'
import { createFile, explained, type Files, type OpenFile, realFiles } from './files.js'
import { type Expected, FolderWatch, idOf } from './folder-watch.js'
import {
  checkOwner,
  type Identity,
  identityFile,
  newIdentity,
  type Owner,
  readIdentity,
  writeIdentity,
} from './identity.js'
import { lockEntry, lockFolder } from './lock.js'
import { checkKind, checkNoSnapshots } from './log-kind.js'
import { patient } from './patience.js'
import { advance, noteCommit, Records } from './recover.js'
import { chooseSnapshots } from './snapshot-choice.js'
import { SnapshotFolder } from './snapshots.js'
import { cutWal } from './wal-cut.js'
import { formatFor, LineEncoder, newline, segmentFormat } from './wal-line.js'
import {
  emptyLog,
  headerOf,
  type LogState,
  placeOf,
  scanWal,
  segmentName,
  type WalScan,
  walFolder,
} from './wal-scan.js'

declare module '../events.js' {
  interface EventDetails {
    log_cut: { file: string; bytes: number; copies: readonly string[] }
  }
}

export interface WalOptions {
  /** Bytes after which a segment is followed by another; 16 MiB if left out. */
  readonly segmentBytes?: number
  readonly files?: Files
  /**
   * Hears the events of opening. `log_cut` is a write that a crash cut short, with `file`, `bytes`, and `copies` of the
   * cut part; `snapshot_damaged` has `file` and `what`. Later it hears `disk_waits`: a file cannot be opened yet.
   */
  readonly notice?: (event: Event) => void
  /** Hears, also while nothing is written, that the log is of no more use: its folder is gone. Called once at most. */
  readonly failed?: (error: Error) => void
}

const defaultSegmentBytes = 16 * 1024 * 1024

/** The segment that is written to. */
interface Segment {
  readonly number: number
  readonly file: OpenFile
  size: number
}

export class WriteAheadLog implements LogStore {
  readonly snapshots: SnapshotFolder
  readonly #folder: string
  readonly #wal: string
  readonly #owner: Owner
  readonly #files: Files
  readonly #segmentBytes: number
  readonly #notice: (event: Event) => void
  readonly #onFailure: (error: Error) => void
  readonly #watch: FolderWatch
  #identity: Identity | null = null
  #segment: Segment | null = null
  /** The log's segments, the oldest first, each with the index that its first entry takes. */
  #segments: { readonly number: number; readonly first: Index; readonly id: string }[] = []
  #state: LogState = emptyLog
  #encoder = new LineEncoder(0)
  #unlock = async () => {}
  /** The write under way. */
  #writing: Promise<void> | null = null
  #failed: Error | null = new Error('the log is not open')
  #isOver = false

  /** @param folder the node's own; made if need be */
  constructor(folder: string, owner: Owner, options: WalOptions = {}) {
    this.#folder = folder
    this.#wal = join(folder, walFolder)
    this.#owner = owner
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    this.#notice = options.notice ?? (() => {})
    this.#onFailure = options.failed ?? (() => {})
    const files = patient(options.files ?? realFiles, this.#notice, () => this.#isOver)
    this.#files = explained(files)
    this.#watch = new FolderWatch(this.#files, () => [...this.#expected(), ...this.snapshots.expected()])
    this.snapshots = new SnapshotFolder(files, folder)
  }

  /**
   * @throws ConfigError if the folder is another node's or holds another kind of log, or another process has it open
   * @throws DamagedLogError if what is there is not all that was written
   * @throws DiskError
   */
  async open(): Promise<Recovered> {
    try {
      await this.#files.makeFolder(this.#folder)
      await checkKind(this.#files, this.#folder, 'file')
      this.#unlock = await lockFolder(this.#files, this.#folder)
      await checkKind(this.#files, this.#folder, 'file')
      this.#identity = await readIdentity(this.#files, this.#folder)
      const recovered = this.#identity ? await this.#recover(this.#identity) : await this.#begin()
      await this.#startWatch()
      this.#failed = null
      return recovered
    } catch (error) {
      // Nor is a snapshot kept: without a log nothing would ever say that it counts.
      await this.#release()
      throw error
    }
  }

  /**
   * Holds the folder and its files that an operator, or a program that cleans up, may take away while the node runs.
   */
  async #startWatch(): Promise<void> {
    const paths = [this.#folder, this.#wal, this.snapshots.path, join(this.#folder, identityFile)]
    for (const path of [...paths, lockEntry(this.#folder)]) await this.#watch.hold(path)
    this.#watch.start((error) => {
      this.#failed ??= error
      this.#onFailure(error)
    })
  }

  #expected(): Expected[] {
    return this.#segments.map((segment) => ({
      path: this.#pathOf(segment.number),
      id: segment.id,
      bytes: segment.number === this.#segment?.number ? this.#segment.size : 1,
      isExpected: () => this.#segments.includes(segment),
    }))
  }

  #pathOf(segment: number): string {
    return join(this.#wal, segmentName(segment))
  }

  /** Begins a log in a new folder. The identity is written last: where it is, the log has been begun. */
  async #begin(): Promise<Recovered> {
    await this.#files.makeFolder(this.#wal)
    await this.#clearUnbegun()
    await checkNoSnapshots(this.#files, this.#folder)
    await this.snapshots.settle(await this.snapshots.find([]))
    this.#identity = newIdentity(this.#owner, 'file')
    this.#segment = await this.#newSegment(1)
    await writeIdentity(this.#files, this.#folder, this.#identity)
    await this.#files.syncFolder(dirname(this.#folder))
    return { ...nothingRecovered, incarnation: this.#identity.incarnation }
  }

  /**
   * Removes a first segment without a batch, which a crash leaves of an earlier beginning; anything more is a node's
   * log. @throws DamagedLogError
   */
  async #clearUnbegun(): Promise<void> {
    for (const name of await this.#files.list(this.#wal)) {
      const path = join(this.#wal, name)
      const header = name === segmentName(1) ? await this.#files.read(path) : null
      const hasMore = !header || (header.includes(newline) && header.indexOf(newline) + 1 < header.length)
      if (hasMore) throw new DamagedLogError(path, 'there is a log and no IDENTITY beside it', cutAdvice(this.#folder))
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
      throw new DamagedLogError(placeOf(this.#folder, scan.tail), scan.tail.what, cutAdvice(this.#folder))
    const [firstSegment] = scan.segments
    if (scan.gap !== null)
      throw new DamagedLogError(join(this.#wal, segmentName(firstSegment!)), scan.gap, replaceAdvice)
    const log = new Records(scan.start)
    log.add(records, scan.state.commit)
    const choice = await chooseSnapshots(this.snapshots, log.bounds, this.#notice)
    if (scan.tail) this.#notice({ event: 'log_cut', ...(await cutWal(this.#files, this.#folder, scan)) })
    this.#state = scan.state
    this.#encoder = new LineEncoder(scan.state.checksum)
    // Only when the log is durable as it was read may anything go that it has no record of.
    await this.#resume(scan)
    // A version that reads only the earlier form is not to find the later one in the middle of a segment.
    if (scan.state.format < segmentFormat) await this.#rotate(segmentFormat)
    await this.snapshots.settle(choice.found)
    if (choice.record) {
      await this.#append([choice.record])
      log.add([choice.record])
    }
    return { ...log.contents(), snapshots: choice.sound, incarnation: identity.incarnation }
  }

  /**
   * Opens the last segment to go on writing, and writes its last batch once more, byte by byte the same. The batch may
   * have been read from memory that a crash, or a sync that failed, kept off the disk.
   */
  async #resume({ good, firsts }: WalScan): Promise<void> {
    for (const [number, first] of firsts)
      this.#segments.push({ number, first, id: await idOf(this.#files, this.#pathOf(number)) })
    const path = join(this.#wal, segmentName(good.segment))
    const bytes = await this.#files.read(path)
    const file = await this.#files.open(path, 'existing', 'durable')
    this.#segment = { number: good.segment, file, size: good.length }
    await file.write(bytes.subarray(good.lastBatchAt, good.length), good.lastBatchAt)
    await this.#files.syncFolder(this.#wal)
    await this.#files.syncFolder(this.#folder)
  }

  /** Creates a segment. Its name and header are durable before anything else is written to it. */
  async #newSegment(number: number): Promise<Segment> {
    const header = headerOf(this.#identity!, number, this.#state)
    this.#encoder.checksum = 0
    this.#encoder.add(JSON.stringify(header))
    const bytes = this.#encoder.take()
    const file = await createFile(this.#files, join(this.#wal, segmentName(number)), bytes, 'durable')
    this.#state = { ...this.#state, checksum: this.#encoder.checksum }
    this.#segments.push({ number, first: header.first, id: await idOf(this.#files, this.#pathOf(number)) })
    await this.#files.syncFolder(this.#wal)
    return { number, file, size: bytes.length }
  }

  /** @throws DiskError; the log is dead after it, and so it is after any other error */
  write(batch: Persist): Promise<void> {
    this.#failed ??= this.snapshots.failure
    if (this.#failed) return Promise.reject(this.#failed)
    if (this.#writing) return Promise.reject(new Error('one write at a time'))
    this.#writing = this.#write(batch).then(
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

  async #write({ records, commit }: Persist): Promise<void> {
    const snapshots = records.filter((record) => record.record === 'snapshot')
    for (const { snapshot } of snapshots) this.snapshots.check(snapshot)
    // What comes before a snapshot can go as a whole once a later one is there.
    const isDue = snapshots.length > 0 && this.#segments.at(-1)!.first <= this.#state.last
    const format = Math.max(this.#state.format, formatFor(records))
    const isFull = this.#segment!.size >= this.#segmentBytes
    if (isDue || isFull || format > this.#state.format) await this.#rotate(format)
    await this.#append(records, commit)
    await this.#watch.beSure()
    if (snapshots.length > 0) await this.#letGo()
  }

  /**
   * Removes old snapshots, and the segments whose entries the older of the two kept snapshots holds. Segments go one by
   * one, the oldest first, so that no crash leaves a hole.
   */
  async #letGo(): Promise<void> {
    const { snapshots, first } = this.#state
    await this.snapshots.keep(snapshots)
    while (this.#segments.length > 1 && this.#segments[1]!.first <= first) {
      await this.#files.remove(this.#pathOf(this.#segments.shift()!.number))
      await this.#files.syncFolder(this.#wal)
    }
  }

  /** Appends a batch. Its end tells the highest commit known so far, which a later life of the log does not forget. */
  async #append(records: readonly PersistRecord[], commit?: Index): Promise<void> {
    const state = { ...this.#state }
    for (const record of records) {
      advance(state, record)
      this.#encoder.addRecord(record)
    }
    noteCommit(state, commit)
    const batch = state.batch + 1
    this.#encoder.addEnd({ end: batch, last: state.last, commit: state.commit })
    this.#state = { ...state, batch, sealed: records.length === 0, checksum: this.#encoder.checksum }
    const segment = this.#segment!
    const bytes = this.#encoder.take()
    await segment.file.write(bytes, segment.size)
    segment.size += bytes.length
  }

  async #rotate(format: number): Promise<void> {
    const full = this.#segment!
    this.#state = { ...this.#state, format }
    this.#segment = await this.#newSegment(full.number + 1)
    await full.file.close()
  }

  /** Waits for the write under way, and ends the log with an empty batch: then damage to the last batch cannot hide. */
  async close(): Promise<void> {
    this.#isOver = true
    await this.#writing?.catch(() => {})
    this.#failed ??= this.snapshots.failure
    const isOpen = this.#failed === null
    this.#failed ??= new Error('the log is closed')
    try {
      if (isOpen && !this.#state.sealed) await this.#append([])
    } finally {
      await this.#release()
    }
  }

  async #release(): Promise<void> {
    this.#watch.stop()
    await this.snapshots.close()
    await this.#segment?.file.close().catch(() => {})
    this.#segment = null
    await this.#unlock().catch(() => {})
    this.#unlock = async () => {}
  }
}
