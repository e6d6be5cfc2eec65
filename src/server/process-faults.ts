import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Event, Member, NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { Delay, Direction } from '../network/faults.js'
import { type Child, stopInTracks } from './child.js'
import { type Breakable, linksBetween } from './faults.js'
import type { LinkFaults } from './link-faults.js'
import type { Errand, Obeyed } from './process.js'

/** The processes of a cluster, as faults need them. */
export interface Processes {
  /** The folder with a folder for each node; null if nothing is kept. */
  readonly dataDir: string | null
  ids(): NodeId[]
  /** Finds the process of a node. @throws ConfigError if there is no such node */
  child(id: NodeId): Child
  /** Asks a node's process to end, and kills it if that takes too long. */
  end(child: Child): Promise<void>
  /** Starts a dead node again, and resolves when it serves. @throws ConfigError if it cannot */
  start(member: Member): Promise<void>
  /** Breaks the links between nodes. */
  readonly links: LinkFaults
  /** Sends an order to a running node; undefined if the node does not run or does not answer. */
  order(id: NodeId, errand: Errand): Promise<Obeyed | undefined>
  /** Resolves when every node that runs is connected to every other. */
  settled(): Promise<void>
}

/**
 * Does faults to processes. Each method answers with the event that happened, and throws a ConfigError if the node is
 * not in a state for it.
 */
export class ProcessFaults implements Breakable<Promise<Event>> {
  readonly #nodes: Processes
  /** The factor by which time passes slower; a restarted node is told of it again. */
  #slow = 1

  constructor(nodes: Processes) {
    this.#nodes = nodes
  }

  /** Ends a node's process at once (SIGKILL): it loses all that it has not written to disk. */
  async kill(id: NodeId): Promise<Event> {
    const child = this.#nodes.child(id)
    if (child.condition === 'dead') throw new ConfigError(`${id} is dead already; \`restart ${id}\` starts it again`)
    child.expected = true
    child.process.kill('SIGKILL')
    child.wake()
    await child.ended
    return { event: 'killed', node: id }
  }

  /**
   * Asks a node's process to end (SIGTERM), and waits until it has: the node hands over and answers its clients first. A
   * node that takes too long is killed.
   */
  async stop(id: NodeId): Promise<Event> {
    const child = this.#nodes.child(id)
    if (child.condition !== 'up') throw new ConfigError(`${id} is ${child.condition}, so it cannot be asked to end`)
    await this.#nodes.end(child)
    return { event: child.process.signalCode === 'SIGKILL' ? 'killed' : 'ended', node: id }
  }

  /** Starts a dead node again, and waits until it serves and has found the others. */
  async restart(id: NodeId): Promise<Event> {
    const { condition, member } = this.#nodes.child(id)
    if (condition !== 'dead') throw new ConfigError(`${id} is not dead; \`kill ${id}\` first`)
    await this.#nodes.start(member)
    if (this.#nodes.child(id).damaged)
      throw new ConfigError(`${id} did not start: its folder cannot be used, as it has said`)
    await this.tell(id)
    await this.#nodes.settled()
    return { event: 'restarted', node: id, pid: this.#nodes.child(id).process.pid }
  }

  /**
   * Empties the folder of a dead node, as if its disk had been replaced. Dangerous: the node has forgotten its log and
   * its vote, and the cluster still counts it as before.
   */
  async wipe(id: NodeId): Promise<Event> {
    const { condition } = this.#nodes.child(id)
    if (condition !== 'dead') throw new ConfigError(`${id} is not dead, and its disk is in use; \`kill ${id}\` first`)
    const { dataDir } = this.#nodes
    if (dataDir === null) throw new ConfigError(`${id} keeps nothing that could be wiped`)
    const folder = join(dataDir, id)
    try {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true })
    } catch (error) {
      throw new ConfigError(`cannot empty ${folder}: ${(error as Error).message}`)
    }
    return { event: 'wiped', node: id }
  }

  /** Stops a node's process in its tracks (SIGSTOP): it neither answers nor refuses, and its connections stand. */
  async pause(id: NodeId): Promise<Event> {
    const child = this.#nodes.child(id)
    if (child.condition !== 'up') throw new ConfigError(`${id} is ${child.condition}, so it cannot be paused`)
    stopInTracks(child)
    return { event: 'paused', node: id }
  }

  /** Lets a paused node go on (SIGCONT), as if no time had passed for it. */
  async resume(id: NodeId): Promise<Event> {
    const child = this.#nodes.child(id)
    if (child.condition !== 'paused') throw new ConfigError(`${id} is not paused`)
    child.process.kill('SIGCONT')
    child.wake()
    child.condition = 'up'
    await this.tell(id)
    return { event: 'resumed', node: id }
  }

  /**
   * Cuts the link from one node to the other, so that every message on it is lost; with `bothWays`, the link back as
   * well.
   */
  async cut(from: NodeId, to: NodeId, bothWays: boolean): Promise<Event> {
    this.#nodes.child(from)
    this.#nodes.child(to)
    if (from === to) throw new ConfigError('a node has no link to itself')
    return this.#cut(bothWays ? [`${from}>${to}`, `${to}>${from}`] : [`${from}>${to}`])
  }

  /** Cuts every link between these nodes and all the others. */
  async split(nodes: readonly NodeId[]): Promise<Event> {
    for (const id of nodes) this.#nodes.child(id)
    return this.#cut(linksBetween(nodes, this.#nodes.ids()))
  }

  async #cut(links: readonly Direction[]): Promise<Event> {
    await this.#nodes.links.cut(links)
    return { event: 'cut', links }
  }

  /** Mends every cut link. Dead nodes stay dead and paused ones paused. */
  async heal(): Promise<Event> {
    await this.#nodes.links.heal()
    return { event: 'healed' }
  }

  /** Delays every message between nodes; null ends the delay. */
  delay(delay: Delay): Promise<void> {
    return this.#nodes.links.delay(delay)
  }

  /** Lets the time of all nodes pass so many times slower; 1 is the usual pace. */
  async slow(factor: number): Promise<void> {
    this.#slow = factor
    await Promise.all(this.#nodes.ids().map((id) => this.#nodes.order(id, { slow: factor })))
  }

  /** Lets a node's timers run out at once: a follower's election time-out, for one. */
  async hasten(id: NodeId): Promise<void> {
    const { condition } = this.#nodes.child(id)
    if (condition !== 'up') throw new ConfigError(`${id} is ${condition}, so no timer of it can run out`)
    await this.#nodes.order(id, { hasten: true })
  }

  /** Tells a node that was away which links are cut now, how messages are delayed, and how time passes. */
  async tell(id: NodeId): Promise<void> {
    await this.#nodes.links.tell(id)
    if (this.#slow !== 1) await this.#nodes.order(id, { slow: this.#slow })
  }

  /** Forgets the cut links of a node that is gone for good. */
  forget(id: NodeId): Promise<void> {
    return this.#nodes.links.forget(id)
  }
}
