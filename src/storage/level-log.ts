/**
 * The log on an embedded database (LevelDB), to prove that `LogStore` is a door and not the shape of one file. An entry
 * is a key, term and vote are another, which snapshots are kept a third, and a batch is a synced batch of the database,
 * which keeps its own lock. The snapshots are files beside it.
 */
import { join } from 'node:path'
import type { ClassicLevel } from 'classic-level'
import { ConfigError } from '../config.js'
import {
  type EntryId,
  type Event,
  type Index,
  type LogStore,
  type Persist,
  type PersistRecord,
  parseEntry,
  type Recovered,
} from '../contracts.js'
import { cutAdvice, DamagedLogError, DiskError, replaceAdvice } from './errors.js'
import { realFiles } from './files.js'
import { checkOwner, type Identity, newIdentity, type Owner } from './identity.js'
import { advance, edgeOf, gapBefore, type LogBounds, type LogStart, newLog, Records } from './recover.js'
import { chooseSnapshots } from './snapshot-choice.js'
import { SnapshotFolder } from './snapshots.js'

type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string }

const identityKey = 'identity'
const termKey = 'term'
/** The newest first. */
const snapshotsKey = 'snapshots'
const entryKeys = 'entry/'
const entryKey = (index: Index) => `${entryKeys}${String(index).padStart(16, '0')}`

export class LevelLog implements LogStore {
  readonly snapshots: SnapshotFolder
  readonly #folder: string
  readonly #owner: Owner
  readonly #notice: (event: Event) => void
  #database: ClassicLevel | null = null
  #state: LogBounds = { ...newLog, last: 0 }
  #failed: Error | null = new Error('the log is not open')

  /** @param folder the node's own; made if need be @param notice hears `snapshot_damaged`, with `file` and `what` */
  constructor(folder: string, owner: Owner, notice: (event: Event) => void = () => {}) {
    this.#folder = folder
    this.#owner = owner
    this.#notice = notice
    this.snapshots = new SnapshotFolder(realFiles, folder)
  }

  /** @throws ConfigError if the package is missing, the folder is another node's, or another process has it open */
  async open(): Promise<Recovered> {
    await realFiles.makeFolder(this.#folder)
    const database = await openDatabase(join(this.#folder, 'level'))
    this.#database = database
    try {
      const { incarnation } = await this.#checkOwner(database)
      const recovered = { ...(await this.#recover(database)), incarnation }
      this.#failed = null
      return recovered
    } catch (error) {
      await this.snapshots.close()
      await database.close()
      throw error
    }
  }

  async #recover(database: ClassicLevel): Promise<Omit<Recovered, 'incarnation'>> {
    const log = await this.#read(database)
    if (!edgeOf(log.bounds)) throw new DamagedLogError(this.#folder, gapBefore(log.bounds), replaceAdvice)
    const choice = await chooseSnapshots(this.snapshots, log.bounds, this.#notice)
    await this.snapshots.settle(choice.found)
    this.#state = { ...log.bounds }
    if (choice.record) {
      await this.#write(database, [choice.record])
      log.add([choice.record])
    }
    return { ...log.contents(), snapshots: choice.sound }
  }

  async #checkOwner(database: ClassicLevel): Promise<Identity> {
    const text = await database.get(identityKey)
    if (text !== undefined) {
      const identity = JSON.parse(text) as Identity
      checkOwner(this.#folder, identity, this.#owner)
      return identity
    }
    for await (const key of database.keys({ limit: 1 }))
      throw new DamagedLogError(
        this.#folder,
        `there is ${key} and no ${identityKey} beside it`,
        cutAdvice(this.#folder),
      )
    const identity = newIdentity(this.#owner)
    await database.batch([{ type: 'put', key: identityKey, value: JSON.stringify(identity) }], { sync: true })
    return identity
  }

  async #read(database: ClassicLevel): Promise<Records> {
    const [state, kept] = [await database.get(termKey), await database.get(snapshotsKey)]
    const { term, votedFor } = state === undefined ? newLog : (JSON.parse(state) as LogStart)
    const snapshots = kept === undefined ? [] : (JSON.parse(kept) as EntryId[])
    const records: PersistRecord[] = []
    for await (const text of database.values({ gte: entryKeys, lt: `${entryKeys}~` }))
      records.push({ record: 'entry', entry: parseEntry(text) })
    const [one] = records
    // Without an entry, it begins behind the snapshot that it began anew behind.
    const first = one?.record === 'entry' ? one.entry.index : (snapshots[0]?.index ?? 0) + 1
    const log = new Records({ term, votedFor, first, snapshots })
    log.add(records)
    return log
  }

  async write({ records }: Persist): Promise<void> {
    this.#failed ??= this.snapshots.failure
    if (this.#failed) throw this.#failed
    try {
      for (const record of records) if (record.record === 'snapshot') this.snapshots.check(record.snapshot)
      await this.#write(this.#database!, records)
      if (records.some(({ record }) => record === 'snapshot')) await this.snapshots.keep(this.#state.snapshots)
    } catch (error) {
      this.#failed = error as Error
      throw error
    }
  }

  async #write(database: ClassicLevel, records: readonly PersistRecord[]): Promise<void> {
    const operations = records.flatMap((record) => this.#operations(record))
    try {
      await database.batch(operations, { sync: true })
    } catch (error) {
      throw new DiskError('write to', this.#folder, error as Error)
    }
  }

  #operations(record: PersistRecord): Operation[] {
    const before = this.#state
    const now = { ...before }
    advance(now, record)
    this.#state = now
    if (record.record === 'term') {
      const { term, votedFor } = record
      return [{ type: 'put', key: termKey, value: JSON.stringify({ term, votedFor }) }]
    }
    if (record.record === 'entry') return [{ type: 'put', key: entryKey(now.last), value: record.entry.text }]
    if (record.record === 'truncate') return deletes(now.last + 1, before.last)
    const kept: Operation = { type: 'put', key: snapshotsKey, value: JSON.stringify(now.snapshots) }
    return [kept, ...deletes(before.first, Math.min(before.last, now.first - 1))]
  }

  async close(): Promise<void> {
    this.#failed ??= new Error('the log is closed')
    await this.snapshots.close()
    await this.#database?.close()
  }
}

function deletes(from: Index, to: Index): Operation[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({ type: 'del', key: entryKey(from + at) }))
}

/** The package is optional, so it is looked for only when it is wanted. */
async function openDatabase(path: string): Promise<ClassicLevel> {
  const { ClassicLevel: Database } = await import('classic-level').catch(() => {
    throw new ConfigError('a log in LevelDB needs a package that is not installed: npm install classic-level')
  })
  const database = new Database(path)
  try {
    await database.open()
    return database
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    if (cause?.code === 'LEVEL_LOCKED') throw new ConfigError(`${path} is in use by another process`)
    throw new DiskError('open', path, cause ?? new Error(message))
  }
}
