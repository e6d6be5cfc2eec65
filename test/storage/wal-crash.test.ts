/** The log under a disk that fails and a power that goes: what was acknowledged is there, and nothing is made up. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { EntryId, Persist, Recovered, Snapshot } from '../../src/contracts.js'
import type { LogContents } from '../../src/storage/recover.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { size } from '../helpers/effort.js'
import { type Keep, keepAll, keepHalf, keepNothing, MemoryFiles } from './memory-files.js'
import {
  anyBatches,
  batches,
  bodyText,
  entry,
  expected,
  hinted,
  owner,
  snapshot,
  truncate,
  vote,
  writeAll,
} from './stores.js'

const open = (files: MemoryFiles) => new WriteAheadLog('/n1', owner, { files, segmentBytes: 400 })

const story = batches(
  [vote(1, 'n1'), entry(1, 1)],
  [entry(2, 1), entry(3, 1), entry(4, 1)],
  [vote(2, null), truncate(3), entry(3, 2)],
  [],
  [entry(4, 2), entry(5, 2)],
  [vote(3, 'n2')],
  [entry(6, 3)],
)

/** One in which snapshots are saved and received, the log begins anew, and segments are dropped. */
const longStory = batches(
  [vote(1, 'n1'), entry(1, 1), entry(2, 1)],
  [entry(3, 1), entry(4, 1), snapshot(3, 1)],
  [entry(5, 1), entry(6, 1), entry(7, 1)],
  [snapshot(6, 1)],
  [vote(2, null), truncate(7), entry(7, 2)],
  [entry(8, 2), entry(9, 2)],
  [entry(10, 2), snapshot(8, 2)],
  [snapshot(21, 3), vote(3, null)],
  [entry(22, 3)],
  [entry(23, 3), snapshot(22, 3)],
  [entry(24, 3), truncate(24)],
)

interface Attempt {
  readonly files: MemoryFiles
  readonly acknowledged: number
  readonly begun: number
  readonly errors: Error[]
}

/** Lives through a story until something fails; then asks for the rest all the same. */
async function live(files: MemoryFiles, all: readonly Persist[]): Promise<Attempt> {
  const log = open(files)
  const errors: Error[] = []
  const failing = (error: Error) => void errors.push(error)
  let [acknowledged, begun] = [0, 0]
  await log.open().catch(failing)
  for (const batch of all) {
    if (errors.length === 0) begun++
    await writeAll(log, [batch]).then(() => acknowledged++, failing)
  }
  await log.close().catch(failing)
  return { files, acknowledged, begun, errors }
}

const endings: Record<string, (files: MemoryFiles) => MemoryFiles> = {
  'the process died': (files) => files.afterKill(),
  'the power failed and nothing unsynced was kept': (files) => files.afterPowerFailure(keepNothing),
  'the power failed and half was kept': (files) => files.afterPowerFailure(keepHalf),
  'the power failed and all was kept': (files) => files.afterPowerFailure(keepAll),
}

/**
 * Opens what is left and writes to it; then the power fails. What was read must be there as surely as what was written.
 *
 * @returns how many batches of the story were found; -1 if that is no legal number
 */
async function found(files: MemoryFiles, { acknowledged, begun }: Attempt, all: readonly Persist[]): Promise<number> {
  const log = open(files)
  const recovered = await log.open()
  const { index, term } = recovered.entries.at(-1) ?? recovered.edge
  for (const snapshot of recovered.snapshots) if (!(await isRight(log, snapshot))) return -1
  await log.write({ records: [vote(1_000, 'n3')], upTo: { index, term } })
  const again = await open(files.afterPowerFailure(keepNothing)).open()
  if (!isDeepStrictEqual(plain(again), plain({ ...recovered, term: 1_000, votedFor: 'n3' }))) return -1
  const isPrefix = (length: number) => isDeepStrictEqual(plain(recovered), plain(expected(all.slice(0, length))))
  for (let length = acknowledged; length <= begun; length++) if (isPrefix(length)) return length
  return -1
}

