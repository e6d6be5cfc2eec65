/**
 * The calls on the file system that a log makes, and no others: few enough that a test can fail each one in turn.
 * All are asynchronous, in the thread pool, so that a slow disk never holds up the event loop.
 */
import { constants, fdatasync, fstat, fsync, ftruncate, read, readdirSync, readFile, write } from 'node:fs'
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'
import { closeDescriptor, openDescriptor, withReserve } from './descriptors.js'
import { DiskError } from './errors.js'

export interface Files {
  /** Names in a folder, sorted. */
  list(folder: string): Promise<string[]>
  read(path: string): Promise<Buffer>
  makeFolder(path: string): Promise<void>
  /** Opens for writing, unless it is for `reading` only; `new` fails if the file is there already. */
  open(path: string, mode: OpenMode, writes?: Writes): Promise<OpenFile>
  /** Renames a file; a file that has the new name already is replaced. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes durable the names in a folder: which files it holds. */
  syncFolder(path: string): Promise<void>
  /** Looks at the file or folder with this name; null if there is none. */
  look(path: string): Promise<Seen | null>
  /** The room on the disk of a folder, in bytes. */
  room(folder: string): Promise<Room>
}

export interface Room {
  readonly freeBytes: number
  readonly totalBytes: number
}

export interface Seen {
  /** The file's or folder's identity on its disk, which stays the same when it is renamed. */
  readonly id: string
  readonly bytes: number
}

export type OpenMode = 'new' | 'existing' | 'reading'

/** Moment from which a write is durable, with the length that is needed to read it: the next sync, or its own end. */
export type Writes = 'until synced' | 'durable'

export interface OpenFile {
  size(): Promise<number>
  /** Reads bytes at a position; fewer where the file ends. */
  read(position: number, length: number): Promise<Buffer>
  /** Writes all of the bytes, or fails with an error. */
  write(bytes: Buffer, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Makes the content durable, with the length that is needed to read it. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file by its descriptor: callbacks and one promise a call, which is less than a `FileHandle` costs. */
class DescriptorFile implements OpenFile {
  readonly #descriptor: number
  /** True if each write is followed by a sync: the system does not do so by itself. */
  readonly #syncs: boolean

  constructor(descriptor: number, syncs: boolean) {
    this.#descriptor = descriptor
    this.#syncs = syncs
  }

  async size(): Promise<number> {
    return (await promisify(fstat)(this.#descriptor)).size
  }

  read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length)
    return new Promise((resolve, reject) => {
      const from = (done: number) => {
        read(this.#descriptor, bytes, done, length - done, position + done, (error, got) => {
          if (error) reject(error)
          else if (got > 0 && done + got < length) from(done + got)
          else resolve(bytes.subarray(0, done + got))
        })
      }
      from(0)
    })
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const from = (done: number) => {
        write(this.#descriptor, bytes, done, bytes.length - done, position + done, (error, written) => {
          if (error) reject(error)
          else if (done + written < bytes.length) from(done + written)
          else resolve(this.#syncs ? this.sync() : undefined)
        })
      }
      from(0)
    })
  }

  truncate(length: number): Promise<void> {
    return promisify(ftruncate)(this.#descriptor, length)
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): Promise<void> {
    return closeDescriptor(this.#descriptor)
  }
}

/** A folder that is open reads as an empty file in Node. */
async function readWhole(descriptor: number): Promise<Buffer> {
  const isFolder = (await promisify(fstat)(descriptor)).isDirectory()
  if (isFolder) throw Object.assign(new Error('EISDIR: illegal operation on a directory, read'), { code: 'EISDIR' })
  return promisify(readFile)(descriptor)
}

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants
const flags: Readonly<Record<OpenMode, number>> = {
  new: O_WRONLY | O_CREAT | O_EXCL,
  existing: O_RDWR,
  reading: O_RDONLY,
}
/**
 * With this flag a write ends when it is on the disk: writing and syncing are one trip through the thread pool. 0 where
 * the system promises less by it than by a sync.
 */
const durableWrites = process.platform === 'linux' ? constants.O_DSYNC : 0

export const realFiles: Files = {
  list: async (folder) =>
    (
      await withReserve(
        () => readdir(folder),
        () => readdirSync(folder),
      )
    ).sort(),
  read: (path) => withDescriptor(path, readWhole),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  async open(path, mode, writes) {
    const isDurable = writes === 'durable'
    const descriptor = await openDescriptor(path, flags[mode] | (isDurable ? durableWrites : 0))
    return new DescriptorFile(descriptor, isDurable && durableWrites === 0)
  },
  rename,
  remove: (path) => rm(path),
  async look(path) {
    const seen = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
      throw error
    })
    return seen && { id: `${seen.dev}:${seen.ino}`, bytes: Number(seen.size) }
  },
  syncFolder: (path) => withDescriptor(path, (descriptor) => promisify(fsync)(descriptor)),
  async room(folder) {
    const { bavail, blocks, bsize } = await statfs(folder)
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  },
}

async function withDescriptor<Result>(path: string, use: (descriptor: number) => Promise<Result>): Promise<Result> {
  const descriptor = await openDescriptor(path, O_RDONLY)
  try {
    return await use(descriptor)
  } finally {
    await closeDescriptor(descriptor)
  }
}

/** Makes a call, or refuses to. */
export type Admit = <Result>(call: () => Promise<Result>) => Promise<Result>

/**
 * Wraps the calls so that a failed one throws a {@link DiskError}, which names the call and the file.
 *
 * @param admit may refuse all but the closing of a file
 */
export function explained(files: Files, admit: Admit = (call) => call()): Files {
  const blame = (action: string, path: string) => (error: Error) => {
    throw new DiskError(action, path, error)
  }
  const explain = <Result>(action: string, path: string, call: () => Promise<Result>): Promise<Result> =>
    admit(() => call().catch(blame(action, path)))
  const explainFile = (path: string, file: OpenFile): OpenFile => ({
    size: () => explain('see the size of', path, () => file.size()),
    read: (position, length) => explain('read', path, () => file.read(position, length)),
    write: (bytes, position) => explain('write to', path, () => file.write(bytes, position)),
    truncate: (length) => explain('truncate', path, () => file.truncate(length)),
    sync: () => explain('sync', path, () => file.sync()),
    close: () => file.close().catch(blame('close', path)),
  })
  return {
    list: (folder) => explain('list', folder, () => files.list(folder)),
    read: (path) => explain('read', path, () => files.read(path)),
    makeFolder: (path) => explain('make the folder', path, () => files.makeFolder(path)),
    open: async (path, mode, writes) =>
      explainFile(path, await explain(mode === 'new' ? 'create' : 'open', path, () => files.open(path, mode, writes))),
    rename: (from, to) => explain(`rename to ${to}`, from, () => files.rename(from, to)),
    remove: (path) => explain('remove', path, () => files.remove(path)),
    syncFolder: (path) => explain('sync the folder', path, () => files.syncFolder(path)),
    look: (path) => explain('look at', path, () => files.look(path)),
    room: (folder) => explain('look at', folder, () => files.room(folder)),
  }
}

/** Creates a file with this content; it is durable once its folder is synced. */
export async function createFile(files: Files, path: string, content: Buffer, writes?: Writes): Promise<OpenFile> {
  const file = await files.open(path, 'new', writes)
  try {
    await file.write(content, 0)
    await file.sync()
    return file
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}
