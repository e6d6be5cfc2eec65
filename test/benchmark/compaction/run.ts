/** What is done to the cluster, in order. */
import { Client } from '../../../client/client.js'
import { commandPayload, makeEntry, type NodeId, type Snapshot, type Status } from '../../../src/contracts.js'
import { BenchmarkError } from '../children.js'
import { keyName } from '../requests.js'
import type { LoadPlan } from './loader.js'
import type { CompactionOptions } from './options.js'
import { RunningLoad } from './running-load.js'
import type { WatchedCluster } from './watched-cluster.js'

/** Moments in the life of a node that came back, in seconds since its process was started. */
export interface Return {
  readonly node: NodeId
  readonly steps: readonly { readonly what: string; readonly seconds: number }[]
}

/** A pipeline deep enough that the cluster, and not the round trip, is the limit; from few connections. */
const filling = { clients: 4, connections: 4, pipeline: 64 }
/** About what a client sets in a second that waits for each answer: so the snapshot comes about when it should. */
const setsOfClient = 400
const patienceSeconds = 600

export class Run {
  readonly #cluster: WatchedCluster
  readonly #options: CompactionOptions
  readonly returns: Return[] = []
  #load: RunningLoad | null = null

  constructor(cluster: WatchedCluster, options: CompactionOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  async perform(say: (line: string) => void): Promise<void> {
    const leader = await this.#cluster.leader()
    const [wiped, restarted] = this.#cluster.members.map(({ id }) => id).filter((id) => id !== leader.id)
    say(`${this.#options.keys.toLocaleString('en-US')} keys are loaded`)
    await this.#fill(leader.id)
    say('more sets, until a snapshot is near')
    await this.#approach(leader.id)
    this.#load = (await RunningLoad.start(this.#plan(leader.id, { clients: this.#options.clients }))).load
    say('sets alone, beside a snapshot, and after it')
    await this.#besideSnapshot()
    say(`${wiped} loses its disk`)
    await this.#phase('a node without its disk comes back', () => this.#wipe(wiped!))
    say(`${restarted} starts again`)
    await this.#phase('a node starts again', () => this.#restart(restarted!))
    await this.#load.stop()
  }

  #plan(leader: NodeId, shape: Partial<LoadPlan>): LoadPlan {
    const { keys, valueBytes } = this.#options
    const { clients = 1, connections = clients } = shape
    const address = this.#cluster.member(leader).client
    return {
      address,
      keys,
      valueBytes,
      reads: 0,
      readPolicy: 'leader',
      clients,
      connections,
      pipeline: 1,
      isFilled: true,
      ...shape,
    }
  }

  async #fill(leader: NodeId): Promise<void> {
    const phase = await this.#cluster.enter('the keys are loaded')
    const { load, filled } = await RunningLoad.start(this.#plan(leader, { ...filling, isFilled: false }))
    await load.stop()
    phase.load = filled
    const lost = Object.entries(filled.errors)
    if (lost.length > 0) throw new BenchmarkError(`not all keys were loaded: ${JSON.stringify(filled.errors)}`)
  }

  /** Until what the load of single requests sets in the time for which it is to be measured makes a snapshot due. */
  async #approach(leader: NodeId): Promise<void> {
    const { clients, seconds } = this.#options
    const near = clients * setsOfClient * seconds * this.#entryBytes
    const phase = await this.#cluster.enter('more sets, until one is near')
    const { load } = await RunningLoad.start(this.#plan(leader, filling))
    const isNear = async () => {
      const status = await this.#cluster.leader()
      const [left, whole] = [this.#bytesLeft(status), this.#bytesApart(status)]
      const most = Math.min(near, whole / 2)
      return left < most && left > most / 2
    }
    await this.#cluster.until('a snapshot is near', isNear, patienceSeconds)
    phase.load = await load.portion()
    await load.stop()
  }

  get #entryBytes(): number {
    const { keys, valueBytes } = this.#options
    const value = 'v'.repeat(valueBytes)
    return makeEntry(keys, 1, commandPayload({ command: 'set', key: keyName(0), value })).text.length
  }