const plain = ({ term, votedFor, edge, entries, commit, snapshots }: LogContents) => ({
  ...{ term, votedFor, edge, commit },
  entries: entries.map(({ text }) => text),
  snapshots: snapshots.map(({ index, term }) => ({ index, term })),
})

async function isRight({ snapshots }: WriteAheadLog, id: EntryId): Promise<boolean> {
  let text = ''
  for await (const lines of snapshots.load(id)) text += lines
  return text === bodyText(id)
}

const hints = hinted(longStory, 0, 2, 4, 6, 6, 7, 8, 21, 21, 22, 23)

for (const [name, all] of Object.entries({
  'a log': story,
  'a log with snapshots': longStory,
  'a log with hints': hints,
}))
  t.test(`${name}: each call fails in turn: never acknowledged, never retried, and the rest is there`, async (t) => {
    const whole = await live(new MemoryFiles(), all)
    t.same(whole.errors, [])
    const { calls } = whole.files
    t.ok(calls > 40, `${calls} calls`)
    for (let call = 1; call <= calls; call += size(7, 1)) {
      for (const forGood of [false, true]) {
        const attempt = await live(Object.assign(new MemoryFiles(), { failAt: call, forGood }), all)
        const { acknowledged, begun, errors } = attempt
        const harmless = acknowledged === all.length
        if (!harmless && errors.length < all.length - acknowledged) t.fail(`call ${call}: a write after the failure`)
        const named = errors.every((error) => /^(DiskError|Error)$/.test(error.name))
        if (!named || (errors[0] && errors[0].name !== 'DiskError')) t.fail(`call ${call}: ${errors.join(', ')}`)
        for (const [ending, after] of Object.entries(endings)) {
          const length = await found(after(attempt.files), attempt, all)
          if (length < 0) t.fail(`call ${call}, ${ending}: ${acknowledged} acknowledged, ${begun} begun`)
        }
      }
    }
  })

t.test('the power fails at any call and keeps any bytes of the last write', async (t) => {
  const mask = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 })
  const run = async (all: Persist[], at: number, sectors: boolean[]) => {
    const { calls } = (await live(new MemoryFiles(), all)).files
    const files = Object.assign(new MemoryFiles(), { failAt: 1 + (at % calls), forGood: true })
    const attempt = await live(files, all)
    const keep: Keep = (bytes) => (byte) => sectors[Math.floor((byte * sectors.length) / bytes)]!
    return (await found(files.afterPowerFailure(keep), attempt, all)) >= 0
  }
  await fc.assert(fc.asyncProperty(anyBatches, fc.nat(), mask, run), { seed: 1, numRuns: size(150, 600) })
  t.pass()
})

/** Without a hint, all that is known to be committed is what a sound snapshot holds. */
const only = (recovered: Recovered) => (snapshot: Snapshot) => ({
  ...recovered,
  commit: snapshot.index,
  snapshots: [snapshot],
})

/** Opens what is left while each call fails in turn, in all ways; it must come to the same in the end. */
async function opensAgain(t: Test, left: () => MemoryFiles): Promise<Recovered> {
  const first = left()
  const recovered = await open(first).open()
  for (let call = 1; call <= first.calls; call += size(3, 1)) {
    for (const how of [{ forGood: false, code: 'EACCES' }, { forGood: false }, { forGood: true }]) {
      const failing = Object.assign(left(), { failAt: call, ...how })
      await open(failing)
        .open()
        .catch(() => {})
      for (const [ending, after] of Object.entries(endings)) {
        const again = await open(after(failing)).open()
        // A snapshot that the disk could not read once has been put aside, and the log goes on from the other one.
        const legal = how.code === undefined ? [recovered, ...recovered.snapshots.map(only(recovered))] : [recovered]
        if (!legal.some((one) => isDeepStrictEqual(plain(again), plain(one))))
          t.fail(`call ${call}, ${JSON.stringify(how)}, ${ending}`)
      }
    }
  }
  return recovered
}

