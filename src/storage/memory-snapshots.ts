import type { Chunk, EntryId, Received, Snapshot, SnapshotHeader, SnapshotStore } from '../contracts.js'
import { indexIn, lastLine, newHash, newIn, partName, snapshotName } from './snapshot-file.js'

interface File {
  readonly snapshot: Snapshot
  readonly bytes: Buffer
}

/** Snapshots in memory: files, by their names. */
export class MemorySnapshots implements SnapshotStore {
  readonly #files = new Map<string, File>()
  readonly #parts = new Map<string, Buffer>()
  #held: readonly EntryId[] = []

  /**
   * The facts of the recorded snapshots that are there, as a restart finds them; snapshots without a record are gone
   * then.
   */
  known(ids: readonly EntryId[]): Snapshot[] {
    this.#held = []
    const names = new Set(ids.map(snapshotName))
    for (const name of this.#files.keys()) if (!names.has(name)) this.#files.delete(name)
    return ids.flatMap((id) => this.#files.get(snapshotName(id))?.snapshot ?? [])
  }

  async save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot> {
    let text = `${JSON.stringify(header)}\n`
    for await (const lines of body) text += lines
    const sha256 = newHash().update(text).digest('hex')
    return this.#keep(Buffer.concat([Buffer.from(text), lastLine(sha256)]), sha256)
  }

  #keep(bytes: Buffer, sha256: string): Snapshot {
    const snapshot = { ...headerIn(bytes), bytes: bytes.length, sha256 }
    this.#files.set(snapshotName(snapshot), { snapshot, bytes })
    return snapshot
  }

  async *load(id: EntryId): AsyncIterable<string> {
    const lines = this.#files.get(snapshotName(id))!.bytes.toString().split('\n').slice(1, -2)
    if (lines.length > 0) yield `${lines.join('\n')}\n`
  }

  async read(id: EntryId, offset: number, length: number): Promise<Uint8Array | null> {
    return this.#files.get(snapshotName(id))?.bytes.subarray(offset, offset + length) ?? null
  }

  async receive(chunk: Chunk): Promise<Received> {
    const { lastIncludedIndex: index, lastIncludedTerm: term, bytes, sha256 } = chunk
    const whole = this.#files.get(snapshotName({ index, term }))
    if (whole) return { held: bytes, snapshot: whole.snapshot }
    const name = partName(chunk)
    if (name === null) return { held: 0, snapshot: null }
    for (const other of this.#parts.keys()) if (indexIn(other)! < index) this.#parts.delete(other)
    const before = this.#parts.get(name) ?? Buffer.alloc(0)
    const more = newIn(chunk, before.length)
    const part = more ? Buffer.concat([before, more]) : before
    this.#parts.set(name, part)
    if (part.length < bytes) return { held: part.length, snapshot: null }
    this.#parts.delete(name)
    if (!isWhole(part, sha256)) return { held: 0, snapshot: null }
    const header = headerIn(part)
    const isRight = header.index === index && header.term === term
    return isRight ? { held: bytes, snapshot: this.#keep(part, sha256) } : { held: 0, snapshot: null }
  }

  /** Leaves some beginning of each snapshot that was being received, as a loss of power does. */
  tear(chance: () => number): void {
    for (const [name, part] of this.#parts)
      this.#parts.set(name, part.subarray(0, Math.floor(chance() * (part.length + 1))))
  }

  hold(ids: readonly EntryId[]): void {
    this.#held = ids
  }

  /** Deletes every snapshot older than the newest in `ids`, except those in `ids` and those that are held. */
  keep(ids: readonly EntryId[]): void {
    const names = new Set([...ids, ...this.#held].map(snapshotName))
    const newest = ids[0]?.index ?? 0
    for (const name of this.#files.keys()) if (!names.has(name) && indexIn(name)! < newest) this.#files.delete(name)
  }
}

function headerIn(file: Buffer): SnapshotHeader {
  return JSON.parse(file.toString('utf8', 0, file.indexOf('\n'))) as SnapshotHeader
}

function isWhole(file: Buffer, sha256: string): boolean {
  const last = lastLine(sha256)
  const content = file.subarray(0, Math.max(0, file.length - last.length))
  return newHash().update(content).digest('hex') === sha256 && file.subarray(content.length).equals(last)
}
