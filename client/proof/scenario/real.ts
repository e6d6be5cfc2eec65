import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, Event, Member, NodeId, Outcome } from '../../../src/contracts.js'
import type { Delay } from '../../../src/network/faults.js'
import { hostedMembers, localMembers } from '../../../src/network/local-members.js'
import { knowsItsPlace } from '../../../src/proof/scenario/cast.js'
import { keptOf } from '../../../src/proof/scenario/compaction.js'
import { isMember, membersIn, namesSpares, operator, placesIn, spares } from '../../../src/proof/scenario/members.js'
import { play } from '../../../src/proof/scenario/play.js'
import { comeToRest } from '../../../src/proof/scenario/replicas.js'
import type {
  Driver,
  Kept,
  Look,
  Members,
  Place,
  Played,
  RawConnection,
  Scenario,
  Statement,
} from '../../../src/proof/scenario/scenario.js'
import { ledBy } from '../../../src/proof/scenario/virtual.js'
import { Cluster } from '../../../src/server/cluster.js'
import { defaultPace } from '../../../src/server/config.js'
import { actsOf, type Fault } from '../../../src/server/faults.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import type { Stage } from '../../../src/stage.js'
import { Client } from '../../client.js'
import { freeBasePort } from '../../cluster/free-ports.js'
import type { RunningCluster } from '../../engine/cluster.js'
import { RawSocket } from './raw.js'

const thisMachine = '127.0.0.1'
/** On hosts, every port is free. */
export const portOnHosts = 7_000

/** Milliseconds in which a first election is over, almost always, on a machine with nothing else to do. */
const readyMs = 10_000
/** Milliseconds in which such a machine starts five processes. */
const quietStartMs = 2_000
/** Milliseconds in which nodes find each other again, once their lines are mended. */
const rejoinMs = 15_000
/** Milliseconds between two looks at the nodes. */
const lookMs = 50

/**
 * Plays a scenario on its own processes, five unless it names more, with signals for kill and pause. The processes end
 * with the scenario.
 *
 * @param hosts the hosts of the nodes, one each; null if all run on this machine
 * @param onStderr called with text that a node prints to its standard error, which happens only when something is wrong
 * with it
 */
