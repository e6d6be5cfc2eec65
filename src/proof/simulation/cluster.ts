import {
  type Answer,
  defaultTiming,
  failure,
  type Member,
  type Message,
  type NodeId,
  type Status,
  type Timing,
  type Traced,
  type TraceEvent,
} from '../../contracts.js'
import type { Direction } from '../../network/faults.js'
import { jsonCodec } from '../../network/json-codec.js'
import { localMembers } from '../../network/local-members.js'
import { type Breakable, linksBetween } from '../../server/faults.js'
import type { Stage } from '../../stage.js'
import { traceFormat } from '../../trace/events.js'
import { SimulatedDisk } from './disk.js'
import { Host } from './host.js'
import { type Fate, SimulatedNetwork } from './network.js'
import { SeededRandom } from './random.js'
import { Timeline } from './timeline.js'

declare module '../../events.js' {
  interface TraceDetails {
    /** A message was lost by chance. */
    lost: { message: Message }
    /** A message was sent twice by chance. */
    duplicated: { message: Message }
    /** A message was lost on a cut link. */
    cut: { message: Message }
  }
}

export interface SimulationOptions {
  readonly stage: Stage
  readonly seed: number
  readonly nodes?: number
  readonly timing?: Timing
  /** False to leave out the {@link spares}, where members change; true if left out. */
  readonly spare?: boolean
  /** Commands that a state machine performs in one batch at most. */
  readonly applyBatch?: number
  /** True if states and writes are traced as well. */
  readonly isWatched?: boolean
  /** Called with every event; `node` is empty for an event of the cluster as a whole. */
  readonly trace?: (event: Traced, node: NodeId | '') => void
  /** Called before and after each thing that a node does to the world; it may kill the node. */
  readonly boundary?: (node: NodeId) => void
  /** Called with every message when it is sent, in its bytes on the wire. */
  readonly sent?: (bytes: Uint8Array) => void
}

/**
 * Turns that promises are given after a task was started: more than the longest chain in the shell and the state
 * machine. The number is a constant, so that a run is the same however busy the machine is.
 */
const microtaskTurns = 32

/** A client's connection, as the process that accepted it sees it. */
interface ServedConnection {
  /** The process has ended. */
  ended(): void
}

/** Nodes that run besides the founders and are no members yet, where members change. */
export const spares = 2

/** Makes the nodes of a simulated world, with their addresses in it. */
export const simulatedMembers = (count: number) => localMembers(count, 'sim', 7000)

/** Makes the first line of a cluster's trace. */
export function headerOf({ stage, hosts }: SimulatedCluster, tickMs: number): TraceEvent {
  return { event: 'trace', format: traceFormat, stage: stage.number, tickMs, nodes: hosts.map(({ id }) => id) }
}

/** Virtual milliseconds that the founding of a cluster may take. */
const foundingMs = 60_000

/** A cluster in virtual time. One seed decides all that happens in it. */
export class SimulatedCluster implements Breakable<void> {
  readonly timeline = new Timeline()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork
  readonly hosts: Host[] = []
  readonly disks: SimulatedDisk[] = []
  readonly stage: Stage
  /** All nodes, the spares behind the others. */
  readonly members: Member[] = []
  /** Counts of the fates of messages. */
  readonly fates: Record<Fate, number> = { sent: 0, delivered: 0, lost: 0, cut: 0, duplicated: 0 }
  readonly #byId = new Map<NodeId, Host>()
  /** Makes the machine of a node that knows these members. */
  readonly #make: (member: Member, known: readonly Member[]) => Host
  /** Connections of clients, by the node whose process accepted them. */
  readonly #connections = new Map<NodeId, Set<ServedConnection>>()
  readonly #hear: ((event: Traced, node: NodeId | '') => void) | undefined
  #stirred = false