  /** Until the next snapshot is due: about, for it is counted in entries of one length. */
  #bytesLeft(status: Status): number {
    return this.#bytesApart(status) - ((status.commit ?? 0) - indexOf(status)) * this.#entryBytes
  }

  /** From the newest snapshot to the next, by the rule of stage 7. */
  #bytesApart({ snapshot }: Status): number {
    const { snapshotEntries, snapshotBytes } = this.#options.limits
    const { bytes = 0 } = (snapshot ?? {}) as Partial<Snapshot>
    return Math.max(bytes, Math.min(snapshotEntries * this.#entryBytes, snapshotBytes))
  }

  /** The same load before, beside and after: the same machine, the same state, the same log. */
  async #besideSnapshot(): Promise<void> {
    const ids = this.#cluster.members.map(({ id }) => id)
    const isSaving = async () => (await Promise.all(ids.map((id) => this.#cluster.isSaving(id)))).some(Boolean)
    if (await isSaving()) throw new BenchmarkError('a snapshot began before the load was measured alone')
    const before = await this.#cluster.cluster.statuses()
    const newest = new Map(before.map((status) => [status.id, indexOf(status)]))
    await this.#phase('sets alone', () => this.#cluster.until('a snapshot begins', isSaving, patienceSeconds))
    const areSaved = async () => {
      const statuses = await this.#cluster.cluster.statuses()
      return statuses.every((status) => indexOf(status) > newest.get(status.id)!) && !(await isSaving())
    }
    await this.#phase('sets beside a snapshot', () =>
      this.#cluster.until('all have another snapshot', areSaved, patienceSeconds),
    )
    const end = performance.now() + this.#options.seconds * 1000
    await this.#phase('sets after it', () =>
      this.#cluster.until('the end', () => performance.now() > end, patienceSeconds),
    )
  }

  /** Does something beside the load, and notes what the load came to. */
  async #phase(name: string, work: () => Promise<void>): Promise<void> {
    await this.#load!.portion()
    const phase = await this.#cluster.enter(name)
    await this.#load!.portion()
    await work()
    phase.load = await this.#load!.portion()
    await this.#cluster.leave()
  }

  /** A follower loses all it had. It is admitted again with its new disk, catches up by a snapshot, and votes. */
  async #wipe(id: NodeId): Promise<void> {
    await this.#kill(id)
    await this.#cluster.cluster.faults.wipe(id)
    const steps = new Steps(this.#cluster, id)
    void this.#start(id)
    await steps.heard('it serves', 'serving')
    const { client, peer } = this.#cluster.member(id)
    await using asking = new Client({ addresses: this.#cluster.members.map((member) => member.client) })
    const command = { command: 'add_node', node: id, client, peer }
    const added = asking.call(command, { deadlineMs: patienceSeconds * 1000 })
    await steps.heard('all of the snapshot is there', 'installed')
    await steps.reached('the snapshot is restored', async () => {
      const status = await this.#cluster.status(id)
      return status !== undefined && status.applied > 0 && status.applied >= indexOf(status)
    })
    const outcome = await added
    if (outcome.outcome !== 'done') throw new BenchmarkError(`${id} was not taken in: ${outcome.error.message}`)
    await steps.reached('it votes', async () => (await this.#cluster.status(id))?.member === 'voter')
    this.returns.push({ node: `${id}, without its disk`, steps: steps.taken })
  }

  async #restart(id: NodeId): Promise<void> {
    await this.#kill(id)
    const steps = new Steps(this.#cluster, id)
    void this.#start(id)
    await steps.heard('it serves', 'serving')
    const { commit = 0 } = await this.#cluster.leader()
    await steps.reached('it has everything', async () => ((await this.#cluster.status(id))?.applied ?? 0) >= commit)
    this.returns.push({ node: `${id}, with its disk`, steps: steps.taken })
  }

  async #kill(id: NodeId): Promise<void> {
    await this.#cluster.cluster.faults.kill(id)
    this.#cluster.restarts(id)
  }

  /** What it waits for is more than is measured here. */
  async #start(id: NodeId): Promise<void> {
    await this.#cluster.cluster.faults.restart(id)
  }
}

function indexOf(status: Status): number {
  return (status.snapshot as Snapshot | undefined)?.index ?? 0
}

/** What a node that was just started has come to, and when. */
class Steps {
  readonly taken: { what: string; seconds: number }[] = []
  readonly #cluster: WatchedCluster
  readonly #node: NodeId
  readonly #since = performance.now()

  constructor(cluster: WatchedCluster, node: NodeId) {
    this.#cluster = cluster
    this.#node = node
  }

  /** @param name of an event of this node */
  async heard(what: string, name: string): Promise<void> {
    const isIt = () => this.#cluster.since(this.#since).some(({ event, node }) => event === name && node === this.#node)
    await this.reached(what, isIt)
  }

  async reached(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    await this.#cluster.until(`${this.#node}: ${what}`, isSo, patienceSeconds)
    this.taken.push({ what, seconds: (performance.now() - this.#since) / 1000 })
  }
}