t.test('a log opened on a disk that fails can be cut and opened again', async (t) => {
  const { files } = await live(new MemoryFiles(), story)
  const segment = '/n1/wal/000000000003.ndjson'
  const whole = files.content(segment)
  const { entries } = await opensAgain(t, () => {
    const copy = files.afterKill()
    copy.put(segment, whole.subarray(0, whole.length - 40))
    return copy
  })
  t.equal(entries.length, 5)
})

t.test('a write fails, the process dies, and the power fails at any call of the next start', async (t) => {
  const { calls } = (await live(new MemoryFiles(), longStory)).files
  let starts = 0
  for (let call = 1; call <= calls; call += size(3, 1)) {
    const attempt = await live(Object.assign(new MemoryFiles(), { failAt: call, forGood: true }), longStory)
    for (let failAt = 1 + (call % 3), isOpen = false; !isOpen; failAt += 3, starts++) {
      const files = Object.assign(attempt.files.afterKill(), { failAt, forGood: true })
      isOpen = await open(files)
        .open()
        .then(
          () => true,
          () => false,
        )
      const length = await found(files.afterPowerFailure(keepNothing), attempt, longStory)
      if (length < 0) t.fail(`call ${call}, then call ${failAt}`)
    }
  }
  t.ok(starts > size(300, 1_000), `${starts} starts`)
})

t.test('what a crash may leave beside the log is cleared away, and what can be gone on with is kept', async (t) => {
  const { files } = await live(new MemoryFiles(), longStory)
  const path = (name: string) => `/n1/snap/${name}`
  const sha256 = 'a'.repeat(64)
  const [useless, useful] = [`000000000022-3-${sha256}.part`, `000000000023-3-${sha256}.part`]
  const left = () => {
    const copy = files.afterKill()
    for (const name of [
      '000000000005-1.ndjson',
      '000000000030-4.ndjson',
      '000000000031-4.ndjson.part',
      useless,
      useful,
    ])
      copy.put(path(name), Buffer.from('of an earlier life'))
    copy.put(path('notes.txt'), Buffer.from("a person's"))
    return copy
  }
  const there = left()
  const log = open(there)
  await log.open()
  const names = (all: MemoryFiles) => [...all.names.keys()].filter((name) => name.startsWith('/n1/snap/')).sort()
  // The one without a record may be of a log that was lost: it stays, and does not count.
  const kept = ['000000000021-3.ndjson', '000000000022-3.ndjson', useful, '000000000030-4.ndjson', 'notes.txt'].map(
    path,
  )
  t.same(names(there), kept)
  t.same(names(there.afterPowerFailure(keepNothing)), kept)
  const chunk = {
    type: 'InstallSnapshot',
    from: 'n2',
    to: 'n1',
    lastIncludedIndex: 23,
    lastIncludedTerm: 3,
    bytes: 999,
  }
  const { held } = await log.snapshots.receive({ ...chunk, sha256, offset: 0, data: Buffer.alloc(0) })
  t.equal(held, 18)
  await opensAgain(t, left)
})

t.test('segments and snapshots go, the oldest first, and the rest is enough to go on from', async (t) => {
  const { files } = await live(new MemoryFiles(), longStory)
  const names = [...files.names.keys()].filter((name) => /wal|snap/.test(name)).map((name) => name.slice('/n1/'.length))
  t.same(names.sort(), [
    ...['snap/000000000021-3.ndjson', 'snap/000000000022-3.ndjson'],
    ...['wal/000000000006.ndjson', 'wal/000000000007.ndjson'],
  ])
  t.match(files.content('/n1/wal/000000000007.ndjson').toString(), /"batch":9,"snapshots":\[\{"index":21,"term":3\}\],/)
})
