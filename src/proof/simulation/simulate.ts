import { isDeepStrictEqual } from 'node:util'
import type { Command, GuaranteeId, NodeId, Outcome, Traced } from '../../contracts.js'
import { actsOf, type Fault } from '../../server/faults.js'
import type { Stage } from '../../stage.js'
import { checkHistory } from '../linearizability/index.js'
import { type Asked, History, SimulatedClient } from './client.js'
import { headerOf, SimulatedCluster } from './cluster.js'
import { type CounterName, type Counters, reported, sumCounters } from './counters.js'
import { healthyDisk } from './disk.js'
import { Fingerprint } from './fingerprint.js'
import type { Host } from './host.js'
import { type Finding, Judge, textOfPerformed } from './judge.js'
import { calm } from './network.js'
import type { Plan, PlannedCall } from './plan.js'

declare module '../../events.js' {
  interface TraceDetails {
    /** A client makes a call; `outcome` follows when the call has ended. */
    asked: { client: string; command: Command; to: NodeId | null }
    outcome: { client: string } & Outcome
  }
}

/** The result of a run. */
export interface Run {
  readonly plan: Plan
  /** A hash of all events: the same plan gives the same hash, always. */
  readonly traceHash: string
  /** A hash of the messages alone, in the order of sending: a refactoring must not change it. */
  readonly messageHash: string
  readonly operations: readonly Asked[]
  readonly findings: readonly Finding[]
  readonly counters: Counters
  readonly virtualMs: number
  /** Boundaries that each node passed: see {@link Plan.stop}. */
  readonly boundaries: ReadonlyMap<NodeId, number>
}

/** An event with its moment in virtual milliseconds, and its node where it has one. */
export type Moment = Traced & { readonly at: number }

/** A look between two steps of a run: resolves when the run may go on; undefined if it may at once. */
export type Room = (run: InHand) => Promise<void> | undefined

/** A run between two of its steps. */
export interface InHand {
  readonly cluster: SimulatedCluster
  /** From now on nothing happens by plan or by chance: no fault, no new call, no loss; what is broken stays so. */
  handOver(): void
  /** Does a fault by hand, and lets the judge know. A disk is replaced as it is asked for, safely or not. */
  perform(fault: Fault): void
}

/** Virtual milliseconds in which a mended cluster must serve again. */
const recoveryMs = 10_000
const restMs = 1_000
/** Virtual milliseconds after which a process that ended at a boundary is started again. */
const downMs = 50

/**
 * Plays a plan against a stage. First faults happen; then all is mended, and the cluster must serve again and its
 * replicas agree. The stage's invariants are checked after every step, and the clients' history at the end.
 *
 * @param hear called with every event
 * @param room asked between two steps
 */
export async function simulate(stage: Stage, plan: Plan, hear?: (event: Moment) => void, room?: Room): Promise<Run> {
  return new Simulation(stage, plan, hear, room).run()
}

class Simulation implements InHand {
  cluster!: SimulatedCluster
  readonly #stage: Stage
  readonly #plan: Plan
  readonly #hear: ((event: Moment) => void) | undefined
  readonly #room: Room
  readonly #trace = new Fingerprint()
  readonly #messages = new Fingerprint()
  readonly #history = new History()
  readonly #counters = sumCounters([])
  readonly #judge: Judge
  /** Nodes that performed each write, until it is answered; writes are told apart by their values. */
  readonly #holders = new Map<string, Set<NodeId>>()
  /** Boundaries that each node has passed. */
  readonly #boundaries = new Map<NodeId, number>()
  #running = 0
  #isHandedOver = false

  constructor(stage: Stage, plan: Plan, hear: ((event: Moment) => void) | undefined, room: Room = () => undefined) {
    this.#room = room
    this.#stage = stage
    this.#plan = plan
    this.#hear = hear
    this.#judge = new Judge(stage, ({ guarantee, what, at }) => hear?.({ event: 'finding', guarantee, what, at }))
  }

