import { randomUUID } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import type { Member, NodeId, Status } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { Cluster } from '../../src/server/cluster.js'
import { defaultPace } from '../../src/server/config.js'
import { stages } from '../../stages/index.js'
import type { Happened } from '../helpers/happened.js'
import { BenchmarkError } from './children.js'
import { dataFolder, removeFolder } from './data-folder.js'
import { type NodeReport, profileFile } from './node-report.js'
import type { Profile } from './profiles.js'
import { keyName, type RequestShape, valueWith } from './requests.js'
import type { Server } from './servers.js'

const host = '127.0.0.1'
/** How long a cluster may take to have a leader, and a node to do what a signal asks of it. */
const leaderMs = 10_000
const leaderPollMs = 50
const signalMs = 10_000
const keysAtOnce = 100
/** Who listens to every step of the nodes: nobody, a file for each of them, or this process. */
type Listener = 'nobody' | 'traced' | 'watched'

const running = new Set<StageCluster>()

export async function stopAllClusters(): Promise<void> {
  await Promise.all([...running].map((cluster) => cluster.stop()))
}

/** A cluster of one of our stages, on free ports and with a fresh data folder, under the project's own supervisor. */
export class StageCluster implements Server {
  readonly protocol = 'json'
  readonly #stage: number
  readonly #folder = dataFolder()
  readonly #members: readonly Member[]
  readonly #cluster: Cluster
  readonly #events = new EventEmitter()
  #leader: Member
  /** The longest pauses the nodes have reported, and when. */
  readonly #pauses: { readonly at: number; readonly ms: number }[] = []

  /** @throws BenchmarkError, ConfigError if it does not start, or has no leader in time */
  static async start({ stage, nodes, network, log }: Profile, listener: Listener = 'nobody'): Promise<StageCluster> {
    const members = localMembers(nodes, host, await freeBasePort(nodes, host))
    const cluster = new StageCluster(stage, { network, log }, members, listener)
    running.add(cluster)
    try {
      await cluster.#cluster.start()
      await cluster.#findLeader()
      return cluster
    } catch (error) {
      await cluster.stop()
      throw error
    }
  }

  private constructor(
    stage: number,
    { network, log }: Pick<Profile, 'network' | 'log'>,
    members: readonly Member[],
    listener: Listener,
  ) {
    this.#stage = stage
    this.#members = members
    this.#leader = members[0]!
    this.#cluster = new Cluster({
      stage,
      entry: fileURLToPath(new URL('measured-node.js', import.meta.url)),
      members,
      isFounded: stages[stage]!.members === 'changing' ? false : null,
      network,
      cluster: `bench-${randomUUID().slice(0, 8)}`,
      log,
      pace: defaultPace,
      dataDir: this.#folder,
      traceDir: listener === 'traced' ? join(this.#folder, 'traces') : null,
      ...(listener === 'watched' && { onTrace: () => {} }),
      onEvent: (event) => this.#reported(event),
      onStderr: (node, text) => console.error(`${node} ${text.trimEnd()}`),
    })
  }

  /** Load goes to the leader; where every node stands alone (stages 0 and 1), to the first. */
  get address(): string {
    return this.#leader.client
  }

  get addresses(): string[] {
    return this.#members.map(({ client }) => client)
  }

  /** Gives every key a value. */
  async fill({ keys, valueBytes }: RequestShape): Promise<void> {
    await using client = new Client({ addresses: this.addresses })
    for (let from = 0; from < keys; from += keysAtOnce) {
      const some = Array.from({ length: Math.min(keysAtOnce, keys - from) }, (_, key) => keyName(from + key))
      await Promise.all(some.map((key) => client.set(key, valueWith(valueBytes))))
    }
  }

  get pids(): number[] {
    return this.#cluster.nodes().flatMap(({ pid }) => pid ?? [])
  }

  async stop(): Promise<void> {
    await this.#cluster.stop()
    removeFolder(this.#folder)
    running.delete(this)
  }

  /** The longest pause of any node's event loop since a moment of `performance.now()`, in milliseconds. */
  longestPauseMs(since: number): number {
    return this.#pauses.filter(({ at }) => at >= since).reduce((longest, { ms }) => Math.max(longest, ms), 0)
  }

  /** Profiles the leader during some work. @param file where the profile goes */
  async profileLeader(file: string, work: () => Promise<unknown>): Promise<void> {
    const { id } = this.#leader
    await this.#signal(id, 'profile_begun')
    await work()
    await this.#signal(id, 'profile_ended')
    copyFileSync(join(this.#folder, id, profileFile), file)
  }

  async #signal(id: NodeId, answer: NodeReport['event']): Promise<void> {
    const { pid } = this.#cluster.nodes().find((node) => node.id === id)!
    const answered = once(this.#events, answer, { signal: AbortSignal.timeout(signalMs) })
    process.kill(pid!, 'SIGUSR2')
    await answered
  }

  #reported(event: Happened): void {
    if (event.event === 'event_loop') {
      this.#pauses.push({ at: performance.now(), ms: Number(event.longestPauseMs) })
    } else this.#events.emit(event.event, event)
  }

  async #findLeader(): Promise<void> {
    await using client = new Client({ addresses: this.#members.map((member) => member.client) })
    const giveUpAt = performance.now() + leaderMs
    while (performance.now() < giveUpAt) {
      const roles = await Promise.all(this.#members.map((member) => askRole(client, member.client)))
      if (roles.every((role) => role === 'standalone')) return
      const leader = this.#members[roles.indexOf('leader')]
      if (leader) {
        this.#leader = leader
        return
      }
      await delay(leaderPollMs)
    }
    throw new BenchmarkError(`the cluster of stage ${this.#stage} had no leader within ${leaderMs / 1000} s`)
  }
}

async function askRole(client: Client, at: string): Promise<string | null> {
  const outcome = await client.call({ command: 'info' }, { at, deadlineMs: 1_000 })
  return outcome.outcome === 'done' ? (outcome.answer.info as Status).role : null
}
