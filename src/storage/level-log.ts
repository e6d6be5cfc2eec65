/**
 * The log on an embedded database (LevelDB), to prove that `LogStore` is a door and not the shape of one file. Each
 * entry has a key, term and vote share one, a third names the snapshots that are kept, a fourth the last commit known.
 * A batch is a synced batch of
 * the database. The snapshots are files beside it, and so is `IDENTITY`.
 */
import { dirname, join } from 'node:path'
import type { ClassicLevel } from 'classic-level'
import {
  type EntryId,
  type Event,
  featuresFormat,
  type Index,
  type LogStore,
  needsFeatures,
  type Persist,
  type PersistRecord,
  parseEntry,
  type Recovered,
  textFormat,
} from '../contracts.js'
import { ConfigError } from '../errors.js'
import { DamagedLogError, DiskError, replaceAdvice } from './errors.js'
import { explained, type Files, realFiles } from './files.js'
import { FolderWatch } from './folder-watch.js'
import {
  checkOwner,
  FolderError,
  type Identity,
  identityFile,
  identityText,
  newIdentity,
  type Owner,
  parseIdentity,
  readIdentity,
  writeIdentity,
} from './identity.js'
import { lockEntry, lockFolder } from './lock.js'
import { checkKind, checkNoSnapshots, levelFolder } from './log-kind.js'
import { patient } from './patience.js'
import { advance, edgeOf, gapBefore, type LogBounds, type LogStart, newLog, noteCommit, Records } from './recover.js'
import { chooseSnapshots } from './snapshot-choice.js'
import { SnapshotFolder } from './snapshots.js'

type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string }

const identityKey = 'identity'
/** The key of the entries' text format; a database of the first format has no such key. */
const formatKey = 'format'
const termKey = 'term'
/** The key of the list of snapshots, the newest first. */
const snapshotsKey = 'snapshots'
/** The key of the highest index known to be committed; there is none while nothing is known. */
const commitKey = 'commit'
const entryKeys = 'entry/'
const entryKey = (index: Index) => `${entryKeys}${String(index).padStart(16, '0')}`

export class LevelLog implements LogStore {
  readonly snapshots: SnapshotFolder
  readonly #files: Files
  readonly #folder: string
  readonly #path: string
  readonly #owner: Owner
  readonly #notice: (event: Event) => void
  readonly #onFailure: (error: Error) => void
  readonly #watch: FolderWatch
  #database: ClassicLevel | null = null
  #unlock = async () => {}
  #state: LogBounds = { ...newLog, last: 0 }
  #failed: Error | null = new Error('the log is not open')
  #isOver = false

