/**
 * `npm run bench:core`: the processor time of a set in a cluster of five nodes that share this process. There is no
 * disk, no socket and no tick: rules, shell, codec and state machine are left. So the figure hardly depends on what
 * else the machine does, and two versions of the code can be compared by it.
 */
import { createWriteStream } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemClock, systemRandom } from '../../src/clock.js'
import {
  type Clock,
  type Codec,
  defaultTiming,
  type Message,
  type Network,
  type NodeId,
  type Status,
} from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { Node } from '../../src/node.js'
import { Outlet } from '../../src/server/outlet.js'
import { gathered } from '../../src/server/tracing.js'
import { MemoryLog } from '../../src/storage/memory-log.js'
import { LiveTrace } from '../../src/trace/live.js'
import { doorsOf, hearsAll, StateWatch, type Tracer, watchedLog } from '../../src/trace/watch.js'
import { findStage, latest } from '../../stages/index.js'
import { five } from '../helpers/core.js'

/** Parts of a measurement; the least of them is the figure, because what disturbs can only add. */
const parts = 10
/** No snapshot is due. */
const timing = { ...defaultTiming, snapshotEntries: 1e9, snapshotBytes: 1e12 }

/** A network within this process: what is sent in one turn of the event loop arrives in the next. */
class Loop implements Network {
  readonly #all: Map<NodeId, Loop>
  readonly #codec: Codec
  #arrived: Uint8Array[] = []
  #receive: (message: Message) => void = () => {}

  constructor(id: NodeId, all: Map<NodeId, Loop>, codec: Codec) {
    this.#all = all.set(id, this)
    this.#codec = codec
  }

  async start(receive: (message: Message) => void): Promise<void> {
    this.#receive = receive
  }

  send(message: Message): void {
    this.#all.get(message.to)!.#take(this.#codec.encode(message))
  }

  #take(bytes: Uint8Array): void {
    if (this.#arrived.push(bytes) > 1) return
    setImmediate(() => {
      const arrived = this.#arrived
      this.#arrived = []
      for (const each of arrived) this.#receive(this.#codec.decode(each))
    })
  }

  setIdentity(): void {}
  setPeers(): void {}
  async stop(): Promise<void> {}
}

/** A clock on which time passes only when {@link pass} is called. */
class StillClock implements Clock {
  readonly soon = systemClock.soon
  readonly now = systemClock.now
  #tasks: (() => void)[] = []

  after(_ms: number, task: () => void): () => void {
    this.#tasks.push(task)
    return () => {
      this.#tasks = this.#tasks.filter((one) => one !== task)
    }
  }

