import { randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freeBasePort } from '../../../client/cluster/free-ports.js'
import type { Member, NodeId, Status } from '../../../src/contracts.js'
import { localMembers } from '../../../src/network/local-members.js'
import { Cluster } from '../../../src/server/cluster.js'
import { type Choices, defaultPace } from '../../../src/server/config.js'
import { mostKnowing } from '../../../src/server/readiness.js'
import { snapshotFolder, snapshotName } from '../../../src/storage/snapshot-file.js'
import { walFolder } from '../../../src/storage/wal-scan.js'
import type { Happened } from '../../helpers/happened.js'
import { BenchmarkError } from '../children.js'
import { dataFolder, removeFolder } from '../data-folder.js'
import { newPhase, note, nothingSeen, type Phase, type Seen, type Taken } from './observations.js'

const host = '127.0.0.1'
const stage = 8
const pollMs = 50
const diskPollMs = 500
/** A node reports its pauses so often: what belongs to a phase has been heard so long after it. */
const reportMs = 250
const nanosecondsInMs = 1e6
const resolutionMs = 10
/** What stands for the process of the benchmark itself, which does next to nothing: its pauses are the machine's. */
export const ownName = 'bench'

export type Heard = Happened & { readonly heardAt: number }

/** Five nodes with logs on disk, and everything that can be seen of them from outside. */
export class WatchedCluster {
  readonly members: readonly Member[]
  readonly cluster: Cluster
  readonly events: Heard[] = []
  readonly phases: Phase[] = []
  readonly taken: Taken[] = []
  readonly #folder = dataFolder()
  /** Nodes that read their disks, or have just done so: they serve nobody yet, and a pause is no harm to others. */
  readonly #condition = new Map<NodeId, 'starting' | 'fresh'>()
  readonly #own = monitorEventLoopDelay({ resolution: resolutionMs })
  #phase = newPhase('start')
  #isOver = false

  static async create(limits: Partial<Choices>): Promise<WatchedCluster> {
    return new WatchedCluster(localMembers(5, host, await freeBasePort(5, host)), limits)
  }

  private constructor(members: readonly Member[], limits: Partial<Choices>) {
    this.members = members
    for (const { id } of members) this.#condition.set(id, 'starting')
    this.cluster = new Cluster({
      stage,
      entry: fileURLToPath(new URL('../measured-node.js', import.meta.url)),
      members,
      isFounded: false,
      network: 'tcp',
      cluster: `bench-${randomUUID().slice(0, 8)}`,
      log: 'file',
      pace: defaultPace,
      choices: limits,
      dataDir: this.#folder,
      traceDir: null,
      onEvent: (event) => this.#heard(event),
      onStderr: (node, text) => console.error(`${node} ${text.trimEnd()}`),
    })
  }

  async start(): Promise<void> {
    await this.cluster.start()
    if (!this.cluster.isFounded) throw new BenchmarkError('the cluster was not founded in time')
    this.#own.enable()
    void this.#watchDisks()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.cluster.stop()
    removeFolder(this.#folder)
  }

  /** What is seen from here on belongs to the next phase. */
  async enter(name: string): Promise<Phase> {
    await this.leave()
    this.#phase = newPhase(name)
    this.phases.push(this.#phase)
    return this.#phase
  }

  async leave(): Promise<void> {
    const phase = this.#phase
    phase.seconds = (performance.now() - phase.since) / 1000
    await delay(reportMs)
    const longestPauseMs = Math.max(0, this.#own.max / nanosecondsInMs - resolutionMs)
    note(phase, ownName, { longestPauseMs, longestCollectionMs: 0, residentBytes: process.memoryUsage.rss() })
    this.#own.reset()
  }

  /** The leader, by what the nodes say. */
  async leader(): Promise<Status> {
    const leader = mostKnowing(await this.cluster.statuses())
    if (leader?.role !== 'leader') throw new BenchmarkError('nobody leads the cluster')
    return leader
  }

  async status(id: NodeId): Promise<Status | undefined> {
    return (await this.cluster.statuses()).find((status) => status.id === id)
  }

  member(id: NodeId): Member {
    return this.members.find((member) => member.id === id)!
  }

  /** What was heard since a moment of `performance.now()`. */
  since(moment: number): Heard[] {
    return this.events.filter(({ heardAt }) => heardAt >= moment)
  }

  /** Polls until it is so. @throws BenchmarkError if it is not in time */
  async until(what: string, isSo: () => boolean | Promise<boolean>, seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000
    while (!(await isSo())) {
      if (performance.now() > end) throw new BenchmarkError(`${what}: not within ${seconds} s`)
      await delay(pollMs)
    }
  }

  /** Whether a node is writing a snapshot of its own. */
  async isSaving(id: NodeId): Promise<boolean> {
    return (await this.#list(id, snapshotFolder)).some((name) => name.endsWith('.ndjson.part'))
  }

  /** A node is about to be started: its pauses count when it serves. */
  restarts(id: NodeId): void {
    this.#condition.set(id, 'starting')
  }

  async logBytes(id: NodeId): Promise<number> {
    const names = await this.#list(id, walFolder)
    const sizes = names.map((name) => stat(join(this.#folder, id, walFolder, name)).then(({ size }) => size))
    return (await Promise.all(sizes.map((size) => size.catch(() => 0)))).reduce((sum, size) => sum + size, 0)
  }

  async #list(id: NodeId, folder: string): Promise<string[]> {
    return readdir(join(this.#folder, id, folder)).catch(() => [])
  }

  async #watchDisks(): Promise<void> {
    while (!this.#isOver) {
      for (const { id } of this.members) {
        const bytes = await this.logBytes(id)
        this.#phase.logBytes = Math.max(this.#phase.logBytes, bytes)
      }
      await delay(diskPollMs)
    }
  }

  #heard(event: Happened): void {
    const node = String(event.node)
    if (event.event === 'event_loop') return this.#noteTurns(node, event as unknown as Seen)
    this.events.push({ ...event, heardAt: performance.now() })
    if (event.event === 'serving') this.#condition.set(node, 'fresh')
    if (event.event === 'snapshot') void this.#noteTaken(node, event)
  }

  #noteTurns(node: NodeId, { longestPauseMs, longestCollectionMs, residentBytes }: Seen): void {
    const isServing = !this.#condition.has(node)
    if (this.#condition.get(node) === 'fresh') this.#condition.delete(node)
    const pauses = isServing ? { longestPauseMs, longestCollectionMs } : nothingSeen()
    note(this.#phase, node, { ...nothingSeen(), ...pauses, residentBytes })
  }

  /** A file's birth is when saving began; it is there for as long as the snapshot is one of the two newest. */
  async #noteTaken(node: NodeId, { index, term, at }: Happened): Promise<void> {
    const phase = this.#phase.name
    const path = join(this.#folder, node, snapshotFolder, snapshotName({ index, term } as never))
    const { size, birthtimeMs } = await stat(path)
    const isReceived = this.events.some(
      (event) => event.event === 'installed' && event.node === node && event.index === index,
    )
    if (isReceived) return
    this.taken.push({
      node,
      index: Number(index),
      bytes: size,
      ms: birthtimeMs > 0 ? Number(at) - birthtimeMs : null,
      phase,
    })
  }
}
