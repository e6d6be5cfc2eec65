/** A disk that is full, and a process without descriptors: what ends a log, what it waits for, and what it does without. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Event } from '../../src/contracts.js'
import { DiskError } from '../../src/storage/errors.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { bare, finish } from '../helpers/running.js'
import { MemoryFiles } from './memory-files.js'
import { batches, bodyText, chunksOf, entry, headerOf, lines, owner, snapshot, writeAll } from './stores.js'

const id = { index: 6, term: 1 }
const story = batches([entry(1, 1), entry(2, 1), entry(3, 1)], [entry(4, 1), entry(5, 1), entry(6, 1)])

async function started(files: MemoryFiles, events: Event[] = []): Promise<WriteAheadLog> {
  const log = new WriteAheadLog('/n1', owner, { files, notice: (event) => void events.push(event) })
  await log.open()
  await writeAll(log, story)
  return log
}

const inSnap = (files: MemoryFiles) => [...files.names.keys()].filter((name) => name.includes('/snap/'))

const ways: Record<string, (log: WriteAheadLog) => Promise<unknown>> = {
  saved: (log) => log.snapshots.save(headerOf(id), lines(bodyText(id), 1)),
  received: async (log) => {
    for (const chunk of await chunksOf(id, bodyText(id), 100)) await log.snapshots.receive(chunk)
  },
}

for (const [how, bring] of Object.entries(ways))
  t.test(`a snapshot is ${how} on a full disk: it is given up, nothing is left, and the log goes on`, async (t) => {
    const whole = new MemoryFiles()
    const log = await started(whole)
    const before = whole.calls
    await bring(log)
    const calls = whole.calls - before
    t.ok(calls > 5)
    for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG'])
      for (let call = 1; call <= calls; call++) {
        const files = new MemoryFiles()
        const log = await started(files)
        Object.assign(files, { failAt: files.calls + call, code })
        const error = await bring(log).then(
          () => null,
          (error: Error) => error,
        )
        if (error?.name !== 'NoRoomError') t.fail(`${code} at call ${call}: ${error}`)
        if (/the node stops/.test(error?.message ?? '')) t.fail(error!.message)
        if (inSnap(files).length > 0) t.fail(`${code} at call ${call}: ${inSnap(files)}`)
        await log.write({ records: [entry(7, 1)], upTo: { index: 7, term: 1 } })
        await bring(log)
        await log.write({ records: [snapshot(6, 1)], upTo: { index: 7, term: 1 } })
        await log.close()
        const again = await new WriteAheadLog('/n1', owner, { files }).open()
        if (again.snapshots.length !== 1 || again.entries.at(-1)?.index !== 7) t.fail(`${code} at call ${call}`)
      }
    t.test('the last of the room is kept for the log', async (t) => {
      const files = new MemoryFiles()
      const log = await started(files)
      files.freeBytes = 1_000_000
      await t.rejects(bring(log), { name: 'NoRoomError', message: /the last 32768 KiB are kept for the log/ })
      t.same(inSnap(files), [])
      files.freeBytes = 100_000_000
      await t.resolves(bring(log))
    })
    t.test('a disk that fails in another way is the end of the log', async (t) => {
      const files = new MemoryFiles()
      const log = await started(files)
      Object.assign(files, { failAt: files.calls + 3, code: 'EIO' })
      await t.rejects(bring(log), { name: 'DiskError' })
      await t.rejects(log.write({ records: [], upTo: { index: 6, term: 1 } }), { name: 'DiskError' })
    })
  })

t.test('a full disk ends a log that cannot be written', async (t) => {
  const files = new MemoryFiles()
  const log = await started(files)
  Object.assign(files, { failAt: files.calls + 1, code: 'ENOSPC' })
  await t.rejects(log.write({ records: [entry(7, 1)], upTo: { index: 7, term: 1 } }), {
    name: 'DiskError',
    message: /the disk is full; make room \(ENOSPC\); the node stops, because what the disk holds is now unknown$/,
  })
})

t.test('what cannot be opened for want of descriptors or memory is waited for, and that is said once', async (t) => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']) {
    let waits = 0
    const { calls } = await lived(new MemoryFiles(), [])
    for (let call = 1; call <= calls; call++) {
      const files = Object.assign(new MemoryFiles(), { failAt: call, code })
      const events: Event[] = []
      const { error } = await lived(files, events)
      if (error && !(error instanceof DiskError)) t.fail(`${code} at call ${call}: ${error}`)
      const isTold = events.filter(({ event }) => event === 'disk_waits').length
      if (isTold > 1) t.fail(`${code} at call ${call}: told ${isTold} times`)
      if (isTold === 1 && error) t.fail(`${code} at call ${call}: waited, and failed: ${error}`)
      waits += isTold
    }
    t.ok(waits > 15, `${waits} of ${calls} calls were waited for`)
  }
})

async function lived(files: MemoryFiles, events: Event[]): Promise<{ calls: number; error: Error | null }> {
  const log = new WriteAheadLog('/n1', owner, { files, segmentBytes: 200, notice: (event) => void events.push(event) })
  try {
    await log.open()
    await writeAll(log, story)
    for (const bring of Object.values(ways)) await bring(log)
    await log.close()
    return { calls: files.calls, error: null }
  } catch (error) {
    return { calls: files.calls, error: error as Error }
  }
}

t.test('a log that is closed waits for nothing any more', async (t) => {
  const files = new MemoryFiles()
  const events: Event[] = []
  let said = () => {}
  const waits = new Promise<void>((resolve) => {
    said = resolve
  })
  const notice = (event: Event) => {
    events.push(event)
    said()
  }
  const log = new WriteAheadLog('/n1', owner, { files, notice })
  await log.open()
  Object.assign(files, { failAt: files.calls + 1, forGood: true, code: 'EMFILE' })
  const saving = log.snapshots.save(headerOf(id), lines(bodyText(id)))
  saving.catch(() => {})
  await waits
  await log.close().catch(() => {})
  await t.rejects(saving)
  t.match(events, [{ event: 'disk_waits', message: /^cannot open .*: the process has too many files and connections/ }])
})

t.test('what cannot be opened for another reason is called what it is', async (t) => {
  for (const [code, words] of Object.entries({
    EACCES: /permission is denied/,
    EISDIR: /there is a folder where a file should be/,
    ENOSPC: /the disk is full; make room/,
    EROFS: /the file system is read-only/,
  })) {
    const { message } = new DiskError('create', '/n1/wal/x', Object.assign(new Error(code), { code }))
    t.match(message, words)
    t.match(message, /nothing was changed by that, and the node stops$/)
    t.notMatch(message, /unknown/)
  }
})

t.test('descriptors are held back for the disk: a log goes on when a process has used up the rest', async (t) => {
  const program = fileURLToPath(new URL('./few-descriptors.js', import.meta.url))
  const shell = `ulimit -n 400; exec "${process.execPath}" "${program}" "${t.testdir({})}"`
  t.match(await finish(bare('sh', ['-c', shell])), {
    code: 0,
    stdout: 'used up\ngoes on\ngoes on\ngoes on\n',
    stderr: '',
  })
})