export async function playOnProcesses(
  scenario: Scenario,
  stage: Stage,
  seed = 1,
  hosts: Hosts | null = null,
  onStderr = (node: NodeId, text: string) => console.error(`${node} ${text.trimEnd()}`),
): Promise<Played> {
  const dataDir = await mkdtemp(join(tmpdir(), 'raft-roadmap-'))
  const count = namesSpares(scenario) ? 5 + spares.length : 5
  const all = hosts
    ? hostedMembers(count, portOnHosts)
    : localMembers(count, thisMachine, await freeBasePort(count, thisMachine))
  const members = all.slice(0, 5)
  const accidents: string[] = []
  const whyUdp = hosts === null ? null : needOfDatagrams(scenario.statements)
  const cluster = new Cluster({
    stage: stage.number,
    hosts,
    entry: fileURLToPath(new URL('../../node-entry.js', import.meta.url)),
    members,
    isFounded: stage.members === 'changing' ? false : null,
    membersOf: (id) => ledBy(scenario.believes[id], members),
    network: whyUdp === null ? stage.network : 'udp',
    cluster: `scenario-${randomUUID().slice(0, 8)}`,
    log: 'file',
    pace: defaultPace,
    choices: scenario.snapshotEntries === null ? {} : { snapshotEntries: scenario.snapshotEntries },
    dataDir,
    traceDir: null,
    onEvent: (event) => accidents.push(...accidentOf(event)),
    onStderr,
  })
  const driver = new RealDriver(cluster, all, scenario, accidents, (addresses) => new Client({ addresses }))
  try {
    for (const { id } of all) await hosts?.add(id)
    await driver.begin(() => cluster.start())
    for (const spare of all.slice(5)) await cluster.add(spare)
    await driver.ready()
    const played = await play(scenario, stage, driver, seed)
    return whyUdp === null
      ? played
      : withRemark(played, `# ${whyUdp}; so the nodes speak udp here, where each datagram is alone`)
  } finally {
    await driver.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/**
 * Says what in a script a connection would not let happen on hosts; null if there is nothing. A connection needs both
 * directions, as the one carries what the other acknowledges, and it puts in order what has come.
 */
function needOfDatagrams(statements: readonly Statement[]): string | null {
  if (cutsOneWay(statements)) return 'links are cut one way, which would end a connection both ways'
  return overtakes(statements) ? 'what is sent later may arrive earlier, which a connection would put in order' : null
}

/** Tells whether a script delays some messages for longer than others, so that they overtake each other. */
function overtakes(statements: readonly Statement[]): boolean {
  return statements.some((one) => one.kind === 'delay' && one.delay !== null && one.delay.minMs < one.delay.maxMs)
}

/** Tells whether a script loses what is sent over a link in one direction, and carries what comes back. */
export function cutsOneWay(statements: readonly Statement[]): boolean {
  return statements.some((one) => {
    if (one.kind === 'repeat') return cutsOneWay(one.body)
    return one.kind === 'fault' && one.fault.word === 'cut' && !one.fault.bothWays
  })
}

/** Adds a sentence to a transcript, before its verdict. */
export function withRemark(played: Played, remark: string): Played {
  return { ...played, transcript: [...played.transcript.slice(0, -2), '', remark, ...played.transcript.slice(-2)] }
}

/** Describes an accident: a failure that a node reports, or an end of a node that the script did not cause. */
export function accidentOf(event: Event): string[] {
  if (event.event === 'node_died') return [`${event.node} ended: ${event.signal ?? event.code}`]
  const isFailure = event.event === 'invariant_broken' || event.event === 'disk_failed'
  return isFailure ? [`${event.node} fails: ${event.message}`] : []
}

/** A driver on processes that are started, broken and asked for real, whichever engine they are of. */
export class RealDriver implements Driver {
  readonly name = 'real'
  readonly place: string
  readonly mostRounds = Number.POSITIVE_INFINITY
  readonly nodes: readonly NodeId[]
  readonly accidents: readonly string[]
  /** Factor of how much longer things take on this machine now: clients have as much more patience. */
  slowness = 1
  readonly #cluster: RunningCluster
  readonly #members: readonly Member[]
  readonly #deadlineMs: number
  readonly #clientOf: (addresses: readonly string[]) => Client
  readonly #clients = new Map<string, Client>()
  readonly #sockets: RawSocket[] = []
  readonly #paused = new Set<NodeId>()
  #changed = () => {}

  constructor(
    cluster: RunningCluster,
    members: readonly Member[],
    { deadlineMs }: Scenario,
    accidents: readonly string[],
    clientOf: (addresses: readonly string[]) => Client,
  ) {
    this.accidents = accidents
    this.#clientOf = clientOf
    this.#cluster = cluster
    this.#members = members
    this.#deadlineMs = deadlineMs
    this.nodes = members.map(({ id }) => id)
    this.place = `${members.length === 5 ? 'five' : 'seven'} ${cluster.hosts ? 'hosts' : 'processes'}`
  }

  /** Starts the processes, and learns from it how much slower than others this machine is now. */
  async begin(start: () => Promise<void>): Promise<void> {
    const before = performance.now()
    await start()
    this.slowness = Math.max(1, (performance.now() - before) / quietStartMs)
  }

  /** Waits until every node knows the leader. */
  async ready(): Promise<void> {
    const end = performance.now() + readyMs * this.slowness
    while (!(await this.places()).every(knowsItsPlace) && performance.now() < end) await this.wait(lookMs)
  }

  /** Connects these clients with every node. */
  async meet(clients: readonly string[]): Promise<void> {
    const met = clients.flatMap((name) =>
      this.nodes.map((node) => this.#client(name).call({ command: 'ping' }, { at: this.address(node).client })),
    )
    await Promise.all(met)
  }

  async perform(fault: Fault): Promise<void> {
    for (const { perform } of actsOf(this.#cluster.faults, fault)) await perform()
    if (fault.word === 'pause') for (const id of fault.nodes) this.#paused.add(id)
    else if ('nodes' in fault && fault.word !== 'split') for (const id of fault.nodes) this.#paused.delete(id)
  }

  delay(delay: Delay): Promise<void> {
    const { hosts, faults } = this.#cluster
    return hosts ? hosts.delay(hosts.names(), delay) : faults.delay(delay)
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }

  after(ms: number, task: () => void): void {
    setTimeout(task, ms)
  }

  now(): number {
    return performance.now()
  }

  call(name: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    const patienceMs = name === operator.name ? operator.deadlineMs : this.#deadlineMs
    // Of a paused node no answer comes: a longer wait would only make the pause longer, and others elect meanwhile.
    const deadlineMs = at !== null && this.#paused.has(at) ? patienceMs : patienceMs * this.slowness
    const asked = this.#client(name).call(command, { deadlineMs, ...(at !== null && { at: this.address(at).client }) })
    void asked.then((outcome) => {
      settle(outcome)
      this.#changed()
    })
  }

  hangUp(name: string): void {
    this.#clients.get(name)?.close()
    this.#clients.delete(name)
  }

  #client(name: string): Client {
    const known = this.#clients.get(name)
    if (known) return known
    const client = this.#clientOf(this.#members.slice(0, 5).map(({ client }) => client))
    this.#clients.set(name, client)
    return client
  }

  address(node: NodeId): Member {
    return this.#members.find(({ id }) => id === node)!
  }

  async members(): Promise<Members | null> {
    return membersIn(await this.#cluster.statuses())
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  async settle(): Promise<boolean> {
    if (this.#cluster.hosts) await this.#rejoined()
    return comeToRest(this)
  }

  /**
   * Waits until all nodes that run follow one leader, and are as far as it is. Where packets were lost, a connection may
   * carry nothing for a while after its line was mended: each end waits longer between two attempts.
   */
  async #rejoined(): Promise<void> {
    const end = performance.now() + rejoinMs * this.slowness
    const areTogether = async () => {
      const statuses = await this.#cluster.statuses()
      const running = this.#cluster.nodes().filter(({ condition }) => condition === 'up')
      const places = new Set(statuses.map(({ leader, applied }) => `${leader} ${applied}`))
      return statuses.length === running.length && places.size === 1 && statuses[0]?.leader !== null
    }
    while (!(await areTogether()) && performance.now() < end) await this.wait(lookMs)
  }

  async look(): Promise<readonly Look[]> {
    const [seen, members] = [await this.#cluster.look(), await this.members()]
    const held = seen.filter(({ node }) => isMember(node, members))
    return held.map(({ node, applied, entries }) => ({ node, applied, contents: new Map(entries) }))
  }

  async places(): Promise<readonly Place[]> {
    return placesIn(await this.#cluster.statuses())
  }

  async kept(): Promise<readonly Kept[]> {
    const statuses = await this.#cluster.statuses()
    const members = membersIn(statuses)
    return statuses.filter(({ id }) => isMember(id, members)).map((status) => ({ node: status.id, ...keptOf(status) }))
  }

  connect(_name: string, node: NodeId): RawConnection {
    const socket = new RawSocket(this.address(node).client)
    this.#sockets.push(socket)
    return socket
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    for (const client of this.#clients.values()) client.close()
    await this.#cluster.stop()
  }
}
