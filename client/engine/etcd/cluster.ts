/** A cluster of etcd as child processes of this one, with the faults that signals can do. */
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import type { Event, Member, NodeId, Status } from '../../../src/contracts.js'
import { ConfigError } from '../../../src/errors.js'
import { type Child, childOf, endChildren, isMajorityAlive, leanEnvironment } from '../../../src/server/child.js'
import { guard } from '../../../src/server/guardian.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import { readLines } from '../../../src/server/lines.js'
import type { LinkFaults } from '../../../src/server/link-faults.js'
import type { Contents } from '../../../src/server/process.js'
import { ProcessFaults } from '../../../src/server/process-faults.js'
import { type Awaited, awaitedByClients, exitCodeOfAll, notServing } from '../../../src/server/readiness.js'
import type { Faults, RunningCluster } from '../cluster.js'
import { EtcdApi } from './api.js'
import { statusOf } from './members.js'
import { readLog } from './node-log.js'
import { etcdArguments, type Founding } from './program.js'
import { pages, rangeOf } from './range.js'

export interface EtcdClusterOptions {
  readonly members: readonly Member[]
  /** The folder with a folder for each node. */
  readonly dataDir: string
  /** Hosts for the nodes, one each; without them, all run on this machine. */
  readonly hosts?: Hosts | null
  /** Options of etcd besides names and places, by their names. */
  readonly more?: Readonly<Record<string, string>>
  readonly onEvent: (event: Event) => void
  /** Called with errors that a node logs. */
  readonly onStderr: (node: NodeId, text: string) => void
}

/** Milliseconds that the nodes may take to serve, and to agree on a leader after one has started again. */
const [startMs, settleMs] = [60_000, 3_000]
/** Milliseconds that one node may take to end before it is killed. */
const stopMs = 5_000
/** Milliseconds between two looks at nodes, and milliseconds that a node may take to answer one. */
const [lookMs, answerMs] = [50, 1_000]
/** Bytes of a line of a node's log that are read. */
const lineBytes = 16 * 1024

/** A cluster of etcd that is started, broken and watched by this process, as one of ours is by its supervisor. */
export class EtcdCluster implements RunningCluster {
  readonly #options: EtcdClusterOptions
  readonly #children = new Map<NodeId, Child>()
  readonly #foundings = new Map<NodeId, Founding>()
  /** A connection to each node that was asked, and the address to which it was made. */
  readonly #apis = new Map<NodeId, { readonly api: EtcdApi; readonly address: string }>()
  readonly #processes: ProcessFaults
  readonly faults: Faults
  #awaited: readonly Awaited[] = []

  constructor(options: EtcdClusterOptions) {
    this.#options = options
    this.#processes = new ProcessFaults({
      dataDir: options.dataDir,
      ids: () => [...this.#children.keys()],
      child: (id) => this.#child(id),
      end: (child) => endChildren([child], stopMs),
      start: (member) => this.#start(member),
      links: this.hosts ? linksOnHosts(this.hosts) : linksOutOfReach,
      order: async () => undefined,
      settled: () => this.#settled(),
    })
    this.faults = faultsOfOthers(this.#processes)
  }

  /** The hosts of the nodes, if each has one of its own. */
  get hosts(): Hosts | null {
    return this.#options.hosts ?? null
  }

