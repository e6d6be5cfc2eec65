/**
 * A file system in memory that can do what a disk does: fail any call, tear a write, lose what was not synced (contents
 * and names), and drop what it failed to sync while it still shows it (fsyncgate).
 */
import { dirname } from 'node:path'
import type { Files, OpenFile, OpenMode, Room, Seen, Writes } from '../../src/storage/files.js'

interface Change {
  readonly apply: (content: Buffer) => Buffer
  /** The bytes that a power failure may keep in part. */
  readonly bytes: Buffer | null
  readonly position: number
}

interface Inode {
  /** What a reader sees. */
  content: Buffer
  /** What the disk holds. */
  durable: Buffer
  unsynced: Change[]
}

/** What a power failure keeps of one unsynced write: a mask of its bytes, or all, or nothing. */
export type Keep = (bytes: number) => (at: number) => boolean
export const keepNothing: Keep = () => () => false
export const keepAll: Keep = () => () => true
export const keepHalf: Keep = (bytes) => (at) => at < bytes / 2

const numbers = new WeakMap<Inode, number>()
let nextNumber = 1

export class MemoryFiles implements Files {
  readonly names = new Map<string, Inode>()
  readonly folders = new Set<string>()
  readonly #durableNames = new Map<string, Inode>()
  calls = 0
  /** The call, counted from 1, that fails; everything after it fails too if `forGood`. */
  failAt = Number.POSITIVE_INFINITY
  forGood = false
  code = 'EIO'

  /** The same files after the process is gone: what was written is there, synced or not. */
  afterKill(): MemoryFiles {
    return this.#copy(this.names, (inode) => inode)
  }

