/**
 * Snapshots as files in a folder. A file with a snapshot's name is whole, durable and verified; until then it has
 * another name. No snapshot counts before the log has a record of it: that record is what commits it.
 */
import { basename, dirname, join } from 'node:path'
import { Mutex } from 'async-mutex'
import type { Chunk, EntryId, Received, Snapshot, SnapshotHeader, SnapshotStore } from '../contracts.js'
import { DiskError, isNoRoom, NoRoomError } from './errors.js'
import { type Admit, explained, type Files, type OpenFile } from './files.js'
import type { Expected } from './folder-watch.js'
import {
  bodyOf,
  examine,
  indexIn,
  isPart,
  isUnfinished,
  newIn,
  partName,
  snapshotFolder,
  snapshotName,
  writeSnapshot,
} from './snapshot-file.js'

/** Bytes of the disk that snapshots leave for the log: two segments, or an eighth of a disk that is small. */
const roomForLog = 32 * 1024 * 1024

/** The result of looking for a snapshot that the log has a record of. */
export interface Found {
  readonly id: EntryId
  readonly path: string
  /** The snapshot; null if its file is missing, or is not what it should be. */
  readonly snapshot: Snapshot | null
  /** The fault of the file, in words; empty if there is none. */
  readonly what: string
}

export class SnapshotFolder implements SnapshotStore {
  readonly path: string
  readonly #files: Files
  /** Whole snapshots by their names, also those that the log has no record of yet. */
  readonly #whole = new Map<string, Snapshot>()
  /** Indexes of the snapshots that were found without a record at the start, by their names. */
  readonly #uncounted = new Map<string, number>()
  /** Bytes that have come of each snapshot that is being received, by its name. */
  readonly #parts = new Map<string, number>()
  #held: readonly EntryId[] = []
  readonly #receiving = new Mutex()
  #isSaving = false
  /** The reason why no more calls are made on the disk; null while calls are made. */
  #ended: Error | null = null
  readonly #underWay = new Set<Promise<unknown>>()

  /** @param folder the node's */
  constructor(files: Files, folder: string) {
    this.path = join(folder, snapshotFolder)
    this.#files = explained(files, this.#admit)
  }

  readonly #admit: Admit = async (call) => {
    if (this.#ended) throw this.#ended
    const running = call()
    this.#underWay.add(running)
    try {
      return await running
    } finally {
      this.#underWay.delete(running)
    }
  }

  /** The reason why no snapshot can be kept here any more; null while it can. */
  get failure(): Error | null {
    return this.#ended
  }

