/** Snapshots that are damaged or gone: the log goes on from the older one, and where there is none it says so. */
import { appendFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { EntryId, Event, Persist, Recovered } from '../../src/contracts.js'
import { DamagedLogError } from '../../src/storage/errors.js'
import { LevelLog } from '../../src/storage/level-log.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { keepNothing, MemoryFiles } from './memory-files.js'
import { batches, bodyText, entry, owner, snapshot, truncate, vote, writeAll } from './stores.js'

const folder = '/n1'
const file = ({ index, term }: EntryId) => `${folder}/snap/${String(index).padStart(12, '0')}-${term}.ndjson`
const [older, newer] = [
  { index: 4, term: 1 },
  { index: 6, term: 2 },
]
const story = batches(
  [vote(1, 'n1'), entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)],
  [snapshot(4, 1)],
  [entry(5, 1), entry(6, 1), vote(2, null), truncate(6), entry(6, 2)],
  [snapshot(6, 2)],
  [entry(7, 2)],
)

const open = (files: MemoryFiles, notice: (event: Event) => void = () => {}) =>
  new WriteAheadLog(folder, owner, { files, segmentBytes: 400, notice })

async function written(all: readonly Persist[] = story): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const log = open(files)
  await log.open()
  await writeAll(log, all)
  await log.close()
  return files
}

function flip(files: MemoryFiles, path: string, at: number): MemoryFiles {
  const content = Buffer.from(files.content(path))
  content[at]! ^= 1 << (at % 8)
  files.put(path, content)
  return files
}

const idsIn = ({ snapshots }: Recovered) => snapshots.map(({ index, term }) => ({ index, term }))
const indexesIn = ({ entries }: Recovered) => entries.map(({ index }) => index)

async function opened(files: MemoryFiles): Promise<{ recovered: Recovered; events: Event[]; log: WriteAheadLog }> {
  const events: Event[] = []
  const log = open(files, (event) => void events.push(event))
  return { recovered: await log.open(), events, log }
}

t.test('one bit flipped anywhere in the newest snapshot: the log goes on from the older one', async (t) => {
  const files = await written()
  const { length } = files.content(file(newer))
  for (let at = 0; at < length; at++) {
    const copy = flip(files.afterKill(), file(newer), at)
    const { recovered, events } = await opened(copy)
    const isOlder = idsIn(recovered).length === 1 && idsIn(recovered)[0]!.index === older.index
    const isTold = events.length === 1 && events[0]!.event === 'snapshot_damaged' && events[0]!.file === file(newer)
    if (!isOlder || !isTold || indexesIn(recovered).join() !== '5,6,7') t.fail(`byte ${at}`)
    if (!copy.content(`${file(newer)}.damaged`)) t.fail('it is put aside')
  }
  t.ok(length > 100)
})

t.test('cut short, made longer, gone: the same, and both damaged: refused', async (t) => {
  const files = await written()
  const whole = files.content(file(newer))
  for (const content of [
    whole.subarray(0, -1),
    whole.subarray(0, 20),
    Buffer.alloc(0),
    Buffer.concat([whole, whole]),
  ]) {
    const copy = files.afterKill()
    copy.put(file(newer), content)
    t.same(idsIn((await opened(copy)).recovered), [older], `${content.length} bytes`)
  }
  const swapped = files.afterKill()
  swapped.put(file(newer), files.content(file(older)))
  const { events } = await opened(swapped)
  t.match(events, [{ what: /^it is the snapshot of entry 4 of term 1$/, instead: 4 }])

  const without = files.afterKill()
  without.drop(file(newer))
  const gone = await opened(without)
  t.same(idsIn(gone.recovered), [older])
  t.match(gone.events, [{ event: 'snapshot_damaged', file: file(newer), what: 'the file is missing' }])

  for (const at of [0, 40, files.content(file(older)).length - 3]) {
    const copy = flip(flip(files.afterKill(), file(newer), 5), file(older), at)
    const before = [...copy.names.keys()]
    await t.rejects(opened(copy), { name: 'DamagedLogError', message: /000006-2\.ndjson: its .* with an empty folder/ })
    t.same([...copy.names.keys()], before, 'and nothing is changed')
  }
})

t.test('the older one damaged: the newest is enough', async (t) => {
  const files = flip(await written(), file(older), 10)
  const { recovered, events } = await opened(files)
  t.same(idsIn(recovered), [newer])
  t.match(events, [{ event: 'snapshot_damaged', file: file(older), instead: 6 }])
  t.same(recovered.edge, older)
  t.same(indexesIn(recovered), [5, 6, 7])
})

