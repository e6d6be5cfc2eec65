import { createHash } from 'node:crypto'
import type { Chunk, EntryId, Received, Snapshot, SnapshotHeader } from '../../src/contracts.js'

interface File {
  readonly snapshot: Snapshot
  readonly content: string
}

const nameOf = ({ index, term }: EntryId) => `${index}-${term}`
const hashOf = (content: string) => createHash('sha256').update(content).digest('hex')

/** What a snapshot says of itself beside where it ends is its first line. */
const factsOf = (content: string) => (content.startsWith('{') ? JSON.parse(content.split('\n', 1)[0]!) : {})
const linesOf = (content: string) => content.split('\n').slice(content.startsWith('{') ? 1 : 0, -1)

/** What a store of snapshots does, at once and in the same turn: for cores that are run by hand. */
export class SnapshotFiles {
  readonly #files = new Map<string, File>()
  readonly #parts = new Map<string, string>()
  #held: readonly EntryId[] = []

  /** @param lines one for each entry whose effect it holds */
  save(header: SnapshotHeader, lines: readonly string[]): Snapshot {
    const { index: _index, term: _term, ...facts } = header
    const isBare = Object.keys(facts).length === 0
    const content = [...(isBare ? [] : [JSON.stringify(facts)]), ...lines].map((line) => `${line}\n`).join('')
    const snapshot = { ...header, bytes: content.length, sha256: hashOf(content) }
    this.#files.set(nameOf(header), { snapshot, content })
    return snapshot
  }

  load(id: EntryId): string[] {
    return linesOf(this.#files.get(nameOf(id))!.content)
  }

  read(id: EntryId, offset: number, length: number): Uint8Array | null {
    const file = this.#files.get(nameOf(id))
    return file ? new TextEncoder().encode(file.content.slice(offset, offset + length)) : null
  }

  receive({ lastIncludedIndex: index, lastIncludedTerm: term, sha256, bytes, offset, data }: Chunk): Received {
    const file = this.#files.get(nameOf({ index, term }))
    if (file) return { held: bytes, snapshot: file.snapshot }
    const before = this.#parts.get(sha256) ?? ''
    const news = offset <= before.length ? new TextDecoder().decode(data).slice(before.length - offset) : ''
    const content = before + news
    this.#parts.set(sha256, content)
    if (content.length < bytes) return { held: content.length, snapshot: null }
    this.#parts.delete(sha256)
    if (hashOf(content) !== sha256) return { held: 0, snapshot: null }
    return { held: bytes, snapshot: this.save({ index, term, ...factsOf(content) }, linesOf(content)) }
  }

  /** The facts of those of these that are there. */
  known(ids: readonly EntryId[]): Snapshot[] {
    return ids.flatMap((id) => this.#files.get(nameOf(id))?.snapshot ?? [])
  }

  get indexes(): number[] {
    return [...this.#files.values()].map(({ snapshot }) => snapshot.index)
  }

  hold(ids: readonly EntryId[]): void {
    this.#held = ids
  }

  /** Lets go of those that are older than the oldest of these, but for those that are held. */
  keepFrom(ids: readonly EntryId[]): void {
    const oldest = ids.at(-1)?.index ?? 0
    const held = this.#held.map(nameOf)
    for (const [name, { snapshot }] of this.#files)
      if (snapshot.index < oldest && !held.includes(name)) this.#files.delete(name)
  }
}
