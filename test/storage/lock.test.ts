import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { LevelLog } from '../../src/storage/level-log.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { bare } from '../helpers/running.js'
import { owner } from './stores.js'

const program = fileURLToPath(new URL('./hold-log.js', import.meta.url))

/** Starts a process on a folder. @returns it, and what it says of itself */
async function holder(t: Test, folder: string): Promise<{ child: ChildProcess; says: string }> {
  const child = bare(process.execPath, [program, folder])
  t.teardown(() => child.kill('SIGKILL'))
  const [says] = (await once(createInterface(child.stdout!), 'line')) as [string]
  return { child, says }
}

t.test('a process killed while it writes has lost nothing that it acknowledged', async (t) => {
  const folder = t.testdir({})
  let acknowledged = 0
  for (const lines of [1, 30, 90]) {
    const child = bare(process.execPath, [program, folder, 'write'])
    t.teardown(() => child.kill('SIGKILL'))
    const gone = once(child, 'close')
    let left = lines
    for await (const line of createInterface(child.stdout!)) {
      if (line !== 'open') acknowledged = Number(line)
      if (left-- === 0) child.kill('SIGKILL')
    }
    // Until its last call on the disk has ended, a killed process is still there, and has the folder.
    await gone
    const log = new WriteAheadLog(folder, owner)
    const { entries } = await log.open()
    await log.close()
    t.ok(entries.length === acknowledged || entries.length === acknowledged + 1, `${entries.length} entries`)
  }
  t.ok(acknowledged > 100)
})

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

t.test('a second process is refused; a killed one hinders nobody', async (t) => {
  const folder = t.testdir({})
  const first = await holder(t, folder)
  t.equal(first.says, 'open')
  const second = await holder(t, folder)
  t.match(second.says, new RegExp(`^ConfigError: ${folder} is in use by process \\d+$`))
  t.match(second.says, String(nameOf(folder)))
  await kill(first.child)
  const third = await holder(t, folder)
  t.equal(third.says, 'open')
  t.equal(readdirSync(join(folder, 'LOCK')).length, 1, 'nothing is left of the dead')
  await kill(third.child)
})

/** The pid in the lock. */
const nameOf = (folder: string) => Number.parseInt(readdirSync(join(folder, 'LOCK'))[0]!, 10)

t.test('of many that come at once, one at most has the log', async (t) => {
  const folder = t.testdir({})
  const all = await Promise.all(Array.from({ length: 4 }, () => holder(t, folder)))
  const open = all.filter(({ says }) => says === 'open')
  t.ok(open.length <= 1)
  t.ok(all.every(({ says }) => says === 'open' || /^ConfigError: .* is in use by process \d+$/.test(says)))
  await Promise.all(open.map(({ child }) => kill(child)))
})

t.test('a pid that another process has got since does not keep the lock', async (t) => {
  const folder = t.testdir({ LOCK: {} })
  // This process's pid, but started at another moment, or before another boot.
  writeFileSync(join(folder, 'LOCK', `${process.pid}-1-00000000`), '')
  const log = new WriteAheadLog(folder, owner)
  await log.open()
  await log.close()
  t.same(readdirSync(join(folder, 'LOCK')), [])
})

t.test('a process does not open a log twice', async (t) => {
  for (const Log of [WriteAheadLog, LevelLog]) {
    const folder = t.testdir({})
    const log = new Log(folder, owner)
    await log.open()
    await t.rejects(new Log(folder, owner).open(), { name: 'ConfigError', message: /in use by/ })
    await t.resolves(log.write({ records: [], upTo: { index: 0, term: 0 } }), 'and the first is none the worse')
    await log.close()
    const again = new Log(folder, owner)
    await again.open()
    await again.close()
    await t.rejects(again.write({ records: [], upTo: { index: 0, term: 0 } }), { message: 'the log is closed' })
    await t.rejects(new Log(folder, { cluster: 'c1', node: 'n2' }).open(), {
      name: 'ConfigError',
      message: /belongs to node n1 of cluster c1, not to node n2/,
    })
  }
})