  async run(): Promise<Run> {
    const { seed, nodes, timing, applyBatch, weather, disk, fireMs } = this.#plan
    this.cluster = new SimulatedCluster({
      stage: this.#stage,
      seed,
      nodes,
      timing,
      applyBatch,
      isWatched: this.#hear !== undefined,
      trace: (event, node) => this.#traced(event, node),
      boundary: (node) => this.#passed(node),
      sent: (bytes) => this.#messages.addBytes(bytes),
    })
    this.#hear?.({ ...headerOf(this.cluster, timing.tickMs), at: 0 })
    await this.cluster.begin()
    if (!this.#plan.isFoundedUnderFire) await this.cluster.founded(nodes)
    this.cluster.network.weather = weather
    for (const one of this.cluster.disks) one.health = disk
    for (const { at, fault } of this.#plan.faults) {
      this.cluster.timeline.schedule(at, () => this.#isHandedOver || this.#perform(fault))
    }
    this.#startClients()
    await this.#pass(fireMs)
    this.#mend()
    await this.#recover()
    this.#checkHistory()
    const { fates, now, disks } = this.cluster
    // A link that is cut and a message that is lost on it are two things.
    const { cut: cut_off, ...others } = fates
    const torn = disks.reduce((sum, { torn }) => sum + torn, 0)
    return {
      plan: this.#plan,
      traceHash: this.#trace.digest() + this.#messages.digest(),
      messageHash: this.#messages.digest(),
      operations: this.#history.complete(),
      findings: this.#judge.findings,
      counters: { ...this.#counters, ...others, cut_off, torn },
      virtualMs: now,
      boundaries: this.#boundaries,
    }
  }

  /** Counts a node's boundary; before all is mended, ends the node at the plan's stop. */
  #passed(node: NodeId): void {
    if (this.#isHandedOver || this.cluster.now >= this.#plan.fireMs) return
    const passed = (this.#boundaries.get(node) ?? 0) + 1
    this.#boundaries.set(node, passed)
    const { stop } = this.#plan
    if (stop?.node !== node || stop.boundary !== passed) return
    this.#perform({ word: 'kill', nodes: [node] })
    this.cluster.timeline.schedule(downMs, () => this.#perform({ word: 'restart', nodes: [node] }))
  }

  #traced(event: Traced, node: NodeId | ''): void {
    const at = this.cluster?.now ?? 0
    if (watched.has(event.event)) return this.#hear?.({ ...event, node, at })
    this.#trace.addNumber(at)
    this.#trace.add(node)
    this.#trace.add(summary(event))
    if (node !== '') this.#judge.saw(event, node)
    if (node !== '' && event.event === 'restarted') this.#judge.newLife(node)
    if (event.event === 'apply') this.#holders.get(textOfPerformed(event))?.add(node)
    if (reported.has(event.event)) this.#count(event.event as CounterName)
    this.#hear?.(node === '' ? { ...event, at } : { ...event, node, at })
  }

  #count(name: CounterName): void {
    this.#counters[name]++
  }

  #find(guarantee: GuaranteeId, what: string, detail = ''): void {
    this.#judge.find(this.cluster, guarantee, what, detail)
  }

  async #pass(ms: number): Promise<void> {
    const end = this.cluster.now + ms
    await this.#until(() => false, end)
  }

  /** Takes steps until the condition holds or the moment has come; checks the invariants after each. */
  async #until(condition: () => boolean, end: number): Promise<boolean> {
    this.cluster.timeline.schedule(Math.max(0, end - this.cluster.now), () => {})
    while (!condition() && this.cluster.timeline.next <= end) {
      await this.cluster.step()
      const room = this.#room(this)
      if (room) await room
      this.#judge.check(this.cluster)
    }
    return condition()
  }

  #perform(fault: Fault): void {
    if (fault.word === 'wipe') return this.#wipe(fault.nodes[0]!)
    this.#count(fault.word)
    if (fault.word === 'kill' && fault.nodes.length === this.#plan.nodes) this.#count('power_loss')
    for (const { perform } of actsOf(this.cluster, fault)) perform()
  }

