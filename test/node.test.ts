import t from 'tap'
import {
  type Answer,
  type Command,
  commandPayload,
  type Event,
  failure,
  type Member,
  type Message,
  makeEntry,
  noEffects,
  nothingRecovered,
  type Payload,
  type Persist,
  type Request,
} from '../src/contracts.js'
import { Node } from '../src/node.js'
import type { Stage } from '../src/stage.js'
import { MemorySnapshots } from '../src/storage/memory-snapshots.js'
import keyValueStore from '../stages/0-key-value-store/stage.js'
import { nodeOptions } from './helpers/core.js'

/** A world on strings: nothing happens until the test says so, and everything is written down. */
class Puppet {
  readonly events: string[] = []
  readonly fatal: Error[] = []
  #due: (() => void)[] = []
  #timers: { at: number; task: () => void }[] = []
  #now = 0
  #writes: ((error?: Error) => void)[] = []
  receive: (message: Message) => void = () => {}

  readonly clock = {
    now: () => this.#now,
    after: (ms: number, task: () => void) => {
      const timer = { at: this.#now + ms, task }
      this.#timers.push(timer)
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer)
      }
    },
    soon: (task: () => void) => void this.#due.push(task),
  }

  doors() {
    return {
      clock: this.clock,
      notice: (event: Event) => void this.events.push(`notice ${event.event}`),
      fatal: (error: Error) => void this.fatal.push(error),
      network: {
        start: async (receive: (message: Message) => void) => {
          this.receive = receive
        },
        send: (message: Message) => void this.events.push(`send ${message.type}`),
        setIdentity: () => {},
        setPeers: (peers: readonly Member[]) => void this.events.push(`peers ${peers.map(({ id }) => id).join(' ')}`),
        stop: async () => void this.events.push('network stopped'),
      },
      log: {
        open: async () => nothingRecovered,
        write: (batch: Persist) => {
          this.events.push(
            `write ${batch.records.map((record) => 'entry' in record && keyIn(record.entry.payload)).join(' ')}`,
          )
          return new Promise<void>((resolve, reject) => {
            this.#writes.push((error) => (error ? reject(error) : resolve()))
          })
        },
        snapshots: new MemorySnapshots(),
        close: async () => void this.events.push('log closed'),
      },
      machine: () => ({
        apply: async (batch: readonly Command[]): Promise<Answer[]> => {
          this.events.push(`apply ${batch.map(({ key }) => String(key)).join(' ')}`)
          return batch.map(({ key }) => ({ ok: true, value: key }))
        },
        query: async (batch: readonly Command[]): Promise<Answer[]> => {
          this.events.push(`query ${batch.map(({ key }) => String(key)).join(' ')}`)
          return batch.map(({ key }) => ({ ok: true, value: key }))
        },
        snapshot: async () => (async function* () {})(),
        restore: async () => void this.events.push('restore'),
        contents: () => new Map(),
      }),
    }
  }

  /** Runs what is due, and what comes of it, until nothing is. */
  async settle(): Promise<void> {
    for (;;) {
      for (let microtasks = 0; microtasks < 20; microtasks++) await Promise.resolve()
      const due = this.#due
      if (due.length === 0) return
      this.#due = []
      for (const task of due) task()
    }
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    const due = this.#timers.filter(({ at }) => at <= this.#now)
    this.#timers = this.#timers.filter(({ at }) => at > this.#now)
    for (const { task } of due) task()
    await this.settle()
  }

  async diskDone(error?: Error): Promise<void> {
    this.#writes.shift()!(error)
    await this.settle()
  }

  taken(): string[] {
    return this.events.splice(0)
  }
}

const keyIn = (payload: Payload | null) => payload?.kind === 'command' && (payload.command as Command).key

/** A core that persists before it applies, as a stage with a log does, and counts its ticks. */
function scripted(): Stage & { ticks: number } {
  const stage = {
    ...keyValueStore,
    ticks: 0,
    create() {
      let effects = noEffects()
      let breaksTurn = false
      return {
        status: { id: 'n1', stage: 0, role: '', leader: null, applied: 0, peers: [] },
        receive: (message: Message) => {
          if (message.type === 'Broken') throw new Error('broken by a message')
          if (message.type === 'BreaksTurn') breaksTurn = true
        },
        request({ id, command }: Request) {
          effects.send.push({ type: 'Now', from: 'n1', to: 'n2' })
          effects.sendWhenDurable.push({ type: 'Later', from: 'n1', to: 'n2' })
          const entry = { record: 'entry' as const, entry: makeEntry(id, 1, commandPayload(command)) }
          effects.persist = { records: [...(effects.persist?.records ?? []), entry], upTo: { index: id, term: 1 } }
        },
        tick: () => void stage.ticks++,
        durable({ index }: { index: number }) {
          effects.events.push({ event: `durable ${index}` } as never)
          effects.apply.push({
            index,
            term: 1,
            payload: commandPayload({ command: 'get', key: `k${index}` }),
            request: index,
          })
        },
        foreign() {},
        greeted() {},
        identity: null,
        held() {},
        saved() {},
        kept: () => [],
        restored() {},
        entries: () => [],
        perform: () => ({ isNew: true, result: { answer: null } }),
        applied: (index: number) => void effects.events.push({ event: `applied ${index}` } as never),
        take() {
          if (breaksTurn) throw new Error('broken at the end of a turn')
          const taken = effects
          effects = noEffects()
          return taken
        },
      }
    },
  }
  return stage
}

