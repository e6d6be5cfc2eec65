import { join } from 'node:path'
import type { Event, Member, NodeId, Status } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { Direction } from '../network/faults.js'
import type { LogKind, NetworkName } from '../stage.js'
import { type Child, endChildren, isMajorityAlive, spawnNode, touches } from './child.js'
import { readComplaints, readEvents } from './child-output.js'
import { type Limits, type NodeConfig, type Pace, writableFolder } from './config.js'
import { Orders } from './orders.js'
import { badStarts, type Contents, type Errand, type Obeyed } from './process.js'
import { ProcessFaults } from './process-faults.js'
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
import { Watch } from './watch.js'

declare module '../events.js' {
  interface EventDetails {
    /** It takes long until a cluster serves. */
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
   * Where nodes join and leave: whether this cluster has been founded before; if not, the first of the members founds it,
   * with all of them. Null where the members are fixed.
   */
  readonly isFounded: boolean | null
  /** What a node is told of the members, if it is not told the truth. */
  readonly membersOf?: (id: NodeId) => readonly Member[]
  /** What messages between nodes travel on. */
  readonly network: NetworkName
  readonly cluster: string
  readonly log: LogKind
  readonly pace: Pace
  /** As usual unless given. */
  readonly limits?: Partial<Limits>
  /** Folder with a folder for each node, or null while the stage keeps nothing. */
  readonly dataDir: string | null
  /** Folder for a trace file of each node, or null for none. */
  readonly traceDir: string | null
  /** Hears of everything from the start on; later listeners {@link Cluster.subscribe}. */
  readonly onEvent: (event: Event) => void
  /** What a node prints to its standard error: nothing, unless something is wrong with it. */
  readonly onStderr: (node: NodeId, text: string) => void
}

/** How long the nodes may take to serve and to find each other; a stopped one may take so long to end. */
const startMs = 20_000
const settleMs = 3_000
/** How often it is told what is waited for. */
const tellMs = 10_000
const stopMs = 3_000
/** How often the nodes are asked how they are, while nothing else happens. */
const lookMs = 50

/**
 * A cluster as child processes of this one: started in order, killed, paused and cut off on demand, ended together.
 * A node that dies is reported and stays dead until somebody restarts it.
 */
export class Cluster {
  readonly #options: ClusterOptions
  #isFounded: boolean
  readonly #children = new Map<NodeId, Child>()
  /** Links that stand, as the nodes report them. */
  readonly #links = new Set<Direction>()
  readonly #listeners = new Set<(event: Event) => void>()
  /** What can be done to it on purpose. */
  readonly faults: ProcessFaults
  readonly #watch = new Watch()
  readonly #orders = new Orders(this.#watch)
  #awaited: readonly Awaited[] = []