  /**
   * Replaces a node's disk, if all other voters may vote and know the same voters: a cluster survives one such loss,
   * and no more. In a joint configuration one disk may be half of the smaller set.
   */
  #wipe(node: NodeId): void {
    const voters = this.cluster.voters()
    const others = this.cluster.hosts.filter(({ id }) => id !== node && voters?.includes(id))
    const mayVote = ({ node }: Host) => node?.status.member === 'voter' && !node.status.outgoing
    const isKnown = ({ node }: Host) => isDeepStrictEqual(node?.status.voters, voters)
    if (others.length < 2 || !others.every(mayVote) || !others.every(isKnown)) return
    this.#count('wipe')
    this.cluster.kill(node)
    this.cluster.wipe(node)
    this.cluster.restart(node)
  }

  #startClients(): void {
    const sessions = new Map<string, PlannedCall[]>()
    for (const call of this.#plan.calls) {
      const session = sessions.get(call.client)
      if (session) session.push(call)
      else sessions.set(call.client, [call])
    }
    for (const [name, calls] of sessions) {
      this.#running++
      this.#session(new SimulatedClient(this.cluster, name, this.#plan.deadlineMs), calls, 0)
    }
  }

  #session(client: SimulatedClient, calls: readonly PlannedCall[], next: number): void {
    const call = calls[next]
    if (!call || this.#isHandedOver) {
      this.#running--
      return
    }
    this.cluster.timeline.schedule(call.pauseMs, () => {
      if (this.#isHandedOver) this.#running--
      else this.#ask(client, call, () => this.#session(client, calls, next + 1))
    })
  }

  #ask(client: SimulatedClient, { command, at }: PlannedCall, then: () => void): void {
    const asked = 'key' in command ? this.#history.asked(client.name, command, at, this.cluster.now) : null
    const write = JSON.stringify(command)
    if ('value' in command) this.#holders.set(write, new Set())
    this.cluster.trace({ event: 'asked', client: client.name, command, to: at })
    client.call(command, at, (outcome) => {
      if (asked) this.#history.answered(asked, outcome, this.cluster.now)
      this.#count(outcome.outcome)
      this.cluster.trace({ event: 'outcome', client: client.name, ...outcome })
      if (outcome.outcome === 'done') this.#checkMajority(write, command)
      this.#holders.delete(write)
      then()
    })
  }

  /**
   * Checks that a write answered OK is with a majority, where nodes hold copies of one store. Where members change, an
   * invariant checks it at the commit instead: the members may be others by now.
   */
  #checkMajority(write: string, command: Command): void {
    const holders = this.#holders.get(write)
    if (!holders || this.#isStandalone || this.#stage.members === 'changing') return
    const count = this.cluster.hosts.length
    const isInMemory = this.#stage.keeps === 'nothing'
    const copies = isInMemory ? holders.size : this.#judge.holdersOf(this.cluster, command.value).length
    if (copies * 2 <= count) this.#find('G4', `OK, and only ${copies} of ${count} nodes hold it: ${write}`)
  }

  #mend(): void {
    const cluster = this.cluster
    cluster.heal()
    this.#calm()
    for (const { id, isStopping } of cluster.hosts) if (isStopping) this.#perform({ word: 'kill', nodes: [id] })
    for (const { id, condition } of cluster.hosts) {
      if (condition === 'paused') cluster.resume(id)
      if (condition === 'dead') this.#perform({ word: 'restart', nodes: [id] })
    }
  }

  #calm(): void {
    this.cluster.network.weather = calm
    for (const disk of this.cluster.disks) disk.health = healthyDisk
  }

  handOver(): void {
    this.#isHandedOver = true
    this.#calm()
  }

  perform(fault: Fault): void {
    if (fault.word === 'wipe') for (const node of fault.nodes) this.cluster.wipe(node)
    else this.#perform(fault)
  }

  /** Runs phase two: with all mended, the sessions end, a write is served, and the replicas agree. */
  async #recover(): Promise<void> {
    await this.#until(() => this.#running === 0, this.cluster.now + recoveryMs * 10)
    const client = new SimulatedClient(this.cluster, 'last')
    const last = this.#plan.last ?? lastWrite
    let served: Outcome | undefined
    const end = this.cluster.now + recoveryMs
    const ask = () => {
      const asked = 'key' in last ? this.#history.asked('last', last, null, this.cluster.now) : null
      client.call(last, null, (outcome) => {
        if (asked) this.#history.answered(asked, outcome, this.cluster.now)
        served = outcome
        if (outcome.outcome !== 'done' && this.cluster.now < end) this.cluster.timeline.schedule(100, ask)
      })
    }
    ask()
    if (!(await this.#until(() => served?.outcome === 'done', end))) {
      this.#find('G10', 'with everything mended, no write was served', JSON.stringify(served))
    }
    await this.#pass(restMs)
    this.#compareReplicas()
  }

  /** True if the nodes know nothing of each other, as before stage 2. */
  get #isStandalone(): boolean {
    return this.cluster.hosts.every(({ node }) => !node || node.status.role === 'standalone')
  }

  /** Checks that replicas of one store are equal once nothing is under way. */
  #compareReplicas(): void {
    if (this.#isStandalone) return
    const voters = this.cluster.voters()
    const replicas = this.cluster.hosts.filter(({ id, node }) => node && (voters?.includes(id) ?? true))
    const contents = replicas.map((host) => ({ id: host.id, text: describeStore(host.contents()) }))
    const odd = contents.find(({ text }) => text !== contents[0]!.text)
    if (!odd) return
    const detail = contents.map(({ id, text }) => `${id} ${text}`).join('\n')
    this.#find('G6', `at rest, ${contents[0]!.id} and ${odd.id} hold different things`, detail)
  }

  #checkHistory(): void {
    const { verdict, violations } = checkHistory(this.#history.complete())
    if (verdict !== 'violation') return
    const { key, explanation, impossible } = violations[0]!
    const guarantee = this.#plan.climate === 'calm' ? 'G3' : 'G12'
    const what = `the answers about ${JSON.stringify(key)} fit no single store`
    this.#judge.findings.push({ guarantee, what, detail: explanation, at: impossible.return ?? this.cluster.now })
  }
}

/** Events that are traced only for somebody who looks on: a run is the same without them, and so is its hash. */
const watched: ReadonlySet<string> = new Set(['state', 'recovered', 'write', 'synced'])

/** Writes an event as text for the hash. A message is hashed once, by the bytes that are sent. */
function summary(event: Traced): string {
  const isMessage = 'message' in event && typeof event.message === 'object'
  return isMessage ? event.event : JSON.stringify(event)
}

const lastWrite = { command: 'set', key: 'last', value: 'after the storm' }

function describeStore(contents: ReadonlyMap<string, string>): string {
  const entries = [...contents].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')}}`
}