  /**
   * @param folder the node's own; made if need be
   * @param notice hears `snapshot_damaged`, with `file` and `what`
   * @param failed hears, also while nothing is written, that the folder is gone; once at most
   */
  constructor(
    folder: string,
    owner: Owner,
    notice: (event: Event) => void = () => {},
    failed: (error: Error) => void = () => {},
  ) {
    this.#onFailure = failed
    this.#folder = folder
    this.#path = join(folder, levelFolder)
    this.#owner = owner
    this.#notice = notice
    const files = patient(realFiles, notice, () => this.#isOver)
    this.#files = explained(files)
    this.#watch = new FolderWatch(this.#files, () => this.snapshots.expected())
    this.snapshots = new SnapshotFolder(files, folder)
  }

  /**
   * @throws ConfigError if the package is missing, the folder is another node's or holds another kind of log, or another
   * process has it open
   * @throws DamagedLogError if what is there cannot be read, or is not all that was written
   */
  async open(): Promise<Recovered> {
    await this.#files.makeFolder(this.#folder)
    await checkKind(this.#files, this.#folder, 'level')
    this.#unlock = await lockFolder(this.#files, this.#folder)
    try {
      const isNew = (await checkKind(this.#files, this.#folder, 'level')) === null
      const identity = await readIdentity(this.#files, this.#folder)
      if (identity) checkOwner(this.#folder, identity, this.#owner)
      const database = await openDatabase(this.#folder, isNew)
      this.#database = database
      const recovered = await this.#readable(async () => {
        const { incarnation } = await this.#identify(database, identity)
        await this.#checkFormat(database)
        return { ...(await this.#recover(database)), incarnation }
      })
      await this.#startWatch()
      this.#failed = null
      return recovered
    } catch (error) {
      await this.#release()
      throw error
    }
  }

  /** Holds the folder, its parts, and the files that the database has open for as long as it is open itself. */
  async #startWatch(): Promise<void> {
    const inside = (await this.#files.list(this.#path)).filter((name) => /^(LOCK|CURRENT|MANIFEST-\d+)$/.test(name))
    const paths = [this.#folder, this.#path, this.snapshots.path, join(this.#folder, identityFile)]
    for (const path of [...paths, lockEntry(this.#folder), ...inside.map((name) => join(this.#path, name))])
      await this.#watch.hold(path)
    this.#watch.start((error) => {
      this.#failed ??= error
      this.#onFailure(error)
    })
  }

  /**
   * Reads from the database; a value that does not fit where it is used is reported as damage. @throws DamagedLogError
   */
  async #readable<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read()
    } catch (error) {
      if ([DiskError, ConfigError, DamagedLogError].some((kind) => error instanceof kind)) throw error
      throw new DamagedLogError(this.#path, `it cannot be read (${(error as Error).message})`, replaceAdvice)
    }
  }

  async #recover(database: ClassicLevel): Promise<Omit<Recovered, 'incarnation'>> {
    const log = await this.#read(database)
    if (!edgeOf(log.bounds)) throw new DamagedLogError(this.#path, gapBefore(log.bounds), replaceAdvice)
    const choice = await chooseSnapshots(this.snapshots, log.bounds, this.#notice)
    await this.snapshots.settle(choice.found)
    this.#state = { ...log.bounds }
    if (choice.record) {
      await this.#write(database, { records: [choice.record] })
      log.add([choice.record])
    }
    return { ...log.contents(), snapshots: choice.sound }
  }

  /**
   * Reads the owner from the database, or writes it there first. For readers from outside it stands in `IDENTITY` as
   * well, which is written last, as everywhere.
   */
  async #identify(database: ClassicLevel, file: Identity | null): Promise<Identity> {
    const text = await database.get(identityKey)
    const kept = text === undefined ? null : parseIdentity(text, this.#path, 'level', replaceAdvice)
    if (kept) checkOwner(this.#folder, kept, this.#owner)
    if (kept && file && kept.incarnation !== file.incarnation)
      throw new DamagedLogError(this.#path, 'it is not the log that IDENTITY names', replaceAdvice)
    const identity = kept ?? (await this.#begin(database, file))
    if (!file) {
      await writeIdentity(this.#files, this.#folder, identity)
      await this.#files.syncFolder(dirname(this.#folder))
    }
    return identity
  }

  async #begin(database: ClassicLevel, file: Identity | null): Promise<Identity> {
    const [key] = await database.keys({ limit: 1 }).all()
    if (file || key !== undefined)
      throw new DamagedLogError(this.#path, 'the database does not say whose log it is', replaceAdvice)
    await checkNoSnapshots(this.#files, this.#folder)
    const identity = newIdentity(this.#owner, 'level')
    const kept: Operation = { type: 'put', key: identityKey, value: identityText(identity) }
    await database.batch([kept, { type: 'put', key: formatKey, value: String(textFormat) }], { sync: true })
    return identity
  }

  /**
   * Notes the text format. Entries of the first format stay as they are; from here on there may be others.
   * @throws FolderError
   */
  async #checkFormat(database: ClassicLevel): Promise<void> {
    const format = Number((await database.get(formatKey)) ?? 1)
    if (format === textFormat || format === featuresFormat) return
    if (format > featuresFormat)
      throw new FolderError(`${this.#path} is of format ${format}, which a later version wrote: run that version`)
    await database.batch([{ type: 'put', key: formatKey, value: String(textFormat) }], { sync: true })
  }

  async #read(database: ClassicLevel): Promise<Records> {
    const [state, kept] = [await database.get(termKey), await database.get(snapshotsKey)]
    const commit = Number((await database.get(commitKey)) ?? 0)
    if (!Number.isSafeInteger(commit)) throw new Error(`its ${commitKey} is no index`)
    const { term, votedFor } = state === undefined ? newLog : (JSON.parse(state) as Pick<LogStart, 'term' | 'votedFor'>)
    const snapshots = kept === undefined ? [] : (JSON.parse(kept) as EntryId[])
    const records: PersistRecord[] = []
    for await (const text of database.values({ gte: entryKeys, lt: `${entryKeys}~` }))
      records.push({ record: 'entry', entry: parseEntry(text) })
    const [one] = records
    // Without an entry, it begins behind the snapshot that it began anew behind.
    const first = one?.record === 'entry' ? one.entry.index : (snapshots[0]?.index ?? 0) + 1
    const log = new Records({ term, votedFor, first, snapshots, commit: 0 })
    log.add(records, commit)
    return log
  }

  async write(batch: Persist): Promise<void> {
    const { records } = batch
    this.#failed ??= this.snapshots.failure
    if (this.#failed) throw this.#failed
    try {
      for (const record of records) if (record.record === 'snapshot') this.snapshots.check(record.snapshot)
      await this.#write(this.#database!, batch)
      await this.#watch.beSure()
      if (records.some(({ record }) => record === 'snapshot')) await this.snapshots.keep(this.#state.snapshots)
    } catch (error) {
      this.#failed = error as Error
      throw error
    }
  }

  async #write(database: ClassicLevel, { records, commit }: Omit<Persist, 'upTo'>): Promise<void> {
    const operations = [...records.flatMap((record) => this.#operations(record)), ...this.#hint(commit)]
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
    if (record.record === 'entry') {
      const entry: Operation = { type: 'put', key: entryKey(now.last), value: record.entry.text }
      const format: Operation = { type: 'put', key: formatKey, value: String(featuresFormat) }
      return needsFeatures(record.entry) ? [format, entry] : [entry]
    }
    if (record.record === 'truncate') return deletes(now.last + 1, before.last)
    const kept: Operation = { type: 'put', key: snapshotsKey, value: JSON.stringify(now.snapshots) }
    return [kept, ...deletes(before.first, Math.min(before.last, now.first - 1))]
  }

  /** Puts down a commit that was not known before. */
  #hint(commit: Index | undefined): Operation[] {
    const { commit: before } = this.#state
    const now = { ...this.#state }
    noteCommit(now, commit)
    this.#state = now
    return now.commit === before ? [] : [{ type: 'put', key: commitKey, value: String(now.commit) }]
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#failed ??= new Error('the log is closed')
    await this.#release()
  }

  async #release(): Promise<void> {
    this.#watch.stop()
    await this.snapshots.close()
    await this.#database?.close()
    this.#database = null
    await this.#unlock().catch(() => {})
    this.#unlock = async () => {}
  }
}

function deletes(from: Index, to: Index): Operation[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({ type: 'del', key: entryKey(from + at) }))
}

/**
 * Files that LevelDB may have open: the fewest that it takes, within what the connections leave of the process's
 * descriptors.
 */
const maxOpenFiles = 74

/**
 * Opens the database. Its package is optional, so it is loaded only when it is wanted. @throws ConfigError,
 * DamagedLogError, DiskError
 */
async function openDatabase(folder: string, isNew: boolean): Promise<ClassicLevel> {
  const path = join(folder, levelFolder)
  const { ClassicLevel: Database } = await import('classic-level').catch(() => {
    throw new ConfigError('a log in LevelDB needs a package that is not installed: npm install classic-level')
  })
  // Where a file is missing that it needs, the database would begin anew, beside all that was there.
  const database = new Database(path, { createIfMissing: isNew, maxOpenFiles })
  try {
    await database.open()
    return database
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    if (cause?.code === 'LEVEL_LOCKED') throw new ConfigError(`${path} is in use by another process`)
    const why: NodeJS.ErrnoException = cause ?? new Error(message)
    if (why.code === 'LEVEL_CORRUPTION' || /No such file|does not exist/.test(why.message))
      throw new DamagedLogError(path, `the database cannot be opened (${why.message})`, replaceAdvice)
    throw new DiskError('open', path, why)
  }
}

/**
 * Reads the identity from the database of a folder without `IDENTITY`, which an earlier version made.
 *
 * @returns null if the database names none
 * @throws ConfigError, DamagedLogError, DiskError
 */
export async function identityInDatabase(folder: string): Promise<Identity | null> {
  const database = await openDatabase(folder, false)
  const text = await database.get(identityKey).finally(() => database.close())
  return text === undefined ? null : parseIdentity(text, join(folder, levelFolder), 'level', replaceAdvice)
}
