import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { LocalCluster, LocalClusterOptions } from '../../../client/cluster/local-cluster.js'
import { roadmap } from '../../../client/commands/served.js'
import type { Engine } from '../../../client/engine/engine.js'
import { etcd } from '../../../client/engine/etcd/engine.js'
import { stageEngine } from '../../../client/engine/stage.js'
import type { NodeId, Status } from '../../../src/contracts.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import { defaultSettings } from '../../../src/server/settings.js'
import { latest } from '../../../stages/index.js'
import { BenchmarkError } from '../children.js'
import { dataFolder } from '../data-folder.js'
import type { ProtocolName } from '../protocols.js'

/** A cluster under test, on hosts that both clusters share: the one that is not measured has nothing to do. */
export class Subject {
  readonly name: string
  readonly protocol: ProtocolName
  readonly #local: LocalCluster

  constructor(name: string, protocol: ProtocolName, local: LocalCluster) {
    this.name = name
    this.protocol = protocol
    this.#local = local
  }

  get client() {
    return this.#local.client
  }

  get pids(): number[] {
    return this.#nodes.flatMap(({ pid }) => pid ?? [])
  }

  get #nodes() {
    return this.#local.cluster.nodes()
  }

  addressOf(id: NodeId): string {
    return this.#nodes.find((node) => node.id === id)!.client
  }

  statuses(): Promise<Status[]> {
    return this.#local.cluster.statuses()
  }

  /** Waits until all nodes follow one leader and have applied as much. @throws BenchmarkError if they do not in time */
  async atRest(ms: number): Promise<Status> {
    for (const end = performance.now() + ms; performance.now() < end; await delay(pollMs)) {
      const statuses = await this.statuses()
      const leader = statuses.find(({ role }) => role === 'leader')
      if (!leader || statuses.length < this.#nodes.length) continue
      if (statuses.every((one) => one.leader === leader.id && one.applied === leader.applied)) return leader
    }
    throw new BenchmarkError(`the nodes of ${this.name} are not as far as each other after ${ms / 1000} s`)
  }

  /** Reads the memory that a node's process holds now, in megabytes. */
  memoryOf(id: NodeId): number {
    const { pid } = this.#nodes.find((node) => node.id === id)!
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))!
    return Number(kilobytes) / 1024
  }

  stop(): Promise<void> {
    return this.#local.stop()
  }
}

const pollMs = 100

const settings = {
  ...defaultSettings,
  ...{ network: undefined, tokens: undefined, trace: undefined, metricsPort: undefined },
  ...{ appPorts: false, metrics: false, tls: false, noSession: false, host: '127.0.0.1' },
  reads: 'leader',
} as const

async function start(name: string, protocol: ProtocolName, engine: Engine, own: Own): Promise<Subject> {
  const options: Omit<LocalClusterOptions, 'stage' | 'entry'> = {
    ...settings,
    ...own,
    dataDir: dataFolder(),
    onEvent: () => {},
    onStderr: (text) => console.error(`${name}: ${text.trimEnd()}`),
  }
  return new Subject(name, protocol, await engine.start(options))
}

type Own = Pick<LocalClusterOptions, 'nodes' | 'basePort'> & { readonly hosts: Hosts }

/** Starts a cluster of the newest stage and one of etcd, each with its own ports on the same hosts. */
export async function startSubjects(hosts: Hosts, nodes: number): Promise<readonly [ours: Subject, etcd: Subject]> {
  const ours = stageEngine(latest, roadmap, 'file')
  return [
    await start(`stage ${latest.number}`, 'json', ours, { hosts, nodes, basePort: 7_000 }),
    await start('etcd', 'etcd', etcd, { hosts, nodes, basePort: 8_000 }),
  ]
}
