import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { parseAddress } from '../address.js'
import type { Event, Member, NodeId, Status } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { Direction } from '../network/faults.js'
import { localAddress } from '../network/local-members.js'
import type { LogKind, NetworkName } from '../stage.js'
import { type Child, endChildren, isMajorityAlive, spawnNode, touches } from './child.js'
import { readComplaints, readEvents, readSteps } from './child-output.js'
import { anyAddress, type Choices, type NodeConfig, type Pace, writableFolder } from './config.js'
import type { Hosts } from './hosts/hosts.js'
import { MessageFaults, PacketFaults } from './link-faults.js'
import { Orders } from './orders.js'
import { badStarts, type Contents, type Errand, type Obeyed } from './process.js'
import { ProcessFaults } from './process-faults.js'
import type { Quotas } from './quotas.js'
import {
  type Awaited,
  awaited,
  checkReachable,
  exitCodeOfAll,
  membersIn,
  notServing,
  type Sight,
  withoutLink,
} from './readiness.js'
import { watchDescriptor } from './tracing.js'
import { Watch } from './watch.js'

declare module '../events.js' {
  interface EventDetails {
    /** A cluster does not serve yet, after this many seconds. */
    starting: { seconds: number; for: readonly Awaited[] }
    started: { pid: number | undefined; client: string; peer: string }
    node_died: { code: number | null; signal: string | null }
  }
}

export interface ClusterOptions {
  readonly stage: number
  /** The script that a child runs; it gets its configuration as JSON in its first argument. */
  readonly entry: string
  readonly members: readonly Member[]
  /**
   * True if the cluster has been founded before, false if its first member founds it, with all members. Null where the
   * members are fixed.
   */
  readonly isFounded: boolean | null
  /** The members that a node is told, where a test does not tell it all of them. */
  readonly membersOf?: (id: NodeId) => readonly Member[]
  /** The network that carries messages between nodes. */
  readonly network: NetworkName
  readonly cluster: string
  readonly log: LogKind
  readonly pace: Pace
  /** Sizes of the log at which a snapshot is due; the usual ones unless given. */
  readonly choices?: Partial<Choices>
  /** Bounds on what clients make each node hold. */
  readonly quotas?: Quotas
  /** The distance of each node's port for gRPC from its port for clients; no such ports if it is left out. */
  readonly appPortsAbove?: number | undefined
  /** Folder with a folder for each node; null if the stage keeps nothing. */
  readonly dataDir: string | null
  /** Folder for a trace file of each node; null for no traces. */
  readonly traceDir: string | null
  /** The distance of each node's port for metrics from its port for clients; no such ports if it is left out. */
  readonly metricsPortsAbove?: number | undefined
  /** Hosts for the nodes, one each, whose packets can be lost; without them, all nodes run on this machine. */
  readonly hosts?: Hosts | null
  /** The tokens that nodes demand; none if it is left out. */
  readonly access?: Pick<NodeConfig, 'tokens' | 'metricsOpen' | 'supervisor'> | undefined
  /** The certificate of each node, where they speak TLS. */
  readonly tlsOf?: ((id: NodeId) => NonNullable<NodeConfig['tls']>) | undefined
  /** Called with every event from the start on; later listeners {@link Cluster.subscribe}. */
  readonly onEvent: (event: Event) => void
  /** Called with every step of each node, if somebody looks on: a sample where they are many. */
  readonly onTrace?: (event: Event) => void
  /** Called with text that a node prints to its standard error: a sound node prints nothing. */
  readonly onStderr: (node: NodeId, text: string) => void
}

/** Milliseconds that the nodes may take at start to serve and to find each other. */
const startMs = 60_000
/** Milliseconds that nodes may take to connect again, or to obey an order. */
const settleMs = 3_000
/** Milliseconds between two reports of what the cluster waits for. */
const tellMs = 10_000
/** Milliseconds that a node may take to end before it is killed, besides the time of a hand-over. */
const stopMs = 3_000
/** Milliseconds between two questions to the nodes for their status, while nothing else happens. */
const lookMs = 50