t.test('the log does not count any more on the snapshot that was damaged', async (t) => {
  const files = flip(await written(), file(newer), 30)
  const { log } = await opened(files)
  const again = await opened(files.afterPowerFailure(keepNothing))
  t.same(idsIn(again.recovered), [older])
  t.same(again.events, [], 'what is known is not told twice')
  // The next may be of an earlier entry than the one that is lost, of the same, or of a later one.
  for (const next of [{ index: 5, term: 1 }, newer, { index: 7, term: 2 }]) {
    const copy = files.afterKill()
    const { log } = await opened(copy)
    await writeAll(log, batches(...story.map(({ records }) => records), [snapshot(next.index, next.term)]).slice(-1))
    const then = await opened(copy.afterPowerFailure(keepNothing))
    t.same(idsIn(then.recovered), [next, older], `entry ${next.index}`)
    t.same(then.recovered.edge, older)
    t.same(indexesIn(then.recovered), [5, 6, 7])
    // And again: that one is damaged too.
    const twice = await opened(flip(copy.afterKill(), file(next), 3))
    t.same(idsIn(twice.recovered), [older])
    const body = []
    for await (const lines of twice.log.snapshots.load(older)) body.push(lines)
    t.equal(body.join(''), bodyText(older))
  }
  await log.close()
})

t.test('while the log holds everything, the only snapshot can be done without', async (t) => {
  const files = flip(await written(story.slice(0, 3)), file(older), 30)
  const { recovered, events, log } = await opened(files)
  t.same(idsIn(recovered), [])
  t.match(events, [{ event: 'snapshot_damaged', instead: 0 }])
  t.same(indexesIn(recovered), [1, 2, 3, 4, 5, 6])
  await log.close()
  t.match(files.content(`${folder}/wal/000000000002.ndjson`).toString(), / \{"snapshot":0,"term":0\}\n/)
  const again = await opened(files)
  t.same(again.events, [])
  await writeAll(again.log, story.slice(3))
  await again.log.close()
  const { recovered: then } = await opened(files)
  t.same(idsIn(then), [newer])
  t.same(indexesIn(then), [1, 2, 3, 4, 5, 6, 7], 'the log is kept from its beginning as long as there is one only')
})

t.test('a log that began anew has nothing but its snapshot', async (t) => {
  const files = await written(batches([entry(1, 1)], [snapshot(8, 2)], [entry(9, 2)]))
  const damaged = flip(files.afterKill(), file({ index: 8, term: 2 }), 3)
  await t.rejects(opened(damaged), DamagedLogError)
})

t.test('segments that are missing: what the snapshots hold is not missed, and what they do not hold is', async (t) => {
  const files = await written()
  files.drop(`${folder}/wal/000000000002.ndjson`)
  const { recovered } = await opened(files.afterKill())
  t.same(recovered.edge, newer)
  t.same(idsIn(recovered), [newer], 'from the older one the log cannot go on')
  await t.rejects(opened(flip(files, file(newer), 3)), DamagedLogError)

  const late = await written(batches(...story.map(({ records }) => records), [entry(8, 2), snapshot(8, 2)]))
  late.drop(`${folder}/wal/000000000003.ndjson`)
  t.same(indexesIn((await opened(late)).recovered), [], 'of what the newest holds nothing is needed')

  const more = [...story.map(({ records }) => records), [entry(8, 2), entry(9, 2)], [snapshot(7, 2)]]
  const gap = await written(batches(...more))
  gap.drop(`${folder}/wal/000000000003.ndjson`)
  await t.rejects(opened(gap), { message: /4\.ndjson: the log begins with entry 10, and no snapshot .*empty folder/ })
})

t.test('a start refuses what a segment says of itself and cannot be', async (t) => {
  const files = await written([
    ...story,
    ...batches(...story.map(({ records }) => records), [snapshot(7, 2)]).slice(-1),
  ])
  const segments = [...files.names.keys()].filter((name) => name.includes('/wal/')).sort()
  t.ok(!segments[0]!.endsWith('000001.ndjson'), 'the first are gone')
  for (const segment of segments) {
    const content = files.content(segment)
    for (let at = 0; at < content.indexOf('\n'); at++)
      await t.rejects(opened(flip(files.afterKill(), segment, at)), DamagedLogError, `${segment}, byte ${at}`)
  }
})

t.test('LevelDB: the same', async (t) => {
  const path = t.testdir({})
  const log = new LevelLog(path, owner)
  await log.open()
  await writeAll(log, story)
  await log.close()
  appendFileSync(join(path, 'snap', '000000000006-2.ndjson'), 'x')
  const events: Event[] = []
  for (const life of [1, 2]) {
    const again = new LevelLog(path, owner, (event) => void events.push(event))
    const recovered = await again.open()
    t.same(idsIn(recovered), [older], `life ${life}`)
    t.same(indexesIn(recovered), [5, 6, 7])
    await again.close()
  }
  t.match(events, [{ event: 'snapshot_damaged', what: /last line/, instead: 4 }])
  t.equal(events.length, 1)
  t.same(readdirSync(join(path, 'snap')), ['000000000004-1.ndjson', '000000000006-2.ndjson.damaged'])
  rmSync(join(path, 'snap', '000000000004-1.ndjson'))
  await t.rejects(new LevelLog(path, owner).open(), DamagedLogError)
})
