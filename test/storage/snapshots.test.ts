/** Snapshots as files beside a log: what they leave room for, and what happens when the log is closed meanwhile. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { MemoryFiles } from './memory-files.js'
import { bodyText, chunksOf, entry, headerOf, lines, owner, set, snapshot } from './stores.js'

const snapFiles = (files: MemoryFiles) =>
  [...files.names.keys()].filter((name) => name.includes('/snap/')).map((name) => name.slice('/n1/snap/'.length))

async function started(files: MemoryFiles, segmentBytes = 16 * 1024 * 1024): Promise<WriteAheadLog> {
  const log = new WriteAheadLog('/n1', owner, { files, segmentBytes })
  await log.open()
  return log
}

t.test(
  'ten thousand sets on ten keys: the log on disk stays within a few times what makes a snapshot due',
  async (t) => {
    for (const segmentBytes of [3_000, 16 * 1024 * 1024]) {
      const files = new MemoryFiles()
      const log = await started(files, segmentBytes)
      const due = 10_000
      let [since, most] = [0, 0]
      for (let index = 1; index <= 10_000; index++) {
        const record = entry(index, 1, set(`k${index % 10}`, String(index)))
        await log.write({ records: [record], upTo: { index, term: 1 } })
        since += record.record === 'entry' ? record.entry.text.length : 0
        if (since < due) continue
        since = 0
        const sizes = [...files.names].map(([name, { content }]) => (name.includes('/wal/') ? content.length : 0))
        most = Math.max(
          most,
          sizes.reduce((all, size) => all + size),
        )
        await log.snapshots.save({ index, term: 1 }, lines('["k","v"]\n'))
        await log.write({ records: [snapshot(index, 1)], upTo: { index, term: 1 } })
      }
      t.ok(most > due && most < 8 * due, `${most} bytes with segments of ${segmentBytes}`)
      t.equal(snapFiles(files).length, 2)
      await log.close()
    }
  },
)

t.test('a log that is closed lets go of the disk, also in the middle of a snapshot', async (t) => {
  const files = new MemoryFiles()
  const log = await started(files)
  let go = () => {}
  const waits = new Promise<void>((resolve) => {
    go = resolve
  })
  const saving = log.snapshots.save(
    headerOf({ index: 5, term: 1 }),
    (async function* () {
      yield '"one"\n'
      await waits
      yield '"two"\n'
    })(),
  )
  const failing = t.rejects(saving, { message: 'the log is closed' })
  await turn()
  t.same(snapFiles(files), ['000000000005-1.ndjson.part'])
  await log.close()
  const { calls } = files
  go()
  await failing
  t.equal(files.calls, calls + 1, 'nothing is done any more but to close the file')
  const [chunk] = await chunksOf({ index: 7, term: 1 }, '', 50)
  await t.rejects(log.snapshots.receive(chunk!), { message: 'the log is closed' })
  await t.rejects(log.snapshots.load({ index: 5, term: 1 }).next(), { message: /there is no snapshot of entry 5/ })
  const left = files.afterKill()
  await (await started(left)).close()
  t.same(snapFiles(left), [], 'the next start clears away what there is of it')
})

t.test('a state that cannot be read leaves nothing behind, and the next one is saved', async (t) => {
  const files = new MemoryFiles()
  const log = await started(files)
  const id = { index: 6, term: 1 }
  const broken = (async function* () {
    yield '"one"\n'
    throw new Error('the state machine is broken')
  })()
  const saving = log.snapshots.save(headerOf(id), broken)
  await t.rejects(log.snapshots.save(headerOf(id), lines('')), { message: 'one snapshot at a time' })
  await t.rejects(saving, { message: 'the state machine is broken' })
  t.same(snapFiles(files), [])
  t.match(await log.snapshots.save(headerOf(id), lines(bodyText(id))), id)
  await log.close()
})

t.test('a log does not count on a snapshot that is not there', async (t) => {
  const log = await started(new MemoryFiles())
  const batch = { records: [snapshot(5, 1)], upTo: { index: 5, term: 1 } }
  await t.rejects(log.write(batch), { message: 'there is no snapshot of entry 5 of term 1' })
  await t.rejects(log.write({ ...batch, records: [] }), 'and is dead after it')
  await log.close()
})

t.test('what changes on the disk after the start shows when it is read', async (t) => {
  const files = new MemoryFiles()
  const log = await started(files)
  const id = { index: 6, term: 1 }
  await log.snapshots.save(headerOf(id), lines(bodyText(id)))
  const path = '/n1/snap/000000000006-1.ndjson'
  const content = Buffer.from(files.content(path))
  content[60]! ^= 1
  files.put(path, content)
  const read = async () => {
    for await (const _ of log.snapshots.load(id));
  }
  await t.rejects(read(), { message: /6-1\.ndjson: its content is not what its last line has the hash of/ })
  await log.close()
})

t.test('a disk that fails while a snapshot is saved is the end of the log', async (t) => {
  const files = new MemoryFiles()
  const log = await started(files)
  files.failAt = files.calls + 3
  await t.rejects(log.snapshots.save(headerOf({ index: 6, term: 1 }), lines('"x"\n')), { name: 'DiskError' })
  await t.rejects(log.snapshots.save(headerOf({ index: 6, term: 1 }), lines('"x"\n')), { name: 'DiskError' })
  await t.rejects(log.write({ records: [], upTo: { index: 0, term: 0 } }), { name: 'DiskError' })
  await log.close()
})
