/** A leader whose disk is nearly full: it takes no writes, goes on with all else, and takes writes again by itself. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleNode } from '../src/assemble.js'
import { systemClock, systemRandom } from '../src/clock.js'
import { type Answer, type Clock, defaultTiming, type Event, type Network } from '../src/contracts.js'
import { ConfigError } from '../src/errors.js'
import { DiskRoom } from '../src/storage/disk-room.js'
import type { Room } from '../src/storage/files.js'
import { MemoryLog } from '../src/storage/memory-log.js'
import membership from '../stages/8-membership/stage.js'
import production from '../stages/10-production/stage.js'
import { schemas } from '../stages/schemas.js'
import { memberList } from './helpers/core.js'

const silence: Network = {
  start: async () => {},
  setIdentity() {},
  send() {},
  setPeers() {},
  stop: async () => {},
}

/** A disk of 10,000 bytes, with a reserve of 1,000. */
const [totalBytes, diskReserve] = [10_000, 1_000]

/** One node that leads, on a disk whose room the test says. */
async function started(t: Test, quotas: object = { diskReserve }) {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const disk = { freeBytes: 5_000, looks: 0 }
  const events: Event[] = []
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const watcher of watchers) watcher()
    watchers.clear()
  }
  const { node, ask } = await assembleNode(production, {
    ...{ id: 'n1', members: memberList(1), cluster: 'c', bootstrap: true, schemas },
    timing: { ...defaultTiming, tickMs: 5, snapshotEntries: 20 },
    ...{ clock: systemClock, random: systemRandom, network: () => silence, log: 'file', dataDir: join(folder, 'n1') },
    aroundFiles: (files) => ({
      ...files,
      room: async (path) => {
        if (path.endsWith('snap')) return files.room(path)
        disk.looks++
        changed()
        return { freeBytes: disk.freeBytes, totalBytes }
      },
    }),
    about: {},
    quotas,
    notice(event) {
      events.push(event)
      changed()
    },
    fatal: (error) => {
      throw error
    },
  })
  await node.start()
  t.teardown(async () => {
    await node.stop(0, { isLast: true })
    rmSync(folder, { recursive: true })
  })
  const call = (command: object) => new Promise<Answer>((resolve) => ask({ ...command }, resolve))
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => watchers.add(resolve))
  }
  await until(() => events.some(({ event }) => event === 'elected'))
  /** Changes the room, and waits until the node has looked: the look before may have seen the room of before. */
  const leave = async (freeBytes: number) => {
    disk.freeBytes = freeBytes
    const { looks } = disk
    await until(() => disk.looks >= looks + 2)
  }
  return { node, leave, events, call, until }
}

const set = (key: string) => ({ command: 'set', key, value: '1' })
const disks = (events: Event[]) => events.filter(({ event }) => event === 'disk_low' || event === 'disk_room')

t.test('a disk that is nearly full: no writes, and all else goes on; then writes again', async (t) => {
  const { node, leave, events, call, until } = await started(t)
  t.match(await call(set('a')), { ok: true })
  await leave(900)
  t.match(disks(events), [{ event: 'disk_low', freeBytes: 900, reserveBytes: diskReserve }])
  const refused = await call(set('b'))
  t.match(refused, { ok: false, error: { code: 'disk_full', definite: true, freeBytes: 900 } })
  t.match(await call({ command: 'get', key: 'a' }), { ok: true, value: '1' })
  t.match(await call({ command: 'delete', key: 'a' }), { ok: true, existed: true }, 'what frees room is taken')
  t.match(await call({ command: 'open_session' }), { ok: true })
  t.match(node.status, { diskLow: true, diskFreeBytes: 900, storeBytes: 0 })
  for (let more = 0; more < 40; more++) await call({ command: 'delete', key: 'a' })
  await until(() => events.some(({ event }) => event === 'snapshot'))
  t.pass('the log is compacted')

  await leave(400)
  t.match(await call({ command: 'delete', key: 'a' }), { error: { code: 'disk_full' } }, 'the last half is the log’s')
  t.match(await call({ command: 'open_session' }), { error: { code: 'disk_full' } })

  await leave(9_000)
  t.match(disks(events)[1], { event: 'disk_room', freeBytes: 9_000 })
  t.match(await call(set('b')), { ok: true })
  t.notOk('diskLow' in node.status)
})

/** A look at a disk, a step at a time. */
async function looked(t: Test, reserve: number | undefined, rooms: (Room | null)[]) {
  const events: Event[] = []
  const tasks: (() => void)[] = []
  const clock: Pick<Clock, 'after'> = {
    after(_, task) {
      tasks.push(task)
      return () => void tasks.splice(tasks.indexOf(task), 1)
    },
  }
  const files = { room: async () => rooms.shift() ?? Promise.reject(new Error('it is not there')) }
  const room = new DiskRoom({ files, folder: 'n1', reserve, clock, notice: (event) => void events.push(event) })
  const log = room.around(new MemoryLog())
  await log.open()
  const seen = [room.isLow]
  while (rooms.length > 0) {
    tasks.shift()?.()
    while (tasks.length === 0) await new Promise(setImmediate)
    seen.push(room.isLow)
  }
  await log.close()
  t.equal(tasks.length, 0, 'nobody looks at the disk of a log that is closed')
  return { room, seen, events }
}

const rooms = (...free: (number | null)[]): (Room | null)[] =>
  free.map((freeBytes) => (freeBytes === null ? null : { freeBytes, totalBytes }))

t.test('at the edge it does not flicker, and a look that fails changes nothing', async (t) => {
  const { seen, events } = await looked(t, 1_000, rooms(1_000, 999, 1_001, null, 1_124, 1_125, 1_000, 999))
  t.same(seen, [false, true, true, true, true, false, false, true])
  t.same(
    events.map(({ event }) => event),
    ['disk_low', 'disk_room', 'disk_low'],
  )
})

t.test('the usual reserve is a twentieth of a small disk, and 256 MiB of a large one', async (t) => {
  const reserveOf = async (totalBytes: number) =>
    (await looked(t, undefined, [{ freeBytes: 0, totalBytes }])).room.reserveBytes
  t.equal(await reserveOf(10_000), 500)
  t.equal(await reserveOf(10 ** 13), 256 * 1024 * 1024)
  const none = await looked(t, 0, rooms(0))
  t.same([none.seen, none.events], [[false], []], 'a reserve of 0 is none')
})

t.test('a limit where nothing would hold it is refused at the start', async (t) => {
  const parts = {
    ...{ id: 'n1', members: memberList(1), cluster: 'c', bootstrap: true, schemas, about: {} },
    ...{ timing: defaultTiming, clock: systemClock, random: systemRandom, network: () => silence },
    ...{ log: 'memory' as const, dataDir: null, notice() {}, fatal() {} },
  }
  await t.rejects(assembleNode(membership, { ...parts, quotas: { maxStoreBytes: 1 } }), ConfigError)
  await t.rejects(assembleNode(membership, { ...parts, quotas: { diskReserve: 1 } }), /from stage 10 on/)
  const { growthOf: _, ...uncounted } = production.application
  const other = production.withApplication({ ...uncounted, name: 'other' })
  await t.rejects(assembleNode(other, { ...parts, quotas: { maxStoreBytes: 1 } }), /other does not count its bytes/)
})