  constructor(options: ClusterOptions) {
    this.#options = options
    this.#isFounded = options.isFounded ?? true
    this.#listeners.add(options.onEvent)
    this.faults = new ProcessFaults({
      dataDir: options.dataDir,
      ids: () => [...this.#children.keys()],
      child: (id) => this.#child(id),
      start: async (member) => {
        this.#spawn(member)
        await this.#up(member.id)
      },
      order: (id, errand) => this.#order(id, errand),
      settled: () => this.settled(),
    })
  }

  /** Lets one more hear of everything: the supervisor's own events and the nodes'. @returns ends that */
  subscribe(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(event: Event): void {
    for (const listener of this.#listeners) listener(event)
  }

  /**
   * Starts every node and waits until clients are served, for {@link startMs} at most: all serve and have found each
   * other, somebody leads, and where a cluster is founded, all of them are voters.
   *
   * @throws ConfigError if one of them cannot start, or can never be reached; the others are stopped then
   */
  async start(): Promise<void> {
    const began = Date.now()
    const tell = setInterval(() => {
      const seconds = Math.round((Date.now() - began) / 1_000)
      this.#tell({ event: 'starting', seconds, for: this.awaited })
    }, tellMs)
    try {
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

  /** Whether clients were served when that was last looked at. */
  get isReady(): boolean {
    return this.awaited.length === 0
  }

  /** Whom that waits for. */
  get awaited(): readonly Awaited[] {
    const starting = notServing([...this.#children.values()])
    return starting.length > 0 ? starting : this.#awaited
  }

  /** Resolves when clients are served, or after so many milliseconds, or when it is hopeless. @returns whether they are */
  async ready(ms: number, isHopeless = () => false): Promise<boolean> {
    const isOver = (sight: Sight) => {
      this.#awaited = awaited(sight)
      return this.isReady || isHopeless()
    }
    await this.#untilSight(isOver, ms, true)
    if (this.isReady) this.#isFounded = true
    return this.isReady
  }

  /** How the cluster has ended, as {@link exitCodeOfAll} has it. */
  get exitCode(): number | null {
    return exitCodeOfAll([...this.#children.values()])
  }

  /** Whether all that were to found the cluster are in it; true where there is nothing to found. */
  get isFounded(): boolean {
    return this.#isFounded
  }

  nodes() {
    return [...this.#children.values()].map(({ member, process, condition }) => {
      const { id, client, peer } = member
      return { id, pid: process.pid ?? null, condition, client, peer }
    })
  }

  /** What the nodes that run hold, without asking them as a client would. */
  async look(): Promise<(Contents & { readonly node: NodeId })[]> {
    const seen = await Promise.all(
      [...this.#children.keys()].map(async (node) => ({ node, ...(await this.#order(node, { look: true }))?.seen })),
    )
    return seen.filter((one): one is Contents & { node: NodeId } => one.entries !== undefined)
  }

  /** What the nodes that run say of themselves, as `info` does. */
  async statuses(): Promise<Status[]> {
    const told = await Promise.all([...this.#children.keys()].map((id) => this.#order(id, { status: true })))
    return told.flatMap((obeyed) => obeyed?.status ?? [])
  }

  /**
   * Starts one more node, which serves nobody until it is taken in: it knows itself alone.
   *
   * @throws ConfigError if it cannot start, or is there already
   */
  async add(member: Member): Promise<Event> {
    const { id } = member
    if (this.#children.has(id)) throw new ConfigError(`${id} is there already`)
    this.#spawn(member)
    try {
      await this.#up(id)
    } catch (error) {
      await this.remove(id)
      throw error
    }
    await this.faults.tellLinks(id)
    return { event: 'started', node: id, pid: this.#child(id).process.pid, client: member.client, peer: member.peer }
  }

  /** Ends a node's process, and forgets the node. Whether it still is a member, nobody asks here. */
  async remove(id: NodeId): Promise<void> {
    await endChildren([this.#child(id)], stopMs)
    this.#children.delete(id)
    this.faults.forget(id)
  }

  /** Ends every node: asks first, insists after {@link stopMs}. */
  async stop(): Promise<void> {
    await endChildren([...this.#children.values()], stopMs)
  }

  #child(id: NodeId): Child {
    const child = this.#children.get(id)
    if (!child) throw new ConfigError(`there is no node ${id}; there are ${[...this.#children.keys()].join(', ')}`)
    return child
  }

  #spawn(member: Member): void {
    const { stage, entry, network, cluster, log, pace, limits, dataDir, traceDir } = this.#options
    const config = {
      stage,
      id: member.id,
      ...this.#told(member),
      network,
      cluster,
      log,
      ...pace,
      ...limits,
      dataDir: dataDir && join(dataDir, member.id),
      trace: traceDir && join(writableFolder(traceDir), `${member.id}.ndjson`),
    }
    const child = spawnNode(member, entry, config)
    child.ended = new Promise<void>((resolve) => {
      child.process.once('close', (code, signal) => {
        this.#ended(child, code, signal)
        resolve()
      })
    })
    this.#children.set(member.id, child)
    child.process.on('message', (obeyed: unknown) => this.#orders.heard(obeyed))
    readEvents(member.id, child.process.stdout!, (event) => this.#reported(child, event))
    readComplaints(child.process.stderr!, (text) => this.#options.onStderr(member.id, text))
  }

  /** Whom a node is told of: where nodes join and leave, only the founder hears of others, and not from us later on. */
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

  /** What it says becomes the error of {@link #up}; that it ends then is no news. */
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

  /** Resolves when a node serves. @throws ConfigError in its own words if it cannot */
  async #up(id: NodeId): Promise<void> {
    const child = this.#child(id)
    await this.#watch.until(() => child.condition !== 'starting', startMs)
    // The others are well, and enough of them can serve without it.
    if (child.condition === 'up' || child.damaged) return
    const why =
      child.condition === 'starting'
        ? `has not begun to serve within ${startMs / 1_000} s`
        : `ended before it served (${child.code === null ? 'killed' : `exit code ${child.code}`}); what it printed is above`
    throw new ConfigError(child.complaint ?? `${id} ${why}`)
  }

  /** Resolves when every member that runs is connected to every other, or after a while in any case. */
  async settled(): Promise<void> {
    await this.#untilSight((sight) => withoutLink(sight).length === 0, settleMs, this.#options.isFounded !== null)
  }

  async #look(isAsked: boolean): Promise<Sight> {
    const isFounded = this.#options.isFounded === null ? null : this.#isFounded
    const statuses = isAsked ? await this.statuses() : []
    const seen = { children: [...this.#children.values()], links: this.#links, isFounded, statuses }
    return { ...seen, members: membersIn(seen) }
  }

  /** Waits until the condition holds of what is seen of the nodes, so long at most. @param isAsked whether they are asked */
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