  /** Files of the whole snapshots, which must be there until the snapshots are let go. */
  expected(): Expected[] {
    return [...this.#whole].map(([name, snapshot]) => ({
      path: join(this.path, name),
      bytes: snapshot.bytes,
      isExpected: () => this.#whole.get(name) === snapshot,
    }))
  }

  /** Reads the snapshots that the log has records of, and changes nothing. @param ids the recorded snapshots */
  async find(ids: readonly EntryId[]): Promise<Found[]> {
    await this.#files.makeFolder(this.path)
    return findSnapshots(this.#files, this.path, ids)
  }

  /**
   * Brings the folder in line with the log. A damaged snapshot is put aside, for a person to look at. Files older than
   * the newest recorded snapshot are removed. A newer snapshot without a record stays, for an empty record is no
   * permission to delete: it does not count, and goes once a record of a later one is there. A part of a newer snapshot
   * stays, so that its transfer can go on.
   */
  async settle(found: readonly Found[]): Promise<void> {
    const names = await this.#files.list(this.path)
    const sound = new Map(found.flatMap(({ snapshot }) => (snapshot ? [[snapshotName(snapshot), snapshot]] : [])))
    const wrong = new Set(found.filter(({ snapshot }) => !snapshot).map(({ id }) => snapshotName(id)))
    const newest = Math.max(0, ...[...sound.values()].map(({ index }) => index))
    for (const name of names) {
      const path = join(this.path, name)
      const index = indexIn(name)
      if (wrong.has(name)) await this.#files.rename(path, join(this.path, freeName(names, `${name}.damaged`)))
      else if (isUnfinished(name) || (index !== null && index <= newest && !sound.has(name)))
        await this.#files.remove(path)
      else if (isPart(name)) this.#parts.set(name, await this.#sizeOf(path))
      else if (index !== null && !sound.has(name)) this.#uncounted.set(name, index)
    }
    await this.#files.syncFolder(this.path)
    for (const [name, snapshot] of sound) this.#whole.set(name, snapshot)
  }

  async #sizeOf(path: string): Promise<number> {
    const file = await this.#files.open(path, 'reading')
    return file.size().finally(() => file.close())
  }

  /** @throws unless there is this snapshot: a log must not count on one that is not there */
  check(id: EntryId): void {
    if (!this.#whole.has(snapshotName(id)))
      throw new Error(`there is no snapshot of entry ${id.index} of term ${id.term}`)
  }

  async save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot> {
    if (this.#isSaving) throw new Error('one snapshot at a time')
    this.#isSaving = true
    try {
      return await this.#final(() => this.#save(header, body))
    } finally {
      this.#isSaving = false
    }
  }

  async #save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot> {
    const name = snapshotName(header)
    const part = join(this.path, `${name}.part`)
    try {
      await this.#leaveRoom()
      const file = await this.#files.open(part, 'new')
      let written: { bytes: number; sha256: string }
      try {
        written = await writeSnapshot(file, header, body, () => this.#leaveRoom())
      } finally {
        await file.close()
      }
      return await this.#keep(part, { ...header, ...written })
    } catch (error) {
      return this.#giveUp(error as Error, name, `${name}.part`)
    }
  }

  /** Refuses to fill the disk: a disk without room for the log would end the node. @throws NoRoomError */
  async #leaveRoom(): Promise<void> {
    const { freeBytes, totalBytes } = await this.#files.room(this.path)
    const kept = Math.min(roomForLog, totalBytes / 8)
    if (freeBytes < kept)
      throw new NoRoomError(`the disk is nearly full: the last ${Math.floor(kept / 1024)} KiB are kept for the log`)
  }

  /**
   * Removes the files of a snapshot that failed. After a failure of the disk itself no file is touched any more.
   * @throws the error, as a NoRoomError if the disk is full
   */
  async #giveUp(error: Error, ...names: string[]): Promise<never> {
    const isFinal = error instanceof DiskError && !isNoRoom(error)
    if (isFinal || this.#ended) throw error
    const there = await this.#files.list(this.path)
    for (const name of names.filter((name) => there.includes(name) && !this.#whole.has(name)))
      await this.#files.remove(join(this.path, name))
    throw error instanceof DiskError ? new NoRoomError(error.what) : error
  }

  /** Gives a durable file its name. */
  async #keep(part: string, snapshot: Snapshot): Promise<Snapshot> {
    const name = snapshotName(snapshot)
    await this.#files.rename(part, join(this.path, name))
    await this.#files.syncFolder(this.path)
    this.#uncounted.delete(name)
    this.#whole.set(name, snapshot)
    return snapshot
  }

  /** Runs a piece of work; after a failure on the disk nothing is tried again. */
  async #final<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof DiskError) this.#ended ??= error
      throw error
    }
  }

  async *load(id: EntryId): AsyncGenerator<string> {
    this.check(id)
    const snapshot = this.#whole.get(snapshotName(id))!
    const path = join(this.path, snapshotName(id))
    const file = await this.#files.open(path, 'reading')
    try {
      yield* bodyOf(file, snapshot, path)
    } finally {
      await file.close()
    }
  }

  async read(id: EntryId, offset: number, length: number): Promise<Uint8Array | null> {
    const name = snapshotName(id)
    if (!this.#whole.has(name)) return null
    let file: OpenFile
    try {
      file = await this.#files.open(join(this.path, name), 'reading')
    } catch (error) {
      // It may have been let go of meanwhile.
      if (!this.#whole.has(name)) return null
      throw error
    }
    return file.read(offset, length).finally(() => file.close())
  }

  receive(chunk: Chunk): Promise<Received> {
    return this.#receiving.runExclusive(() => this.#final(() => this.#receive(chunk)))
  }

  async #receive(chunk: Chunk): Promise<Received> {
    const { lastIncludedIndex: index, lastIncludedTerm: term, bytes } = chunk
    const whole = this.#whole.get(snapshotName({ index, term }))
    if (whole) return { held: bytes, snapshot: whole }
    const name = partName(chunk)
    if (name === null) return { held: 0, snapshot: null }
    await this.#removeParts((other) => other < index)
    try {
      const held = await this.#append(name, chunk)
      if (held < bytes) return { held, snapshot: null }
      const snapshot = await this.#complete(name, chunk)
      return { held: snapshot ? bytes : 0, snapshot }
    } catch (error) {
      if (isNoRoom(error)) this.#parts.delete(name)
      return this.#giveUp(error as Error, name, snapshotName({ index, term }))
    }
  }

  async #append(name: string, chunk: Chunk): Promise<number> {
    const held = this.#parts.get(name) ?? 0
    const more = newIn(chunk, held)
    if (!more) return held
    await this.#leaveRoom()
    const file = await this.#files.open(join(this.path, name), this.#parts.has(name) ? 'existing' : 'new')
    this.#parts.set(name, held)
    try {
      await file.write(Buffer.from(more.buffer, more.byteOffset, more.length), held)
    } finally {
      await file.close()
    }
    this.#parts.set(name, held + more.length)
    return held + more.length
  }

  /** @returns null if the whole is not what it should be: then it is removed */
  async #complete(name: string, chunk: Chunk): Promise<Snapshot | null> {
    const { lastIncludedIndex: index, lastIncludedTerm: term, bytes, sha256 } = chunk
    const part = join(this.path, name)
    const file = await this.#files.open(part, 'existing')
    let found: Snapshot | string
    try {
      found = await examine(file, { index, term })
      await file.sync()
    } finally {
      await file.close()
    }
    const isRight = typeof found === 'object' && found.sha256 === sha256 && found.bytes === bytes
    if (isRight) {
      const snapshot = await this.#keep(part, found as Snapshot)
      this.#parts.delete(name)
      return snapshot
    }
    await this.#removeParts((_, other) => other === name)
    return null
  }

  async #removeParts(isUseless: (index: number, name: string) => boolean): Promise<void> {
    for (const name of [...this.#parts.keys()]) {
      if (!isUseless(indexIn(name)!, name)) continue
      this.#parts.delete(name)
      await this.#files.remove(join(this.path, name))
    }
  }

  hold(ids: readonly EntryId[]): void {
    this.#held = ids
  }

  /**
   * Deletes every snapshot older than the newest in `ids`, except those in `ids` and those that are held. A newer
   * snapshot may be waiting for its record.
   */
  async keep(ids: readonly EntryId[]): Promise<void> {
    const names = new Set([...ids, ...this.#held].map(snapshotName))
    const newest = ids[0]?.index ?? 0
    const all = [...[...this.#whole].map(([name, { index }]) => [name, index] as const), ...this.#uncounted]
    for (const [name, index] of all) {
      if (names.has(name) || index >= newest) continue
      this.#whole.delete(name)
      this.#uncounted.delete(name)
      await this.#files.remove(join(this.path, name))
    }
  }

  /** Ends all calls on the disk, and waits for those under way: the folder may be another process's afterwards. */
  async close(): Promise<void> {
    this.#ended ??= new Error('the log is closed')
    await Promise.allSettled(this.#underWay)
  }
}

/** A name that is free: the given one, or with a number behind it. No file that was put aside is overwritten. */
function freeName(names: readonly string[], name: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!names.includes(candidate)) return candidate
  }
}

/** Reads the named snapshots in full, and tells which of them are sound. */
export async function findSnapshots(files: Files, folder: string, ids: readonly EntryId[]): Promise<Found[]> {
  const names = new Set(await namesIn(files, folder))
  const found: Found[] = []
  for (const id of ids) {
    const path = join(folder, snapshotName(id))
    const result = names.has(snapshotName(id)) ? await readSnapshot(files, path, id) : 'the file is missing'
    found.push(
      typeof result === 'string'
        ? { id, path, snapshot: null, what: result }
        : { id, path, snapshot: result, what: '' },
    )
  }
  return found
}

/** The names in a folder; none if the folder is gone. */
async function namesIn(files: Files, folder: string): Promise<string[]> {
  return (await files.list(dirname(folder))).includes(basename(folder)) ? files.list(folder) : []
}

/**
 * Reads one snapshot. Bytes that the disk cannot give back are as bad as wrong bytes; with any other error, the file
 * may well be sound.
 *
 * @returns the snapshot, or what is wrong with its file
 * @throws DiskError
 */
async function readSnapshot(files: Files, path: string, id: EntryId): Promise<Snapshot | string> {
  try {
    const file = await files.open(path, 'reading')
    return await examine(file, id).finally(() => file.close())
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException }
    if (cause?.code === 'EIO') return `it cannot be read: ${cause.message}`
    throw error
  }
}
