/** The log under a disk that fails and a power that goes: what was acknowledged is there, and nothing is made up. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { Persist } from '../../src/contracts.js'
import type { LogContents } from '../../src/storage/recover.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { type Keep, keepAll, keepHalf, keepNothing, MemoryFiles } from './memory-files.js'
import { anyBatches, batches, entry, expected, owner, truncate, vote } from './stores.js'

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
    await log.write(batch).then(() => acknowledged++, failing)
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
  const { index, term } = recovered.entries.at(-1) ?? { index: 0, term: 0 }
  await log.write({ records: [vote(1_000, 'n3')], upTo: { index, term } })
  const again = await open(files.afterPowerFailure(keepNothing)).open()
  if (!isDeepStrictEqual(plain(again), plain({ ...recovered, term: 1_000, votedFor: 'n3' }))) return -1
  const isPrefix = (length: number) => isDeepStrictEqual(plain(recovered), plain(expected(all.slice(0, length))))
  for (let length = acknowledged; length <= begun; length++) if (isPrefix(length)) return length
  return -1
}

const plain = ({ term, votedFor, entries }: LogContents) => ({
  term,
  votedFor,
  entries: entries.map(({ text }) => text),
})

t.test('each call fails in turn: never acknowledged, never retried, and the rest is there', async (t) => {
  const { calls } = (await live(new MemoryFiles(), story)).files
  t.ok(calls > 40, `${calls} calls`)
  for (let call = 1; call <= calls; call++) {
    for (const forGood of [false, true]) {
      const files = Object.assign(new MemoryFiles(), { failAt: call, forGood })
      const attempt = await live(files, story)
      const { acknowledged, begun, errors } = attempt
      const harmless = acknowledged === story.length
      if (!harmless && errors.length < story.length - acknowledged) t.fail(`call ${call}: a write after the failure`)
      const named = errors.every((error) => /^(DiskError|Error)$/.test(error.name))
      if (!named || (errors[0] && errors[0].name !== 'DiskError')) t.fail(`call ${call}: ${errors.join(', ')}`)
      for (const [ending, after] of Object.entries(endings)) {
        const length = await found(after(files), attempt, story)
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
  await fc.assert(fc.asyncProperty(anyBatches, fc.nat(), mask, run), { seed: 1, numRuns: 600 })
  t.pass()
})

t.test('a log opened on a disk that fails can be cut and opened again', async (t) => {
  const { files } = await live(new MemoryFiles(), story)
  const segment = '/n1/wal/000000000003.ndjson'
  const whole = files.content(segment)
  const torn = () => {
    const copy = files.afterKill()
    copy.put(segment, whole.subarray(0, whole.length - 40))
    return copy
  }
  const first = torn()
  const recovered = await open(first).open()
  for (let call = 1; call <= first.calls; call++) {
    const failing = Object.assign(torn(), { failAt: call })
    await open(failing)
      .open()
      .catch(() => {})
    for (const [ending, after] of Object.entries(endings)) {
      const again = await open(after(failing)).open()
      if (!isDeepStrictEqual(plain(again), plain(recovered))) t.fail(`call ${call}, ${ending}`)
    }
  }
})
