/** The log stores under test, and the batches that are written to them. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Test } from 'tap'
import {
  type Chunk,
  type Command,
  commandPayload,
  type EntryId,
  type LogStore,
  makeEntry,
  type NodeId,
  type Persist,
  type PersistRecord,
  type Snapshot,
  type SnapshotHeader,
  type SnapshotStore,
  type Term,
} from '../../src/contracts.js'
import { type Kept, MemoryLog } from '../../src/storage/memory-log.js'
import { MemorySnapshots } from '../../src/storage/memory-snapshots.js'
import { openLogStore } from '../../src/storage/open-log-store.js'
import { type LogContents, Records, recover } from '../../src/storage/recover.js'
import { WriteAheadLog } from '../../src/storage/wal.js'

export const owner = { cluster: 'c1', node: 'n1' }

/** A log as something that outlives the stores opened on it. */
export interface Place {
  store(): LogStore
  /** What a killed process leaves behind, which had this store open. */
  afterKill(store: LogStore): Promise<Place>
}

export interface Kind {
  readonly name: string
  place(t: Test): Place
}

/** A file's folder is copied as it is. LevelDB rewrites its files behind our back, so that no copy would be of one moment. */
function inFolder(name: string, isCopied: boolean, open: (folder: string) => LogStore): Kind {
  const placeAt = (root: string, life: number): Place => ({
    store: () => open(join(root, String(life))),
    async afterKill(store) {
      if (isCopied) {
        cpSync(join(root, String(life)), join(root, String(life + 1)), { recursive: true })
        rmSync(join(root, String(life + 1), 'LOCK'), { recursive: true, force: true })
      }
      await store.close()
      return isCopied ? placeAt(root, life + 1) : this
    },
  })
  return { name, place: (t) => placeAt(t.testdir({}), 0) }
}

export const kinds: readonly Kind[] = [
  {
    name: 'memory',
    place() {
      const kept: Kept = { records: new Records(), snapshots: new MemorySnapshots(), incarnation: 'kept' }
      const place: Place = { store: () => new MemoryLog(kept), afterKill: async () => place }
      return place
    },
  },
  inFolder('file', true, (folder) => openLogStore('file', folder, owner)),
  inFolder('file, small segments', true, (folder) => new WriteAheadLog(folder, owner, { segmentBytes: 1_000 })),
  inFolder('level', false, (folder) => openLogStore('level', folder, owner)),
]

export const set = (key: string, value: string): Command => ({ command: 'set', key, value })
export const entry = (index: number, term: Term, command: Command = set(`k${index}`, `v${index}`)): PersistRecord => ({
  record: 'entry',
  entry: makeEntry(index, term, commandPayload(command)),
})
export const vote = (term: Term, votedFor: NodeId | null): PersistRecord => ({ record: 'term', term, votedFor })
export const truncate = (from: number): PersistRecord => ({ record: 'truncate', from })
export const snapshot = (index: number, term: Term): PersistRecord => ({
  record: 'snapshot',
  snapshot: { index, term },
})

/** Batches of records as a core would hand them over: each with the last entry of what is then written. */
export function batches(...all: readonly (readonly PersistRecord[])[]): Persist[] {
  return all.map((records, at) => {
    const { edge, entries } = recover([{ records: all.slice(0, at + 1).flat() }])
    const { index, term } = entries.at(-1) ?? edge
    return { records, upTo: { index, term } }
  })
}

/** The same batches, the first with the first of these hints of a commit, and so on. */
export function hinted(all: readonly Persist[], ...commits: readonly number[]): Persist[] {
  return all.map((batch, at) => (commits[at] === undefined ? batch : { ...batch, commit: commits[at] }))
}

/** The snapshots that the records speak of come first: what the log has, or will have, is its own; the rest is sent to it. */
export async function writeAll(store: LogStore, all: readonly Persist[]): Promise<void> {
  for (const batch of all) {
    for (const record of batch.records) if (record.record === 'snapshot') await bring(store.snapshots, record.snapshot)
    await store.write(batch)
  }
}

/** A snapshot as the state machine of this test makes it: the larger the index, the longer. */
export const headerOf = ({ index, term }: EntryId): SnapshotHeader => ({ index, term, config: [`n${term}`] })
export const bodyText = ({ index }: EntryId): string =>
  Array.from({ length: index % 7 }, (_, at) => `${JSON.stringify([`k${at}`, `é${index}`.repeat(3)])}\n`).join('')

export async function* lines(text: string, size = 20): AsyncGenerator<string> {
  for (const some of text.match(new RegExp(`(.*\n){1,${size}}`, 'g')) ?? []) yield some
}

/** Saves every second one, and lets the others come from elsewhere, piece by piece. */
export async function bring(snapshots: SnapshotStore, id: EntryId): Promise<Snapshot> {
  if (id.index % 2 === 0) return snapshots.save(headerOf(id), lines(bodyText(id)))
  let received: Snapshot | null = null
  for (const chunk of await chunksOf(id, bodyText(id), 100)) received = (await snapshots.receive(chunk)).snapshot
  return received!
}

/** A snapshot's file as another node would send it. */
export async function chunksOf(id: EntryId, body: string, size: number): Promise<Chunk[]> {
  const other = new MemorySnapshots()
  const { bytes, sha256 } = await other.save(headerOf(id), lines(body))
  const { index: lastIncludedIndex, term: lastIncludedTerm } = id
  const about = { type: 'InstallSnapshot', from: 'n2', to: 'n1', lastIncludedIndex, lastIncludedTerm, bytes, sha256 }
  const offsets = Array.from({ length: Math.ceil(bytes / size) }, (_, at) => at * size)
  return Promise.all(offsets.map(async (offset) => ({ ...about, offset, data: (await other.read(id, offset, size))! })))
}

export function expected(all: readonly Persist[]): LogContents {
  return recover(all)
}

const name = fc.string({ unit: 'binary', maxLength: 20 })
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ key: name, value: name }) },
  { weight: 2, arbitrary: fc.record({ votedFor: fc.option(fc.constantFrom('n1', 'n2', '__proto__')) }) },
  { weight: 1, arbitrary: fc.record({ back: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ known: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ snapshotAt: fc.integer({ min: -6, max: 3 }) }) },
)

/** Any sequence of batches that a correct node could write. */
export const anyBatches: fc.Arbitrary<Persist[]> = fc
  .array(fc.array(step, { maxLength: 6 }), { maxLength: 25 })
  .map((all) => {
    let [last, term, kept, commit] = [0, 1, 0, 0]
    const commits: number[] = []
    const story = batches(
      ...all.map((steps) => {
        const records = steps.flatMap((what) => {
          if ('votedFor' in what) return vote(++term, what.votedFor)
          if ('key' in what) return entry(++last, term, set(what.key, what.value))
          if ('snapshotAt' in what) {
            const index = last + what.snapshotAt
            if (index <= kept) return []
            kept = index
            last = Math.max(last, index)
            return snapshot(index, term)
          }
          if ('known' in what) {
            commit = Math.max(commit, last - what.known)
            return []
          }
          const from = Math.max(kept + 1, commit + 1, last + 1 - what.back)
          last = from - 1
          return truncate(from)
        })
        commits.push(commit)
        return records
      }),
    )
    return hinted(story, ...commits)
  })