  constructor(options: SimulationOptions) {
    const {
      stage,
      seed,
      nodes = 5,
      timing = defaultTiming,
      applyBatch = 1_024,
      spare = true,
      isWatched = false,
      trace,
      boundary,
      sent,
    } = options
    this.stage = stage
    this.random = new SeededRandom(seed)
    this.#hear = trace
    const deliver = (message: Message) => this.#byId.get(message.to)?.deliver(message, this.host(message.from))
    const witness = (fate: Fate, message: Message, bytes?: Uint8Array) => {
      this.fates[fate]++
      if (bytes) sent?.(bytes)
      if (fate !== 'sent' && fate !== 'delivered') this.trace({ event: fate, message } as Traced)
    }
    this.network = new SimulatedNetwork(this.timeline, this.random.fork(), jsonCodec(stage), deliver, witness)
    const members = simulatedMembers(nodes + (spare && stage.members === 'changing' ? spares : 0))
    const founders = members.slice(0, nodes)
    this.#make = (member, known) => {
      const { id } = member
      const random = this.random.fork()
      const bootstrap = member === founders[0]
      const disk = this.#newDisk()
      return new Host(stage, { id, members: known, random, timing, bootstrap, about: {} }, disk, {
        timeline: this.timeline,
        random,
        applyBatch,
        isWatched,
        send: (message) => this.network.send(message),
        trace: (event, node) => this.trace(event, node),
        boundary: (node) => boundary?.(node),
        ended: (node) => this.#ended(node),
        stir: () => {
          this.#stirred = true
        },
      })
    }
    for (const [at, member] of members.entries()) this.#put(member, at < nodes ? founders : [member])
  }

  #newDisk(): SimulatedDisk {
    const disk = new SimulatedDisk()
    this.disks.push(disk)
    return disk
  }

  #put(member: Member, known: readonly Member[]): Host {
    const host = this.#make(member, known)
    this.members.push(member)
    this.hosts.push(host)
    this.#byId.set(member.id, host)
    return host
  }

  /** Puts a new node beside the others and starts it; it is no member yet. Where members are fixed, it never is one. */
  join(member: Member): void {
    this.trace({ event: 'restarted' }, member.id)
    this.#put(member, [member]).start()
  }

  /** Starts a cluster, and waits until it is founded. */
  static async start(options: SimulationOptions): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options)
    await cluster.begin()
    await cluster.founded(options.nodes ?? 5)
    return cluster
  }

  async begin(): Promise<void> {
    for (const host of this.hosts) host.start()
    await this.pass(1)
  }

  /** Resolves when this many nodes are voters of one cluster; where members are fixed, at once. */
  async founded(nodes: number): Promise<void> {
    if (this.stage.members === 'fixed') return
    const isWhole = await this.until(() => this.voters()?.length === nodes, foundingMs)
    if (!isWhole) throw new Error(`no cluster of ${nodes} nodes was founded`)
  }

  /** Finds the leader's status; of two nodes that think they lead, of the one elected last. */
  leader(): Status | null {
    const statuses = this.hosts.flatMap(({ node }) => (node?.status.role === 'leader' ? [node.status] : []))
    return statuses.reduce<Status | null>((one, other) => ((one?.term ?? -1) >= (other.term ?? 0) ? one : other), null)
  }

  /**
   * Finds the voters, as the leader has them; null without a leader, in a joint configuration, or where members are
   * fixed.
   */
  voters(): readonly NodeId[] | null {
    const { voters, outgoing } = this.leader() ?? ({} as Partial<Status>)
    return voters && !outgoing ? voters : null
  }

  get now(): number {
    return this.timeline.now
  }

  trace(event: Traced, node: NodeId | '' = ''): void {
    this.#hear?.(event, node)
  }

  host(id: NodeId): Host {
    const host = this.#byId.get(id)
    if (!host) throw new Error(`there is no node ${id}`)
    return host
  }

  kill(id: NodeId): void {
    this.trace({ event: 'killed' }, id)
    this.host(id).kill()
  }

  /** Asks a node to end, and lets it answer its clients first; a paused node hears of it when it goes on. */
  stop(id: NodeId): void {
    this.host(id).stop(() => this.trace({ event: 'ended' }, id))
  }

  #ended(id: NodeId): void {
    this.#breakConnections(id)
    for (const host of this.hosts) if (host.id !== id) host.lost(id)
  }

  #breakConnections(id: NodeId): void {
    const open = this.#connections.get(id)
    this.#connections.delete(id)
    for (const connection of open ?? []) connection.ended()
  }

  /** Accepts a client's connection. @returns whether the node has a process that accepts it */
  joined(id: NodeId, connection: ServedConnection): boolean {
    if (this.host(id).condition === 'dead') return false
    const open = this.#connections.get(id)
    if (open) open.add(connection)
    else this.#connections.set(id, new Set([connection]))
    return true
  }

  /** Notes that a client has ended its connection. */
  left(id: NodeId, connection: ServedConnection): void {
    this.#connections.get(id)?.delete(connection)
  }

  restart(id: NodeId): void {
    if (this.host(id).condition !== 'dead') return
    this.trace({ event: 'restarted' }, id)
    this.host(id).start()
  }

  /** Installs another release on a node's machine: from its next life on, the node knows these features. */
  equip(id: NodeId, features: readonly string[]): void {
    this.host(id).features = features
  }

  /** Gives a dead node a new, empty disk: the node forgets its log and its vote. */
  wipe(id: NodeId): void {
    const at = this.hosts.indexOf(this.host(id))
    if (this.hosts[at]!.condition !== 'dead') return
    this.trace({ event: 'wiped' }, id)
    this.disks[at]!.wipe()
  }

  pause(id: NodeId): void {
    if (this.host(id).condition === 'dead') return
    this.trace({ event: 'paused' }, id)
    this.host(id).pause()
  }

  resume(id: NodeId): void {
    if (this.host(id).condition === 'dead') return
    this.trace({ event: 'resumed' }, id)
    this.host(id).resume()
  }

  cut(from: NodeId, to: NodeId, bothWays: boolean): void {
    const links: Direction[] = bothWays ? [`${from}>${to}`, `${to}>${from}`] : [`${from}>${to}`]
    this.#cut(links)
  }

  /** Cuts every link between these nodes and all the others. */
  split(nodes: readonly NodeId[]): void {
    this.#cut(linksBetween(nodes, [...this.#byId.keys()]))
  }

  #cut(links: readonly Direction[]): void {
    this.trace({ event: 'cut', links })
    for (const link of links) this.network.cut(link)
  }

  heal(): void {
    this.trace({ event: 'healed' })
    this.network.heal()
  }

  /** Asks one node. A dead node refuses; a node that is paused, or dies meanwhile, says nothing. */
  ask(id: NodeId, candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void): void {
    const host = this.host(id)
    if (host.condition === 'dead') return answer(failure('unreachable', `no connection to ${id}`))
    host.arrive((node) => node.ask(candidate, answer))
  }

  /** Goes on to the next task, and lets all that follows at once happen. @returns false if no task is left */
  async step(): Promise<boolean> {
    const happened = this.timeline.step()
    if (this.#stirred) {
      this.#stirred = false
      for (let turn = 0; turn < microtaskTurns; turn++) await undefined
    }
    return happened
  }

  /** Lets virtual time pass, in milliseconds. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms
    let over = false
    this.timeline.schedule(ms, () => {
      over = true
    })
    while (!over && this.timeline.next <= end) await this.step()
  }

  /** Lets time pass until the condition holds, or `ms` have passed. @returns whether it holds */
  async until(condition: () => boolean, ms: number): Promise<boolean> {
    const end = this.now + ms
    while (!condition() && this.timeline.next <= end) await this.step()
    return condition()
  }
}
