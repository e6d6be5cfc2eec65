/**
 * The calls on the file system that a log makes, and no others: few enough that a test can fail each one in turn.
 * All are asynchronous, in the thread pool, so that a slow disk never holds up the event loop.
 */
import { close, fdatasync, ftruncate, open, write } from 'node:fs'
import { mkdir, open as openHandle, readdir, readFile, rename, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { DiskError } from './errors.js'

export interface Files {
  /** Names in a folder, sorted. */
  list(folder: string): Promise<string[]>
  read(path: string): Promise<Buffer>
  makeFolder(path: string): Promise<void>
  /** Opens for writing; `new` fails if the file is there already. */
  open(path: string, mode: 'new' | 'existing'): Promise<OpenFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes durable which names the folder holds. */
  syncFolder(path: string): Promise<void>
}

export interface OpenFile {
  /** All of the bytes, or an error. */
  write(bytes: Buffer, position: number): Promise<void>
  truncate(length: number): Promise<void>
  /** Makes the content durable, and the length that it takes to read it. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** A file by its descriptor: callbacks and one promise a call, which is less than a `FileHandle` costs. */
class DescriptorFile implements OpenFile {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const from = (done: number) => {
        write(this.#descriptor, bytes, done, bytes.length - done, position + done, (error, written) => {
          if (error) reject(error)
          else if (done + written < bytes.length) from(done + written)
          else resolve()
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
    return promisify(close)(this.#descriptor)
  }
}

export const realFiles: Files = {
  list: async (folder) => (await readdir(folder)).sort(),
  read: (path) => readFile(path),
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  open: async (path, mode) => new DescriptorFile(await promisify(open)(path, mode === 'new' ? 'wx' : 'r+')),
  rename,
  remove: (path) => rm(path),
  async syncFolder(path) {
    const handle = await openHandle(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/** The same calls; what fails is a {@link DiskError} that says which of them, on which file. */
export function explained(files: Files): Files {
  const explain = <Result>(action: string, path: string, call: Promise<Result>): Promise<Result> =>
    call.catch((error: Error) => {
      throw new DiskError(action, path, error)
    })
  const explainFile = (path: string, file: OpenFile): OpenFile => ({
    write: (bytes, position) => explain('write to', path, file.write(bytes, position)),
    truncate: (length) => explain('truncate', path, file.truncate(length)),
    sync: () => explain('sync', path, file.sync()),
    close: () => explain('close', path, file.close()),
  })
  return {
    list: (folder) => explain('list', folder, files.list(folder)),
    read: (path) => explain('read', path, files.read(path)),
    makeFolder: (path) => explain('make the folder', path, files.makeFolder(path)),
    open: async (path, mode) =>
      explainFile(path, await explain(mode === 'new' ? 'create' : 'open', path, files.open(path, mode))),
    rename: (from, to) => explain(`rename to ${to}`, from, files.rename(from, to)),
    remove: (path) => explain('remove', path, files.remove(path)),
    syncFolder: (path) => explain('sync the folder', path, files.syncFolder(path)),
  }
}

/** A new file with this content, durable once its folder is synced. */
export async function createFile(files: Files, path: string, content: Buffer): Promise<OpenFile> {
  const file = await files.open(path, 'new')
  try {
    await file.write(content, 0)
    await file.sync()
    return file
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}
