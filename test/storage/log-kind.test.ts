/** A folder and a log of another kind: refused before anything is touched; and no record is no permission to delete. */
import { createHash } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import t, { type Test } from 'tap'
import { logKinds } from '../../src/stage.js'
import { keptKinds } from '../../src/storage/identity.js'
import { openLogStore } from '../../src/storage/open-log-store.js'
import { cli } from '../helpers/running.js'
import { batches, bring, entry, owner, snapshot, writeAll } from './stores.js'

const story = batches([entry(1, 1), entry(2, 1), entry(3, 1)], [snapshot(2, 1)], [entry(4, 1)], [snapshot(4, 1)])

async function written(t: Test, kind: 'file' | 'level', folder = t.testdir({})): Promise<string> {
  const log = openLogStore(kind, folder, owner)
  await log.open()
  await writeAll(log, story)
  await log.close()
  return folder
}

/** Every file with its content. */
function tree(folder: string): Record<string, string> {
  const all: Record<string, string> = {}
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name)
    all[name] = statSync(path).isDirectory() ? '' : createHash('sha256').update(readFileSync(path)).digest('hex')
  }
  return all
}

async function opensAs(kind: 'file' | 'level', folder: string) {
  const log = openLogStore(kind, folder, owner)
  const { snapshots, entries } = await log.open()
  await log.close()
  return { snapshots: snapshots.map(({ index }) => index), entries: entries.map(({ index }) => index) }
}

const whole = { snapshots: [4, 2], entries: [3, 4] }

/** As versions before this one left a folder: they did not say which kind of log it holds. */
async function asBefore(folder: string, kind: 'file' | 'level'): Promise<void> {
  const path = join(folder, 'IDENTITY')
  const { log: _log, ...facts } = JSON.parse(readFileSync(path, 'utf8')) as { log: string }
  const text = JSON.stringify({ ...facts, format: 1 })
  if (kind === 'file') return writeFileSync(path, `${text}\n`)
  rmSync(path)
  const database = new ClassicLevel(join(folder, 'level'))
  await database.put('identity', text)
  await database.close()
}

for (const held of keptKinds)
  for (const format of [1, 2])
    t.test(`a folder with a log of the kind ${held}, in format ${format}`, async (t) => {
      const folder = await written(t, held)
      if (format === 1) await asBefore(folder, held)
      const before = tree(folder)
      for (const wanted of logKinds.filter((kind) => kind !== held)) {
        await t.rejects(openLogStore(wanted, folder, owner).open(), {
          name: 'ConfigError',
          message: new RegExp(
            `holds a log of the kind "${held}", and one of the kind "${wanted}" .*: say --log ${held}`,
          ),
        })
        t.same(tree(folder), before, `nothing was touched for ${wanted}`)
      }
      t.same(await opensAs(held, folder), whole)
      t.same(await opensAs(held, folder), whole)
    })

t.test('a log that was lost beside its snapshots is not begun anew', async (t) => {
  for (const kind of keptKinds) {
    const folder = await written(t, kind)
    for (const name of ['IDENTITY', 'wal', 'level']) rmSync(join(folder, name), { recursive: true, force: true })
    for (const wanted of keptKinds)
      await t.rejects(openLogStore(wanted, folder, owner).open(), {
        name: 'DamagedLogError',
        message: /snap: there are snapshots \(0+2-1\.ndjson\), and no log beside them/,
      })
    t.same(readdirSync(join(folder, 'snap')), ['000000000002-1.ndjson', '000000000004-1.ndjson'])
  }
})

t.test('two logs in one folder, and nothing that says which of them counts', async (t) => {
  const root = t.testdir({})
  const folder = await written(t, 'file', join(root, 'n1'))
  const other = await written(t, 'level', join(root, 'n2'))
  cpSync(join(other, 'level'), join(folder, 'level'), { recursive: true })
  rmSync(join(folder, 'IDENTITY'))
  for (const kind of keptKinds)
    await t.rejects(openLogStore(kind, folder, owner).open(), {
      name: 'DamagedLogError',
      message: /which of them counts/,
    })
})

t.test('a snapshot without a record stays, does not count, and goes when a later one is recorded', async (t) => {
  for (const kind of keptKinds) {
    const folder = t.testdir({})
    const snapshots = () => readdirSync(join(folder, 'snap'))
    const first = openLogStore(kind, folder, owner)
    await first.open()
    await writeAll(first, batches([entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)]))
    await bring(first.snapshots, { index: 2, term: 1 })
    await first.close()
    const second = openLogStore(kind, folder, owner)
    t.same((await second.open()).snapshots, [])
    t.same(snapshots(), ['000000000002-1.ndjson'])
    t.equal(await second.snapshots.read({ index: 2, term: 1 }, 0, 10), null)
    await bring(second.snapshots, { index: 4, term: 1 })
    await second.write({ records: [snapshot(4, 1)], upTo: { index: 4, term: 1 } })
    t.same(snapshots(), ['000000000004-1.ndjson'])
    await second.close()
  }
})

t.test('a database that lacks a file is refused, and does not begin anew', async (t) => {
  const cases: Record<string, (level: string) => void> = {
    'CURRENT is gone': (level) => rmSync(join(level, 'CURRENT')),
    'CURRENT is empty': (level) => writeFileSync(join(level, 'CURRENT'), ''),
    'CURRENT is garbage': (level) => writeFileSync(join(level, 'CURRENT'), 'nonsense\n'),
    'CURRENT names a file that is not there': (level) => writeFileSync(join(level, 'CURRENT'), 'MANIFEST-000099\n'),
    'all of it is gone': (level) => rmSync(level, { recursive: true }),
    'it is empty': (level) => {
      for (const name of readdirSync(level)) rmSync(join(level, name))
    },
  }
  for (const [what, spoil] of Object.entries(cases)) {
    const folder = await written(t, 'level')
    spoil(join(folder, 'level'))
    await t.rejects(
      openLogStore('level', folder, owner).open(),
      { name: 'DamagedLogError', message: /level: .*/ },
      what,
    )
    await t.rejects(openLogStore('level', folder, owner).open(), { name: 'DamagedLogError' }, `${what}, asked again`)
  }
})

t.test('a database whose content is not a log is refused', async (t) => {
  const puts = { identity: '', term: 'nonsense', snapshots: '{', 'entry/0000000000000003': '{}' }
  for (const [key, value] of Object.entries(puts)) {
    const folder = await written(t, 'level')
    const database = new ClassicLevel(join(folder, 'level'))
    await database.put(key, value)
    await database.close()
    await t.rejects(openLogStore('level', folder, owner).open(), { name: 'DamagedLogError' }, key)
  }
})

t.test('raft-roadmap log: a log in LevelDB is called what it is, and its IDENTITY can be written again', async (t) => {
  const folder = await written(t, 'level')
  const says = /^.* holds the log of node n1 of cluster c1 in LevelDB \(--log level\), which this command cannot show/
  for (const options of [[], ['--verify'], ['--repair']])
    t.match(await cli(['log', folder, ...options]), { code: 2, stdout: '', stderr: says })
  writeFileSync(join(folder, 'IDENTITY'), '')
  await t.rejects(openLogStore('level', folder, owner).open(), { name: 'DamagedLogError', message: /it is empty/ })
  t.match(await cli(['log', folder, '--repair']), { code: 2, stderr: /^IDENTITY has been written again/ })
  t.same(await opensAs('level', folder), whole)
})