  pass(): void {
    for (const task of this.#tasks.splice(0)) task()
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Who listens to the steps of the nodes: nobody, a page that is open on them, or a file for everything. */
const listeners = ['nobody', 'page', 'file'] as const
type Listener = (typeof listeners)[number]

/** Makes what hears of every step; the lines are made, and nobody reads them. */
function listening(id: NodeId, listener: Listener): Tracer | undefined {
  if (listener === 'nobody') return undefined
  const outlet = new Outlet(createWriteStream('/dev/null'), () => '', 64 * 1024 * 1024)
  const { tell } = gathered(id, (text, lines) => outlet.writeLines(text, lines))
  return listener === 'file' ? hearsAll(tell) : new LiveTrace(systemClock, tell)
}

/** Makes the doors of a node that somebody listens to: the same as in `assembleNode`. */
function doorsFor(id: NodeId, listener: Listener, statusOf: () => Status) {
  const tracer = listening(id, listener)
  if (!tracer) return { log: new MemoryLog() }
  const states = new StateWatch(tracer, systemClock, statusOf)
  return { log: watchedLog(new MemoryLog(), tracer), ...doorsOf(tracer), turned: () => states.turned() }
}

/** Starts five nodes of a stage; resolves to the leader when all follow it. */
async function start(name: string, listener: Listener): Promise<Node> {
  const stage = findStage(name)
  if (!stage || stage.keeps === 'nothing') throw new ConfigError(`no stage ${name} with a log`)
  const [clock, loops] = [new StillClock(), new Map<NodeId, Loop>()]
  const nodes = five.map(({ id }) => {
    const network = new Loop(id, loops, jsonCodec(stage))
    const settings = { id, members: five, random: systemRandom, timing, bootstrap: id === 'n1', about: {} }
    const fatal = (error: Error) => {
      throw error
    }
    const { machine } = stage.application
    const doors = doorsFor(id, listener, () => node.status)
    const node: Node = new Node(stage, settings, { network, machine, clock, ...doors, notice: () => {}, fatal })
    return node
  })
  for (const node of nodes) await node.start()
  for (;;) {
    clock.pass()
    for (let turns = 0; turns < 8; turns++) await turn()
    const leader = nodes.find(({ status }) => status.role === 'leader')
    if (leader && nodes.every(({ status }) => status.leader === leader.status.id && status.applied > 0)) return leader
  }
}

/** A source of requests: each is made when a client is about to ask it, and the client takes it back when answered. */
interface Requests {
  next(): Readonly<Record<string, unknown>>
}

const value = 'x'.repeat(256)

function sets(): Requests {
  let made = 0
  return { next: () => ({ command: 'set', key: `key ${made++ % 1_000}`, value }) }
}

function gets(): Requests {
  let made = 0
  return { next: () => ({ command: 'get', key: `key ${made++ % 1_000}` }) }
}

/** Opens sessions, and has them make the calls one after the other; each acknowledges all its earlier ones. */
async function setsOfSessions(leader: Node, count: number, clients: number): Promise<Requests> {
  const open = () =>
    new Promise<number>((resolve) =>
      leader.ask({ command: 'open_session' }, (answer) => resolve(Number((answer as { session?: unknown }).session))),
    )
  const names: number[] = []
  while (names.length < count) names.push(...(await Promise.all(Array.from({ length: 100 }, open))))
  const plain = sets()
  let made = 0
  return {
    next() {
      const [session, sequence] = [names[made % count]!, Math.floor(made / count) + 1]
      made++
      // With fewer sessions than clients, several calls of a session are under way at once.
      const firstOutstanding = Math.max(1, sequence - Math.ceil(clients / count))
      return { ...plain.next(), session, sequence, firstOutstanding }
    },
  }
}

/** Has `clients` closed loops ask, `count` times in all. @returns microseconds of processor time for each request */
async function load(leader: Node, clients: number, count: number, requests: Requests): Promise<number> {
  let left = count
  const ask = () =>
    new Promise<void>((resolve, reject) =>
      leader.ask(requests.next(), (answer) => (answer.ok ? resolve() : reject(new Error(answer.error.message)))),
    )
  const client = async () => {
    while (left-- > 0) await ask()
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: clients }, client))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

const { values } = parseArgs({
  options: {
    stage: { type: 'string', default: latest.name },
    clients: { type: 'string', default: '1,64,1000' },
    count: { type: 'string', default: '20000' },
    gets: { type: 'boolean', default: false },
    /** Who listens; a pair of runs tells what it costs. */
    listener: { type: 'string', default: 'nobody' },
    /** Sessions that make the calls; 0: the calls are of no session. */
    sessions: { type: 'string', default: '0' },
  },
})
const listener = listeners.find((one) => one === values.listener)
if (!listener) throw new ConfigError(`--listener is one of ${listeners.join(', ')}`)
const [count, sessions] = [Number(values.count), Number(values.sessions)]
for (const clients of values.clients.split(',').map(Number)) {
  const leader = await start(values.stage, listener)
  const requests = values.gets ? gets() : sessions > 0 ? await setsOfSessions(leader, sessions, clients) : sets()
  await load(leader, clients, count / 2, requests)
  const measured: number[] = []
  for (let part = 0; part < parts; part++) measured.push(await load(leader, clients, count / parts, requests))
  const what = values.gets ? 'a get' : sessions > 0 ? `a set of one of ${sessions} sessions` : 'a set'
  const least = Math.min(...measured).toFixed(1)
  console.log(`${values.stage}, ${clients} clients: ${least} µs of CPU ${what}, all five nodes`)
}