async function running(stage: Stage = scripted()) {
  const world = new Puppet()
  const node = new Node(stage, nodeOptions('n1'), world.doors())
  await node.start()
  await world.settle()
  const answers: Answer[] = []
  const ask = (key: string) => node.ask({ command: 'get', key }, (answer) => void answers.push(answer))
  return { world, node, answers, ask }
}

t.test('send → write → tell the core → send what waited → apply → answer', async (t) => {
  const { world, answers, ask } = await running()
  ask('a')
  t.same(world.taken(), [], 'nothing happens before the turn ends')
  await world.settle()
  t.same(world.taken(), ['send Now', 'write a'])
  t.same(answers, [])
  await world.diskDone()
  t.same(world.taken(), ['send Later', 'notice durable 1', 'apply k1', 'notice applied 1'])
  t.same(answers, [{ ok: true, value: 'k1' }])
})

t.test('a failed write ends the node: nothing more is sent, nobody is answered', async (t) => {
  const { world, answers, ask } = await running()
  ask('a')
  await world.settle()
  world.taken()
  await world.diskDone(new Error('EIO'))
  ask('b')
  await world.settle()
  t.same(world.taken(), [])
  t.match(world.fatal, [{ message: 'EIO' }])
  t.match(answers, [{ ok: false, error: { code: 'shutting_down' } }])
})

t.test('a broken invariant ends the node', async (t) => {
  const { world } = await running()
  world.receive({ type: 'Broken', from: 'n2', to: 'n1' })
  await world.settle()
  t.match(world.fatal, [{ message: 'broken by a message' }])
  await world.pass(1_000)
  t.same(world.taken(), [])
})

t.test('a rule that breaks at the end of a turn ends the node as well', async (t) => {
  const { world } = await running()
  world.receive({ type: 'BreaksTurn', from: 'n2', to: 'n1' })
  await world.settle()
  t.match(world.fatal, [{ message: 'broken at the end of a turn' }])
})

t.test('what is thrown while effects are carried out ends the node', async (t) => {
  const { world, answers, ask } = await running()
  world.events.push = () => {
    throw new Error('broken in the network')
  }
  ask('a')
  await world.settle()
  t.match(world.fatal, [{ message: 'broken in the network' }])
  t.same(answers, [])
})

t.test('ticks that were missed are not made up for', async (t) => {
  const stage = scripted()
  const { world } = await running(stage)
  await world.pass(10)
  t.equal(stage.ticks, 1)
  await world.pass(10_000)
  t.equal(stage.ticks, 2, 'a pause of a thousand ticks is one tick')
  await world.pass(10)
  t.equal(stage.ticks, 3)
})

t.test('stopping: what is new is refused, what waits is answered, or unknown when it takes too long', async (t) => {
  const { world, node, answers, ask } = await running()
  ask('a')
  await world.settle()
  const stopped = node.stop(1_000)
  ask('b')
  t.match(answers, [{ ok: false, error: { code: 'shutting_down', definite: true } }])
  await world.diskDone()
  await stopped
  t.match(answers[1], { ok: true, value: 'k1' })
  t.same(world.taken().slice(-2), ['network stopped', 'log closed'])

  const twice = await running()
  twice.ask('a')
  await twice.world.settle()
  const stops = [twice.node.stop(1_000), twice.node.stop(1_000)]
  await Promise.resolve()
  t.notOk(twice.world.taken().includes('log closed'))
  await twice.world.diskDone()
  await stops[1]
  t.ok(twice.world.taken().includes('log closed'), 'who asks again waits for the same end')

  const slow = await running()
  slow.ask('a')
  await slow.world.settle()
  const ended = slow.node.stop(1_000)
  await slow.world.pass(1_000)
  await ended
  t.match(slow.answers, [failure('connection_lost', 'the node stopped before it knew the outcome')])
})

t.test('more requests than may wait are refused as overloaded, definitely', async (t) => {
  const { answers, ask } = await running(keyValueStore)
  for (let count = 0; count < 65_536; count++) ask('a')
  t.same(answers, [])
  ask('one more')
  t.match(answers, [{ ok: false, error: { code: 'overloaded', definite: true } }])
})

t.test('requests that fill the memory are refused as overloaded: bytes count, and small ones still fit', async (t) => {
  const { node, answers, ask } = await running(keyValueStore)
  const large = { command: 'set', key: 'k', value: 'x'.repeat(1024 * 1024) }
  const refused: Answer[] = []
  for (let count = 0; count < 40; count++) node.ask(large, (answer) => void refused.push(answer))
  t.ok(refused.length >= 8, `${40 - refused.length} MiB of text are kept waiting`)
  t.ok(refused.length <= 10)
  for (const answer of refused) t.match(answer, { ok: false, error: { code: 'overloaded', definite: true } })
  ask('small')
  t.same(answers, [])
})
