import { type Command, defaultTiming, type Member, type NodeId, type Outcome, type Traced } from '../../contracts.js'
import type { Delay } from '../../network/faults.js'
import { actsOf, type Fault } from '../../server/faults.js'
import type { Stage } from '../../stage.js'
import { SimulatedClient } from '../simulation/client.js'
import { headerOf, SimulatedCluster, simulatedMembers } from '../simulation/cluster.js'
import { Fingerprint } from '../simulation/fingerprint.js'
import type { Host } from '../simulation/host.js'
import { calm, type Weather } from '../simulation/network.js'
import type { Moment } from '../simulation/simulate.js'
import { knowsItsPlace } from './cast.js'
import { keptOf } from './compaction.js'
import { isMember, membersIn, namesSpares, operator, placesIn } from './members.js'
import { play } from './play.js'
import { comeToRest } from './replicas.js'
import type { Driver, Kept, Look, Members, Place, Played, Scenario } from './scenario.js'

/** Virtual milliseconds longer than any wait of a scenario. */
const foreverMs = 3_600_000

/** Nodes that found the cluster of a scenario. */
const founders = 5

/** Virtual milliseconds in which a first election is over, almost always. */
const readyMs = 10_000

/**
 * Plays a scenario in virtual time. The same seed gives the same transcript, always. @param hear called with every
 * event, if somebody looks on
 */
export async function playVirtually(
  scenario: Scenario,
  stage: Stage,
  seed = 1,
  hear?: (event: Moment) => void,
): Promise<Played> {
  const accidents: string[] = []
  let now = () => 0
  const trace = (event: Traced, node: NodeId | '') => {
    if (event.event === 'node_failed') accidents.push(`${node} fails: ${event.message}`)
    hear?.({ ...event, ...(node !== '' && { node }), at: now() })
  }
  const { believes, snapshotEntries } = scenario
  const timing = { ...defaultTiming, ...(snapshotEntries !== null && { snapshotEntries }) }
  const stageHere = believing(stage, believes)
  const spare = namesSpares(scenario)
  const isWatched = hear !== undefined
  const fingerprint = new Fingerprint()
  const sent = (bytes: Uint8Array) => fingerprint.addBytes(bytes)
  const cluster = new SimulatedCluster({ stage: stageHere, seed, timing, spare, isWatched, trace, sent })
  now = () => cluster.now
  cluster.trace(headerOf(cluster, timing.tickMs))
  await cluster.begin()
  await cluster.founded(founders)
  const driver = new VirtualDriver(cluster, scenario, accidents)
  // Where members change, the founding ends first: the leader's status then shows no change under way.
  const isReady = () => driver.placesNow().every(knowsItsPlace) && cluster.leader()?.change === undefined
  await cluster.until(isReady, readyMs)
  const played = await play(scenario, stage, driver, seed)
  for (const line of played.transcript) fingerprint.add(line)
  return { ...played, fingerprint: fingerprint.digest() }
}

/** Makes a stage in which some nodes are told the members in another order. */
function believing(stage: Stage, believes: Scenario['believes']): Stage {
  return {
    ...stage,
    create: (options) => stage.create({ ...options, members: ledBy(believes[options.id], options.members) }),
  }
}

/** Puts one member in front of the others. */
export function ledBy<M extends { id: NodeId }>(leader: NodeId | undefined, members: readonly M[]): M[] {
  return [...members.filter(({ id }) => id === leader), ...members.filter(({ id }) => id !== leader)]
}

class VirtualDriver implements Driver {
  readonly tell = (event: Traced) => this.#cluster.trace(event)
  readonly name = 'virtual'
  readonly place = 'virtual time'
  readonly mostRounds = Number.POSITIVE_INFINITY
  readonly nodes: readonly NodeId[]
  readonly accidents: readonly string[]
  readonly #cluster: SimulatedCluster
  readonly #deadlineMs: number
  readonly #clients = new Map<string, SimulatedClient>()

  constructor(cluster: SimulatedCluster, { deadlineMs }: Scenario, accidents: readonly string[]) {
    this.accidents = accidents
    this.#cluster = cluster
    this.#deadlineMs = deadlineMs
    this.nodes = cluster.hosts.map(({ id }) => id)
  }

  /** Performs a fault, and gives the nodes a moment to notice it, as real processes have it. */
  async perform(fault: Fault): Promise<void> {
    for (const { perform } of actsOf(this.#cluster, fault)) perform()
    if (fault.word === 'stop') await this.#cluster.until(() => fault.nodes.every((id) => this.#isDead(id)), foreverMs)
    await this.#cluster.pass(1)
  }

  #isDead(id: NodeId): boolean {
    return this.#cluster.host(id).condition === 'dead'
  }

  async delay(delay: Delay): Promise<void> {
    const { minMs, maxMs } = delay ?? { minMs: calm.minDelayMs, maxMs: calm.maxDelayMs }
    this.#weather({ minDelayMs: minMs, maxDelayMs: maxMs })
  }

  async chance(what: 'lose' | 'double', part: number): Promise<void> {
    this.#weather(what === 'lose' ? { loss: part } : { duplication: part })
  }

  #weather(part: Partial<Weather>): void {
    this.#cluster.network.weather = { ...this.#cluster.network.weather, ...part }
  }

  wait(ms: number): Promise<void> {
    return this.#cluster.pass(ms)
  }

  after(ms: number, task: () => void): void {
    this.#cluster.timeline.schedule(ms, task)
  }

  now(): number {
    return this.#cluster.now
  }

  call(name: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    const deadlineMs = name === operator.name ? operator.deadlineMs : this.#deadlineMs
    const client = this.#clients.get(name) ?? new SimulatedClient(this.#cluster, name, deadlineMs)
    this.#clients.set(name, client)
    this.#cluster.trace({ event: 'asked', client: name, command, to: at })
    client.call(command, at, (outcome) => {
      this.#cluster.trace({ event: 'outcome', client: name, ...outcome })
      settle(outcome)
    })
  }

  /** Ends a client. The next call under its name, which may come at once, gets a new client. */
  hangUp(name: string): void {
    const client = this.#clients.get(name)
    this.#clients.delete(name)
    client?.hangUp()
  }

  async until(condition: () => boolean): Promise<void> {
    await this.#cluster.until(condition, foreverMs)
  }

  address(node: NodeId): Member {
    return simulatedMembers(this.nodes.length).find(({ id }) => id === node)!
  }

  async members(): Promise<Members | null> {
    return membersIn(this.#running().map(({ node }) => node!.status))
  }

  #running(): Host[] {
    return this.#cluster.hosts.filter(({ condition }) => condition === 'up')
  }

  async #runningMembers(): Promise<Host[]> {
    const members = await this.members()
    return this.#running().filter(({ id }) => isMember(id, members))
  }

  async look(): Promise<readonly Look[]> {
    const members = await this.#runningMembers()
    return members.map((host) => ({
      node: host.id,
      applied: host.node!.status.applied,
      contents: new Map(host.contents()),
    }))
  }

  async places(): Promise<readonly Place[]> {
    return this.placesNow()
  }

  async kept(): Promise<readonly Kept[]> {
    const members = await this.#runningMembers()
    return members.map(({ id, node }) => ({ node: id, ...keptOf(node!.status) }))
  }

  placesNow(): Place[] {
    return placesIn(this.#running().map(({ node }) => node!.status))
  }

  settle(): Promise<boolean> {
    return comeToRest(this)
  }
}
