/** A node whose disk has no room for a snapshot: it goes on without, says so, and tries again. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { systemClock } from '../src/clock.js'
import type { Chunk, Clock, Event, LogStore, Message, Network, Snapshot } from '../src/contracts.js'
import { Node } from '../src/node.js'
import { NoRoomError } from '../src/storage/errors.js'
import { MemoryLog } from '../src/storage/memory-log.js'
import logCompaction from '../stages/7-log-compaction/stage.js'
import { memberList, nodeOptions } from './helpers/core.js'
import { chunksOf } from './storage/stores.js'

/** The machine's clock, but for long pauses, which pass when the test says so. */
class PatientClock implements Clock {
  #ahead = 0
  #pauses: { at: number; task: () => void }[] = []
  readonly soon = systemClock.soon

  now(): number {
    return systemClock.now() + this.#ahead
  }

  after(ms: number, task: () => void): () => void {
    if (ms < 500) return systemClock.after(ms, task)
    const pause = { at: this.now() + ms, task }
    this.#pauses.push(pause)
    return () => void this.#pauses.splice(this.#pauses.indexOf(pause), 1)
  }

  pass(ms: number): void {
    this.#ahead += ms
    const due = this.#pauses.filter(({ at }) => at <= this.now())
    this.#pauses = this.#pauses.filter(({ at }) => at > this.now())
    for (const { task } of due) task()
  }
}

/** One node that may be full, and what it says. */
async function started(t: { teardown(end: () => void): void }, members: number) {
  const disk = { isFull: true, tries: 0 }
  const memory = new MemoryLog()
  const unlessFull = <Result>(keep: () => Promise<Result>): Promise<Result> => {
    disk.tries++
    return disk.isFull ? Promise.reject(new NoRoomError('the disk is full')) : keep()
  }
  const log: LogStore = {
    open: () => memory.open(),
    write: (batch) => memory.write(batch),
    close: () => memory.close(),
    snapshots: {
      save: (header, body) => unlessFull(() => memory.snapshots.save(header, body)),
      load: (id) => memory.snapshots.load(id),
      read: (id, offset, length) => memory.snapshots.read(id, offset, length),
      receive: (chunk) => unlessFull(() => memory.snapshots.receive(chunk)),
      hold: (snapshots) => memory.snapshots.hold(snapshots),
    },
  }
  const sent: Message[] = []
  let receive = (_: Message) => {}
  const network: Network = {
    start: async (hear) => {
      receive = hear
    },
    setIdentity() {},
    send: (message) => void sent.push(message),
    setPeers() {},
    stop: async () => {},
  }
  const events: Event[] = []
  const clock = new PatientClock()
  const options = nodeOptions('n1', memberList(members))
  const node = new Node(
    logCompaction,
    { ...options, timing: { ...options.timing, snapshotEntries: 5, electionTicks: 2, heartbeatTicks: 1 } },
    {
      network,
      machine: logCompaction.application.machine,
      clock,
      log,
      notice: (event) => void events.push(event),
      fatal: (error) => {
        throw error
      },
    },
  )
  await node.start()
  t.teardown(() => node.kill())
  const set = () =>
    new Promise<void>((resolve) => {
      const ask = () =>
        node.ask({ command: 'set', key: 'a', value: '1' }, ({ ok }) => (ok ? resolve() : setTimeout(ask)))
      ask()
    })
  return { node, disk, clock, events, sent, set, receive: (message: Message) => receive(message) }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

const failures = (events: Event[]) => events.filter(({ event }) => event === 'snapshot_failed')

t.test('its own snapshot', async (t) => {
  const { node, disk, clock, events, set } = await started(t, 1)
  for (let count = 0; count < 8; count++) await set()
  await until(() => failures(events).length === 1)
  t.match(failures(events), [{ message: 'the disk is full', retryMs: 1_000 }])
  t.match(node.status, { snapshotFailed: 'the disk is full' })
  for (let count = 0; count < 8; count++) await set()
  t.equal(disk.tries, 1, 'not tried again at once')
  clock.pass(1_000)
  await until(() => failures(events).length === 2)
  t.match(failures(events)[1], { retryMs: 2_000 }, 'the next pause is longer')
  disk.isFull = false
  clock.pass(2_000)
  await until(() => events.some(({ event }) => event === 'snapshot'))
  t.equal((node.status.snapshot as Snapshot).index >= 16, true)
  t.notOk(Object.hasOwn(node.status, 'snapshotFailed'))
})

t.test("a leader's snapshot", async (t) => {
  const { node, disk, clock, events, sent, receive } = await started(t, 3)
  const chunks = await chunksOf({ index: 9, term: 7 }, '["a","1"]\n', 40)
  const give = (chunk: Chunk) => receive({ ...chunk, term: 9, sequence: 1 } as Message)
  give(chunks[0]!)
  await until(() => failures(events).length === 1)
  t.match(node.status, { snapshotFailed: 'the disk is full' })
  const replies = () => sent.filter(({ type }) => type === 'InstallSnapshotReply')
  for (let count = 0; count < 5; count++) give(chunks[0]!)
  await turn()
  await turn()
  t.equal(disk.tries, 1)
  t.same(replies(), [], 'the leader is not told anything, and will send it again')
  disk.isFull = false
  clock.pass(1_000)
  for (const chunk of chunks) give(chunk)
  await until(() => events.some(({ event }) => event === 'installed'))
  t.match(replies().at(-1), { matchIndex: 9 })
})
