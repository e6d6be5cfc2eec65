/** A folder that goes while its log is open: noticed while nothing is written, and no write is acknowledged for long. */
import { cpSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { LogStore } from '../../src/contracts.js'
import { LevelLog } from '../../src/storage/level-log.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { MemoryFiles } from './memory-files.js'
import { batches, bring, entry, owner, snapshot, writeAll } from './stores.js'

const kinds: Record<string, (folder: string, failed: (error: Error) => void) => LogStore> = {
  file: (folder, failed) => new WriteAheadLog(folder, owner, { failed, segmentBytes: 300 }),
  level: (folder, failed) => new LevelLog(folder, owner, () => {}, failed),
}

const first = (folder: string) => join(folder, readdirSync(folder).filter((name) => name.endsWith('.ndjson'))[0]!)
const last = (folder: string) =>
  join(
    folder,
    readdirSync(folder)
      .filter((name) => name.endsWith('.ndjson'))
      .at(-1)!,
  )
/**
 * Removes a file or folder. A write that is under way in a thread may make a file in the folder meanwhile: then all is
 * removed once more. The retries of `rmSync` remove only the folder, which is not empty then.
 */
function remove(path: string): void {
  for (let tries = 1; ; tries++)
    try {
      return rmSync(path, { recursive: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY' || tries === 20) throw error
    }
}
const replace = (path: string) => {
  renameSync(path, `${path}-away`)
  cpSync(`${path}-away`, path, { recursive: true })
}

const common: Record<string, (folder: string) => void> = {
  'the folder is removed': remove,
  'the folder is moved': (folder) => renameSync(folder, `${folder}-away`),
  'a copy is put in its place': replace,
  'an empty folder of the same name is put in its place': (folder) => {
    renameSync(folder, `${folder}-away`)
    cpSync(join(`${folder}-away`, 'LOCK'), folder, { recursive: true })
  },
  'LOCK is removed': (folder) => remove(join(folder, 'LOCK')),
  'IDENTITY is removed': (folder) => remove(join(folder, 'IDENTITY')),
  'the folder of snapshots is removed': (folder) => remove(join(folder, 'snap')),
  'a snapshot is removed': (folder) => remove(last(join(folder, 'snap'))),
  'a snapshot is cut short': (folder) => truncateSync(last(join(folder, 'snap')), 5),
}
const own: Record<string, Record<string, (folder: string) => void>> = {
  file: {
    'the segments are removed': (folder) => remove(join(folder, 'wal')),
    'the open segment is removed': (folder) => remove(last(join(folder, 'wal'))),
    'the open segment is a copy': (folder) => replace(last(join(folder, 'wal'))),
    'the open segment is cut short': (folder) => truncateSync(last(join(folder, 'wal')), 20),
    'an older segment is removed': (folder) => remove(first(join(folder, 'wal'))),
    'an older segment is emptied': (folder) => writeFileSync(first(join(folder, 'wal')), ''),
  },
  level: {
    'the database is removed': (folder) => remove(join(folder, 'level')),
    'its CURRENT is removed': (folder) => remove(join(folder, 'level', 'CURRENT')),
    'the database is a copy': (folder) => replace(join(folder, 'level')),
  },
}

const story = batches(
  ...Array.from({ length: 6 }, (_, at) => [entry(at + 1, 1)]),
  [snapshot(6, 1)],
  ...[7, 8, 9, 10].map((index) => [entry(index, 1)]),
)

/** The watch alone keeps no process alive. */
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))
/** A watch looks now and then, so these tests mostly wait: they do so together. */
t.jobs = 6
const together = { buffered: true }

async function opened(t: Test, kind: string): Promise<{ folder: string; log: LogStore; failure: Promise<Error> }> {
  const folder = join(t.testdir({}), 'n1')
  let failed = (_: Error) => {}
  const failure = new Promise<Error>((resolve) => {
    failed = resolve
  })
  const log = kinds[kind]!(folder, failed)
  await log.open()
  await writeAll(log, story)
  return { folder, log, failure }
}

/** Writes until a write is refused. */
async function writeOn(log: LogStore): Promise<Error> {
  for (let index = 11; ; index++) {
    try {
      await log.write({ records: [entry(index, 1)], upTo: { index, term: 1 } })
    } catch (error) {
      return error as Error
    }
  }
}

for (const kind of Object.keys(kinds))
  for (const [what, harm] of Object.entries({ ...common, ...own[kind] })) {
    t.test(`${kind}: ${what}, and nobody writes`, together, async (t) => {
      const { folder, log, failure } = await opened(t, kind)
      harm(folder)
      const error = await failure
      t.match(error, {
        name: 'DiskError',
        message: /while the node runs, so what it writes would be lost; the node stops/,
      })
      t.notMatch(error.message, /unknown/)
      await t.rejects(log.write({ records: [], upTo: { index: 10, term: 1 } }), { name: 'DiskError' })
      await log.close().catch(() => {})
    })
    // The next write makes a file longer again that was cut short: that shows at the next start.
    if (what === 'the open segment is cut short') continue
    t.test(`${kind}: ${what}, while one write follows another`, together, async (t) => {
      const { folder, log } = await opened(t, kind)
      const writing = writeOn(log)
      harm(folder)
      t.match(await writing, { name: 'DiskError' })
      await log.close().catch(() => {})
    })
  }

t.test('what a log lets go of itself is not missed', together, async (t) => {
  for (const kind of Object.keys(kinds)) {
    const { log, failure } = await opened(t, kind)
    let isLost = false
    void failure.then(() => {
      isLost = true
    })
    const end = performance.now() + 1_500
    for (let index = 11; performance.now() < end; index++) {
      const records = [entry(index, 1)]
      if (index % 5 === 0) await bring(log.snapshots, { index, term: 1 })
      await log.write({
        records: index % 5 === 0 ? [...records, snapshot(index, 1)] : records,
        upTo: { index, term: 1 },
      })
    }
    t.notOk(isLost)
    await log.close()
  }
})

t.test('a log on files in memory sees it, too', async (t) => {
  const files = new MemoryFiles()
  let failed = (_: Error) => {}
  const failure = new Promise<Error>((resolve) => {
    failed = resolve
  })
  const log = new WriteAheadLog('/n1', owner, { files, failed })
  await log.open()
  files.removeFolder('/n1')
  t.match(await failure, { name: 'DiskError', message: /^\/n1.*: it was removed while the node runs/ })
  await log.close().catch(() => {})
})