  /** Starts every node and waits until clients are served. @throws ConfigError if a node ends, or nobody leads in time */
  async start(): Promise<void> {
    const { members } = this.#options
    try {
      for (const { id } of members) await this.hosts?.add(id)
      for (const member of members) this.#spawn(member, { members, state: 'new' })
      await this.ready(startMs, () => this.#all.some(({ condition }) => condition === 'dead'))
      const dead = this.#all.find(({ condition }) => condition === 'dead')
      if (dead) throw endedEarly(dead)
      if (!this.isReady) throw new ConfigError(`no node of etcd leads within ${startMs / 1_000} s`)
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  get isReady(): boolean {
    return this.awaited.length === 0
  }

  get awaited(): readonly Awaited[] {
    const starting = notServing(this.#all)
    return starting.length > 0 ? starting : this.#awaited
  }

  async ready(ms: number, isHopeless = () => false): Promise<boolean> {
    for (const end = performance.now() + ms; ; await delay(lookMs)) {
      const statuses = await this.statuses()
      this.#awaited = awaitedByClients({ children: this.#all, statuses, isFounded: null })
      if (this.isReady || isHopeless() || performance.now() >= end) return this.isReady
    }
  }

  get exitCode(): number | null {
    return exitCodeOfAll(this.#all)
  }

  nodes() {
    return this.#all.map(({ member: { id, client, peer }, process, condition }) => {
      return { id, pid: process.pid ?? null, condition, client, peer, metrics: null }
    })
  }

  async statuses(): Promise<Status[]> {
    return (await this.#ofEach((api) => statusOf(api))).map(({ seen }) => seen)
  }

  /** Reads what each running node holds: at the node itself, without asking the others. */
  async look(): Promise<(Contents & { readonly node: NodeId })[]> {
    const looks = await this.#ofEach(async (api) => {
      const entries: [string, string][] = []
      for await (const { kvs } of pages(api, { ...rangeOf(''), serializable: true }))
        for (const { key, value } of kvs) entries.push([key.toString(), value.toString()])
      const { role, leader, term = 0, applied } = await statusOf(api)
      return { role, leader, term, applied, entries }
    })
    return looks.map(({ node, seen }) => ({ node, ...seen }))
  }

  /** Starts one more node, which the cluster counts as a member already. @throws ConfigError if it does not start */
  async add(member: Member): Promise<Event> {
    if (this.#children.has(member.id)) throw new ConfigError(`${member.id} is there already`)
    const members = [...this.#all.map((child) => child.member), member]
    this.#foundings.set(member.id, { members, state: 'existing' })
    await this.hosts?.add(member.id)
    await this.#start(member)
    return { event: 'started', node: member.id, pid: this.#child(member.id).process.pid, ...addressesOf(member) }
  }

  /** Ends a node's process, and forgets the node. */
  async remove(id: NodeId): Promise<void> {
    await endChildren([this.#child(id)], stopMs)
    this.#children.delete(id)
    this.#hangUp(id)
  }

  /** Ends every node by force: each write is synced, and a leader that is asked would wait for others that end, too. */
  async stop(): Promise<void> {
    await endChildren(this.#all, 0)
    for (const id of this.#apis.keys()) this.#hangUp(id)
  }

  get #all(): Child[] {
    return [...this.#children.values()]
  }

  #child(id: NodeId): Child {
    const child = this.#children.get(id)
    if (!child) throw new ConfigError(`there is no node ${id}; there are ${[...this.#children.keys()].join(', ')}`)
    return child
  }

  /** Starts a node, and waits until it serves. Without a majority no node does: then nobody waits. */
  async #start(member: Member): Promise<void> {
    const founding = this.#foundings.get(member.id) ?? { members: this.#options.members, state: 'new' }
    const child = this.#spawn(member, founding)
    const end = performance.now() + startMs
    while (child.condition === 'starting' && performance.now() < end && isMajorityAlive(this.#all)) await delay(lookMs)
    if (child.condition === 'dead') throw endedEarly(child)
  }

  #spawn(member: Member, founding: Founding): Child {
    const { dataDir, more = {}, onEvent } = this.#options
    const words = etcdArguments(member, founding, dataDir, { 'log-level': 'info', ...more })
    // In a group of its own: Ctrl-C at a prompt ends a wait, and not the nodes.
    const how = { env: environment(), detached: true }
    const command = ['etcd', ...words]
    const [program, ...rest] = this.hosts?.commandOn(member.id, command) ?? command
    const child = childOf(member, spawn(program!, rest, { stdio: ['ignore', 'ignore', 'pipe'], ...how }))
    const guardian = child.process.pid === undefined ? null : guard(child.process.pid, 'KILL')
    this.#foundings.set(member.id, founding)
    this.#children.set(member.id, child)
    child.ended = new Promise((resolve) => {
      child.process.once('close', (code, signal) => {
        guardian?.kill('SIGKILL')
        const isTold = child.expected || child.condition === 'starting'
        child.condition = 'dead'
        child.code = code
        this.#hangUp(member.id)
        if (!isTold) onEvent({ event: 'node_died', node: member.id, code, signal })
        resolve()
      })
    })
    readLines(child.process.stderr!, lineBytes, ({ text }) => this.#logged(child, text))
    void this.#watch(child)
    return child
  }

  #logged(child: Child, line: string): void {
    const { onEvent, onStderr } = this.#options
    const { id } = child.member
    const said = readLog(id, line)
    if (said === null) return
    if ('event' in said) return onEvent(said.event)
    child.complaint = said.complaint
    if (child.condition === 'up') onStderr(id, said.complaint)
  }

  /** Notes when a node begins to serve. */
  async #watch(child: Child): Promise<void> {
    const { id } = child.member
    while (child.condition === 'starting' && this.#children.get(id) === child) {
      const isServing = await this.#ask(id, (api) => api.ask('Maintenance.Status', {}, answerMs))
      if (isServing && child.condition === 'starting') child.condition = 'up'
      else await delay(lookMs)
    }
  }

  /** Waits until every node that runs knows the same leader, for {@link settleMs} at most. */
  async #settled(): Promise<void> {
    const end = performance.now() + settleMs
    const isSettled = async () => {
      const leaders = new Set((await this.statuses()).map(({ leader }) => leader))
      return leaders.size === 1 && !leaders.has(null)
    }
    while (!(await isSettled()) && performance.now() < end) await delay(lookMs)
  }

  /** Asks each running node; a node that does not answer is left out. */
  async #ofEach<T>(ask: (api: EtcdApi) => Promise<T>): Promise<{ readonly node: NodeId; readonly seen: T }[]> {
    const running = this.#all.filter(({ condition }) => condition === 'up').map(({ member }) => member.id)
    const asked = running.map(async (node) => {
      const seen = await this.#ask(node, ask)
      return seen === null ? [] : [{ node, seen }]
    })
    return (await Promise.all(asked)).flat()
  }

  /** Gives the connection to a node; a new one if its host has moved. */
  #apiOf(id: NodeId): EtcdApi {
    const address = this.hosts?.addressOn(id) ?? ''
    const kept = this.#apis.get(id)
    if (kept?.address === address) return kept.api
    kept?.api.close()
    const api = new EtcdApi(this.#child(id).member.client)
    this.#apis.set(id, { api, address })
    return api
  }

  /** Asks one node over a connection that is kept as long as it answers; null if it does not in time. */
  async #ask<T>(id: NodeId, ask: (api: EtcdApi) => Promise<T>): Promise<T | null> {
    const api = this.#apiOf(id)
    const late = new AbortController()
    try {
      return await Promise.race([ask(api), delay(answerMs, null, { signal: late.signal }).then(isLate)])
    } catch {
      if (this.#apis.get(id)?.api === api) this.#hangUp(id)
      return null
    } finally {
      late.abort()
    }
  }

  #hangUp(id: NodeId): void {
    this.#apis.get(id)?.api.close()
    this.#apis.delete(id)
  }
}

const isLate = (): never => {
  throw new Error('no answer in time')
}

const addressesOf = ({ client, peer }: Member) => ({ client, peer })

function endedEarly({ member, complaint, code }: Child): ConfigError {
  return new ConfigError(`${member.id} ended before it served: ${complaint ?? `exit code ${code}`}`)
}

/** The environment of a node, without variables that etcd would take for options. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(leanEnvironment()).filter(([name]) => !name.startsWith('ETCD_')))
}

const outOfReach = async (): Promise<never> => {
  throw new ConfigError('etcd carries its messages itself, so this needs --hosts netns')
}
const slowsNothing = async (): Promise<never> => {
  throw new ConfigError('etcd delays no message of its own: on hosts, `delay n3 50ms` delays its packets')
}
const nothing = async () => {}

/** Links between programs of others on one machine: they cannot be broken from here. */
const linksOutOfReach: LinkFaults = {
  ...{ cut: outOfReach, heal: outOfReach, delay: outOfReach },
  ...{ tell: nothing, forget: nothing },
}

/** Links between hosts: packets are lost in the kernel, whoever sends them. */
function linksOnHosts(hosts: Hosts): LinkFaults {
  return {
    cut: (links) => hosts.cut(links),
    heal: () => hosts.heal(),
    delay: (delay) => (delay === null ? nothing() : slowsNothing()),
    tell: nothing,
    forget: (id) => hosts.remove(id),
  }
}

/** The faults that can be done to programs of others: all but those of their clocks. */
function faultsOfOthers(processes: ProcessFaults): Faults {
  const noClock = async (): Promise<never> => {
    throw new ConfigError('the clock of etcd is its own: `kill`, `stop`, `pause` and their likes are what works here')
  }
  return {
    kill: (id) => processes.kill(id),
    stop: (id) => processes.stop(id),
    restart: (id) => processes.restart(id),
    wipe: (id) => processes.wipe(id),
    pause: (id) => processes.pause(id),
    resume: (id) => processes.resume(id),
    cut: (from, to, bothWays) => processes.cut(from, to, bothWays),
    split: (ids) => processes.split(ids),
    heal: () => processes.heal(),
    delay: (delay) => processes.delay(delay),
    ...{ slow: noClock, hasten: noClock },
  }
}