  /** The same files after a power failure. */
  afterPowerFailure(keep: Keep): MemoryFiles {
    const names = keep === keepAll ? this.names : keep === keepHalf ? this.#halfRemoved() : this.#durableNames
    return this.#copy(names, ({ durable, unsynced }) => {
      const content = unsynced.reduce((before, change) => torn(before, change, keep), durable)
      return { content, durable: content, unsynced: [] }
    })
  }

  /** Of the names removed and not yet synced the disk may have any: here the later ones, and not the first. */
  #halfRemoved(): ReadonlyMap<string, Inode> {
    const kept = new Set(this.names.values())
    const removed = [...this.#durableNames].filter(([path, inode]) => !this.names.has(path) && !kept.has(inode))
    const names = new Map(this.#durableNames)
    for (const [path] of removed.sort().slice(1)) names.delete(path)
    return names
  }

  #copy(names: ReadonlyMap<string, Inode>, change: (inode: Inode) => Inode): MemoryFiles {
    const copy = new MemoryFiles()
    for (const [path, inode] of names) {
      if (path.includes('/LOCK/')) continue
      const changed = { ...change(inode) }
      copy.names.set(path, { ...changed, unsynced: [...changed.unsynced] })
      if (this.#durableNames.has(path) || names === this.#durableNames)
        copy.#durableNames.set(path, copy.names.get(path)!)
    }
    return copy
  }

  content(path: string): Buffer {
    return this.#find(path).content
  }

  /** As if it had always been so. */
  put(path: string, content: Buffer): void {
    const inode = { content, durable: content, unsynced: [] }
    this.names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  drop(path: string): void {
    this.names.delete(path)
    this.#durableNames.delete(path)
  }

  async list(folder: string): Promise<string[]> {
    this.#call()
    const inside = [...this.names.keys()].filter((path) => path.startsWith(`${folder}/`))
    return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0]!))].sort()
  }

  async read(path: string): Promise<Buffer> {
    this.#call()
    return Buffer.from(this.#find(path).content)
  }

  async makeFolder(path: string): Promise<void> {
    this.#call()
    this.folders.add(path)
  }

  /** Not among the calls that fail in turn: how often it is made depends on the time. */
  async look(path: string): Promise<Seen | null> {
    const inode = this.names.get(path)
    if (inode) return { id: `inode ${this.#numberOf(inode)}`, bytes: inode.content.length }
    const isFolder = this.folders.has(path) || [...this.names.keys()].some((name) => name.startsWith(`${path}/`))
    return isFolder ? { id: `folder ${path}`, bytes: 0 } : null
  }

  /** As long as nothing else is said, there is all the room that one may want. */
  freeBytes = Number.MAX_SAFE_INTEGER

  async room(): Promise<Room> {
    return { freeBytes: this.freeBytes, totalBytes: Number.MAX_SAFE_INTEGER }
  }

  /** An inode's number, drawn when it is asked for. */
  #numberOf(inode: Inode): number {
    if (!numbers.has(inode)) numbers.set(inode, nextNumber++)
    return numbers.get(inode)!
  }

  /** As `rm -r` would, while a process has files open in it. */
  removeFolder(path: string): void {
    for (const name of [...this.names.keys()]) if (name.startsWith(`${path}/`)) this.names.delete(name)
    for (const name of [...this.folders]) if (name === path || name.startsWith(`${path}/`)) this.folders.delete(name)
  }

  async open(path: string, mode: OpenMode, writes?: Writes): Promise<OpenFile> {
    this.#call()
    if (mode !== 'new') return this.#openFile(this.#find(path), writes)
    if (this.names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' })
    const inode: Inode = { content: Buffer.alloc(0), durable: Buffer.alloc(0), unsynced: [] }
    this.names.set(path, inode)
    return this.#openFile(inode, writes)
  }

  async rename(from: string, to: string): Promise<void> {
    this.#call()
    this.names.set(to, this.#find(from))
    this.names.delete(from)
  }

  async remove(path: string): Promise<void> {
    this.#call()
    this.#find(path)
    this.names.delete(path)
  }

  async syncFolder(folder: string): Promise<void> {
    this.#call()
    for (const path of this.#durableNames.keys()) {
      if (dirname(path) === folder && !this.names.has(path)) this.#durableNames.delete(path)
    }
    for (const [path, inode] of this.names) if (dirname(path) === folder) this.#durableNames.set(path, inode)
  }

  #openFile(inode: Inode, writes?: Writes): OpenFile {
    const change = (what: Change) => {
      inode.content = what.apply(inode.content)
      inode.unsynced.push(what)
    }
    const sync = async () => {
      this.#call(() => {
        inode.unsynced = []
      })
      inode.durable = inode.unsynced.reduce((before, { apply }) => apply(before), inode.durable)
      inode.unsynced = []
    }
    return {
      size: async () => {
        this.#call()
        return inode.content.length
      },
      read: async (position, length) => {
        this.#call()
        return Buffer.from(inode.content.subarray(position, position + length))
      },
      write: async (bytes, position) => {
        this.#call(() => change(overwrite(Buffer.from(bytes.subarray(0, bytes.length / 2)), position)))
        change(overwrite(Buffer.from(bytes), position))
        if (writes === 'durable') await sync()
      },
      truncate: async (length) => {
        this.#call()
        change({ apply: (content) => content.subarray(0, length), bytes: null, position: length })
      },
      sync,
      close: async () => this.#call(),
    }
  }

  #find(path: string): Inode {
    const inode = this.names.get(path)
    if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return inode
  }

  /** @param failing what the call does although it fails */
  #call(failing: () => void = () => {}): void {
    this.calls++
    if (this.calls < this.failAt || (this.calls > this.failAt && !this.forGood)) return
    if (this.calls === this.failAt) failing()
    throw Object.assign(new Error(`${this.code}: a call fails`), { code: this.code })
  }
}

function overwrite(bytes: Buffer, position: number): Change {
  const apply = (content: Buffer) => {
    const result = Buffer.alloc(Math.max(content.length, position + bytes.length))
    content.copy(result)
    bytes.copy(result, position)
    return result
  }
  return { apply, bytes, position }
}

/** What a power failure makes of one change: of a write some bytes, up to the last of them; zeros where none came. */
function torn(before: Buffer, { apply, bytes, position }: Change, keep: Keep): Buffer {
  if (bytes === null) return keep(1)(0) ? apply(before) : before
  const kept = keep(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at++) if (kept(at)) length = at + 1
  const result = Buffer.alloc(Math.max(before.length, length === 0 ? 0 : position + length))
  before.copy(result)
  for (let at = 0; at < length; at++) if (kept(at)) result[position + at] = bytes[at]!
  return result
}