/**
 * A cluster as child processes of this one. They are started in order, killed, paused and cut off on demand, and ended
 * together. A node that dies is reported and stays dead until it is restarted.
 */
export class Cluster {
  readonly #options: ClusterOptions
  #isFounded: boolean
  readonly #children = new Map<NodeId, Child>()
  /** Links that are up, as the nodes report them. */
  readonly #links = new Set<Direction>()
  readonly #listeners = new Set<(event: Event) => void>()
  /** Faults that can be done to the cluster on purpose. */
  readonly faults: ProcessFaults
  readonly #watch = new Watch()
  readonly #orders = new Orders(this.#watch)
  #awaited: readonly Awaited[] = []

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#isFounded = options.isFounded ?? true
    this.#listeners.add(options.onEvent)
    const ids = () => [...this.#children.keys()]
    const order = (id: NodeId, errand: Errand) => this.#order(id, errand)
    const messages = new MessageFaults(ids, order)
    this.faults = new ProcessFaults({
      dataDir: options.dataDir,
      ids,
      child: (id) => this.#child(id),
      end: (child) => endChildren([child], this.#stopMs),
      start: async (member) => {
        this.#spawn(member)
        await this.#up(member.id)
      },
      links: this.hosts ? new PacketFaults(this.hosts, messages) : messages,
      order,
      settled: () => this.settled(),
    })
  }

  /** Adds a listener for all events, the supervisor's and the nodes'. @returns a function that removes the listener */
  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(event: Event): void {
    for (const listener of this.#listeners) listener(event)
  }

  /**
   * Starts every node and waits until clients are served, for {@link startMs} at most. Clients are served when all
   * nodes serve and have found each other, a node leads, and, where the cluster is being founded, all nodes are voters.
   *
   * @throws ConfigError if a node cannot start, or can never be reached; the other nodes are stopped then
   */
  async start(): Promise<void> {
    const began = Date.now()
    const tell = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1_000)
      this.#tell({ event: 'starting', seconds, for: this.awaited })
    }, tellMs)
    try {
      for (const { id } of this.#options.members) await this.hosts?.add(id)
      for (const member of this.#options.members) this.#spawn(member)
      for (const { id } of this.#options.members) await this.#up(id)
      await this.ready(startMs, () => !isMajorityAlive([...this.#children.values()]))
      checkReachable(this.#awaited, [...this.#children.values()], startMs)
    } catch (error) {
      await this.stop()
      throw error
    } finally {
      clearInterval(tell)
    }
  }

  /** The hosts of the nodes, if each has one of its own. */
  get hosts(): Hosts | null {
    return this.#options.hosts ?? null
  }

  /** True if clients were served when the supervisor last looked. */
  get isReady(): boolean {
    return this.awaited.length === 0
  }

  /** Nodes and facts that the cluster still waits for before clients are served. */
  get awaited(): readonly Awaited[] {
    const starting = notServing([...this.#children.values()])
    return starting.length > 0 ? starting : this.#awaited
  }

  /**
   * Waits until clients are served, for `ms` milliseconds at most, or until waiting is hopeless. @returns whether
   * clients are served
   */
  async ready(ms: number, isHopeless = () => false): Promise<boolean> {
    const isOver = (sight: Sight) => {
      this.#awaited = awaited(sight)
      return this.isReady || isHopeless()
    }
    await this.#untilSight(isOver, ms, true)
    if (this.isReady) this.#isFounded = true
    return this.isReady
  }

  /** The exit code with which the cluster has ended, by {@link exitCodeOfAll}. */
  get exitCode(): number | null {
    return exitCodeOfAll([...this.#children.values()])
  }

  /** True if all founding members are in the cluster; true as well where the members are fixed. */
  get isFounded(): boolean {
    return this.#isFounded
  }

  nodes() {
    return [...this.#children.values()].map(({ member, process, condition }) => {
      const { id, client, peer } = member
      const { metricsPortsAbove: above } = this.#options
      const metrics = above === undefined ? null : localAddress(member, above)
      return { id, pid: process.pid ?? null, condition, client, peer, metrics }
    })
  }

  /** Reads the contents of all running nodes over their channels, not as a client. */
  async look(): Promise<(Contents & { readonly node: NodeId })[]> {
    const seen = await Promise.all(
      [...this.#children.keys()].map(async (node) => ({ node, ...(await this.#order(node, { look: true }))?.seen })),
    )
    return seen.filter((one): one is Contents & { node: NodeId } => one.entries !== undefined)
  }

  /** Reads the status of all running nodes, as `info` gives it. */
  async statuses(): Promise<Status[]> {
    const told = await Promise.all([...this.#children.keys()].map((id) => this.#order(id, { status: true })))
    return told.flatMap((obeyed) => obeyed?.status ?? [])
  }

  /**
   * Starts one more node. The node knows only itself, and serves no client until it becomes a member.
   *
   * @throws ConfigError if the node cannot start, or runs already
   */
  async add(member: Member): Promise<Event> {
    const { id } = member
    if (this.#children.has(id)) throw new ConfigError(`${id} is there already`)
    await this.hosts?.add(id)
    this.#spawn(member)
    try {
      await this.#up(id)
    } catch (error) {
      await this.remove(id)
      throw error
    }
    await this.faults.tell(id)
    return { event: 'started', node: id, pid: this.#child(id).process.pid, client: member.client, peer: member.peer }
  }

  /** Ends a node's process, and forgets the node, also if it is still a member. */
  async remove(id: NodeId): Promise<void> {
    await endChildren([this.#child(id)], this.#stopMs)
    this.#children.delete(id)
    await this.faults.forget(id)
  }

  /** Ends every node: asks first, and kills after {@link stopMs}. */
  async stop(): Promise<void> {
    await endChildren([...this.#children.values()], stopMs, { areAll: true })
  }

  /** Milliseconds that one node may take to end: a hand-over takes two election time-outs at most. */
  get #stopMs(): number {
    return stopMs + 2 * this.#options.pace.electionMs
  }

  #child(id: NodeId): Child {
    const child = this.#children.get(id)
    if (!child) throw new ConfigError(`there is no node ${id}; there are ${[...this.#children.keys()].join(', ')}`)
    return child
  }

  #spawn(member: Member): void {
    const { stage, entry, network, cluster, log, pace, choices, dataDir, traceDir, onTrace } = this.#options
    const { appPortsAbove, metricsPortsAbove, access, tlsOf } = this.#options
    const portAbove = (above: number | undefined) =>
      above === undefined ? null : parseAddress(localAddress(member, above))!.port
    const config = {
      stage,
      id: member.id,
      ...this.#told(member),
      network,
      cluster,
      log,
      ...pace,
      ...choices,
      quotas: this.#options.quotas ?? {},
      ...access,
      tls: tlsOf?.(member.id) ?? null,
      appPort: portAbove(appPortsAbove),
      metricsPort: portAbove(metricsPortsAbove),
      dataDir: dataDir && join(dataDir, member.id),
      trace: traceDir && join(writableFolder(traceDir), `${member.id}.ndjson`),
      watched: onTrace !== undefined,
      // On a host, a node is told by its name, and the host may get another address.
      listen: this.hosts ? anyAddress : null,
    }
    const child = spawnNode(member, entry, config, this.hosts)
    child.ended = new Promise<void>((resolve) => {
      child.process.once('close', (code, signal) => {
        this.#ended(child, code, signal)
        resolve()
      })
    })
    this.#children.set(member.id, child)
    child.process.on('message', (obeyed: unknown) => this.#orders.heard(obeyed))
    readEvents(member.id, child.process.stdout!, (event) => this.#reported(child, event))
    const steps = child.process.stdio[watchDescriptor]
    if (steps && onTrace) readSteps(member.id, steps as Readable, onTrace)
    readComplaints(child.process.stderr!, (text) => this.#options.onStderr(member.id, text))
  }

  /**
   * Chooses the members that a node is told at its start. Where members change, only the founder is told the others,
   * and only while it founds the cluster.
   */
  #told(member: Member): Pick<NodeConfig, 'members' | 'bootstrap'> {
    const { members, membersOf, isFounded } = this.#options
    const told = [...(membersOf?.(member.id) ?? members)]
    if (isFounded === null) return { members: told, bootstrap: false }
    const bootstrap = !this.#isFounded && member.id === members[0]!.id
    return { members: bootstrap ? told : [member], bootstrap }
  }

  #reported(child: Child, event: Event): void {
    const { id } = child.member
    child.last = event.event
    if (event.event === 'serving' && child.condition === 'starting') child.condition = 'up'
    if (badStarts.has(event.event) && child.condition === 'starting') child.damaged = true
    if (event.event === 'cannot_start') return this.#complained(child, String(event.message))
    if (event.event === 'link_up') this.#links.add(`${id}>${String(event.peer)}`)
    if (event.event === 'link_down') this.#links.delete(`${id}>${String(event.peer)}`)
    this.#tell(event)
    this.#watch.changed()
  }

  /** Notes a node's complaint, which becomes the error of {@link #up}; the end of the node is then not reported. */
  #complained(child: Child, complaint: string): void {
    child.complaint = complaint
    child.expected = true
  }

  #ended(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    const { id } = child.member
    child.condition = 'dead'
    child.code = code
    for (const link of this.#links) if (touches(link, id)) this.#links.delete(link)
    if (!child.expected) this.#tell({ event: 'node_died', node: id, code, signal })
    this.#watch.changed()
  }

  /**
   * Resolves when a node serves, or has refused its own folder. @throws ConfigError in the node's own words if it
   * cannot serve
   */
  async #up(id: NodeId): Promise<void> {
    const child = this.#child(id)
    await this.#watch.until(() => child.condition !== 'starting', startMs)
    // A node with a bad folder stays down: the other nodes are well, and can serve without it.
    if (child.condition === 'up' || child.damaged) return
    const why =
      child.condition === 'starting'
        ? `has not begun to serve within ${startMs / 1_000} s`
        : `ended before it served (${child.code === null ? 'killed' : `exit code ${child.code}`}); what it printed is above`
    throw new ConfigError(child.complaint ?? `${id} ${why}`)
  }

  /** Resolves when every running member is connected to every other one, or after {@link settleMs}. */
  async settled(): Promise<void> {
    await this.#untilSight((sight) => withoutLink(sight).length === 0, settleMs, this.#options.isFounded !== null)
  }

  async #look(isAsked: boolean): Promise<Sight> {
    const isFounded = this.#options.isFounded === null ? null : this.#isFounded
    const statuses = isAsked ? await this.statuses() : []
    const seen = { children: [...this.#children.values()], links: this.#links, isFounded, statuses }
    return { ...seen, members: membersIn(seen) }
  }

  /**
   * Waits until the condition holds for the state of the nodes, for `ms` milliseconds at most. @param isAsked whether
   * the nodes are asked for their status
   */
  async #untilSight(condition: (sight: Sight) => boolean, ms: number, isAsked: boolean): Promise<void> {
    const end = performance.now() + ms
    while (!condition(await this.#look(isAsked))) {
      const left = end - performance.now()
      if (left <= 0) return
      await this.#watch.next(Math.min(lookMs, left))
    }
  }

  #order(id: NodeId, errand: Errand): Promise<Obeyed | undefined> {
    return this.#orders.give(this.#child(id), errand, settleMs)
  }
}
