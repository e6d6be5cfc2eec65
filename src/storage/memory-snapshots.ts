import { createHash } from 'node:crypto'
import type { Chunk, EntryId, Received, Snapshot, SnapshotHeader, SnapshotStore } from '../contracts.js'

const nameOf = ({ index, term }: EntryId) => `${index}-${term}`

interface File {
  readonly snapshot: Snapshot
  readonly bytes: Buffer
}

/** Snapshots in memory: files, by their names. */
export class MemorySnapshots implements SnapshotStore {
  readonly #files = new Map<string, File>()
  #part: { readonly sha256: string; bytes: Buffer } = { sha256: '', bytes: Buffer.alloc(0) }

  /** The facts of those of these that are there. */
  known(ids: readonly EntryId[]): Snapshot[] {
    return ids.flatMap((id) => this.#files.get(nameOf(id))?.snapshot ?? [])
  }

  async save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot> {
    let text = `${JSON.stringify(header)}\n`
    for await (const lines of body) text += lines
    const sha256 = createHash('sha256').update(text).digest('hex')
    return this.#keep(Buffer.from(`${text}${JSON.stringify({ sha256 })}\n`))
  }

  #keep(bytes: Buffer): Snapshot {
    const [header, ...lines] = bytes.toString().split('\n')
    const { sha256 } = JSON.parse(lines.at(-2)!) as { sha256: string }
    const snapshot = { ...(JSON.parse(header!) as SnapshotHeader), bytes: bytes.length, sha256 }
    this.#files.set(nameOf(snapshot), { snapshot, bytes })
    return snapshot
  }

  async *load(id: EntryId): AsyncIterable<string> {
    const lines = this.#files.get(nameOf(id))!.bytes.toString().split('\n').slice(1, -2)
    if (lines.length > 0) yield `${lines.join('\n')}\n`
  }

  async read(id: EntryId, offset: number, length: number): Promise<Uint8Array | null> {
    return this.#files.get(nameOf(id))?.bytes.subarray(offset, offset + length) ?? null
  }

  async receive({ lastIncludedIndex: index, lastIncludedTerm: term, ...chunk }: Chunk): Promise<Received> {
    const { sha256, offset, data, bytes: whole } = chunk
    const file = this.#files.get(nameOf({ index, term }))
    if (file) return { held: file.bytes.length, snapshot: file.snapshot }
    if (this.#part.sha256 !== sha256) this.#part = { sha256, bytes: Buffer.alloc(0) }
    const part = this.#part
    if (offset <= part.bytes.length) part.bytes = Buffer.concat([part.bytes.subarray(0, offset), data])
    if (part.bytes.length < whole) return { held: part.bytes.length, snapshot: null }
    this.#part = { sha256: '', bytes: Buffer.alloc(0) }
    return { held: whole, snapshot: this.#keep(part.bytes) }
  }

  /** As after a loss of power: of what was being received, some beginning is there. */
  tear(chance: () => number): void {
    if (this.#part.bytes.length === 0) return
    this.#part.bytes = this.#part.bytes.subarray(0, Math.floor(chance() * (this.#part.bytes.length + 1)))
  }

  /** Lets go of what is older than these; what is newer may be without its record as yet. */
  keepFrom(ids: readonly EntryId[]): void {
    const oldest = ids.at(-1)?.index ?? 0
    for (const [name, { snapshot }] of this.#files) if (snapshot.index < oldest) this.#files.delete(name)
  }
}
