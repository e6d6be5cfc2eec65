/**
 * The log on an embedded database (LevelDB), to prove that `LogStore` is a door and not the shape of one file. An entry
 * is a key, term and vote are another, and a batch is a synced batch of the database, which keeps its own lock.
 */
import { join } from 'node:path'
import type { ClassicLevel } from 'classic-level'
import { ConfigError } from '../config.js'
import {
  type Index,
  type LogStore,
  type Persist,
  type PersistRecord,
  parseEntry,
  type Recovered,
} from '../contracts.js'
import { cutAdvice, DamagedLogError, DiskError } from './errors.js'
import { realFiles } from './files.js'
import { checkOwner, type Identity, newIdentity, type Owner } from './identity.js'
import { MemorySnapshots } from './memory-snapshots.js'
import { type LogContents, newLog, recover } from './recover.js'

type Operation = { type: 'put'; key: string; value: string } | { type: 'del'; key: string }

const identityKey = 'identity'
const termKey = 'term'
const entryKeys = 'entry/'
const entryKey = (index: Index) => `${entryKeys}${String(index).padStart(16, '0')}`

export class LevelLog implements LogStore {
  readonly snapshots = new MemorySnapshots()
  readonly #folder: string
  readonly #owner: Owner
  #database: ClassicLevel | null = null
  #last: Index = 0
  #failed: Error | null = new Error('the log is not open')

  /** @param folder the node's own; made if need be */
  constructor(folder: string, owner: Owner) {
    this.#folder = folder
    this.#owner = owner
  }

  /** @throws ConfigError if the package is missing, the folder is another node's, or another process has it open */
  async open(): Promise<Recovered> {
    await realFiles.makeFolder(this.#folder)
    const database = await openDatabase(join(this.#folder, 'level'))
    this.#database = database
    try {
      const { incarnation } = await this.#checkOwner(database)
      const contents = await this.#read(database)
      this.#last = contents.entries.length
      this.#failed = null
      return { ...contents, snapshots: this.snapshots.known(contents.snapshots), incarnation }
    } catch (error) {
      await database.close()
      throw error
    }
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

  async #read(database: ClassicLevel): Promise<LogContents> {
    const records: PersistRecord[] = []
    const state = await database.get(termKey)
    const { term, votedFor } = state === undefined ? newLog : (JSON.parse(state) as LogContents)
    records.push({ record: 'term', term, votedFor })
    for await (const text of database.values({ gte: entryKeys, lt: `${entryKeys}~` }))
      records.push({ record: 'entry', entry: parseEntry(text) })
    return recover(records)
  }

  async write({ records }: Persist): Promise<void> {
    if (this.#failed) throw this.#failed
    try {
      const operations = records.flatMap((record) => this.#operations(record))
      await this.#database!.batch(operations, { sync: true })
    } catch (error) {
      this.#failed = new DiskError('write to', this.#folder, error as Error)
      throw this.#failed
    }
  }

  #operations(record: PersistRecord): Operation[] {
    if (record.record === 'term') {
      const { term, votedFor } = record
      return [{ type: 'put', key: termKey, value: JSON.stringify({ term, votedFor }) }]
    }
    if (record.record === 'snapshot') return []
    if (record.record === 'entry') {
      this.#last = record.entry.index
      return [{ type: 'put', key: entryKey(this.#last), value: record.entry.text }]
    }
    const taken = Math.max(0, this.#last - record.from + 1)
    this.#last -= taken
    return Array.from({ length: taken }, (_, at) => ({ type: 'del', key: entryKey(record.from + at) }))
  }

  async close(): Promise<void> {
    this.#failed ??= new Error('the log is closed')
    await this.#database?.close()
  }
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
