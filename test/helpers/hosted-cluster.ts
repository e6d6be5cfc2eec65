import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import ndjson from 'ndjson'
import type { Member, NodeId, Status } from '../../src/contracts.js'
import type { NetworkName } from '../../src/stage.js'
import { type Happened, Happenings } from './happened.js'
import type { Hosts } from './namespaces.js'

const entry = fileURLToPath(new URL('../../client/node-entry.js', import.meta.url))
const pace = { heartbeatMs: 100, electionMs: 1_000 }

/** A cluster whose nodes run on hosts of their own; the first node founds it. */
export class HostedCluster extends Happenings {
  readonly members: readonly Member[]
  readonly #children = new Map<NodeId, ChildProcess>()
  #orders = 0

  constructor(hosts: Hosts, ids: readonly NodeId[], stage: number, network: NetworkName) {
    super()
    this.members = ids.map((id) => ({ id, client: `${hosts.address(id)}:7001`, peer: `${hosts.address(id)}:7101` }))
    for (const [at, member] of this.members.entries()) {
      const kept = { dataDir: null, log: 'memory', trace: null } as const
      const founds = at === 0
      const founding = { members: founds ? this.members : [member], bootstrap: founds }
      const config = { stage, id: member.id, network, cluster: 'hosted', ...founding, ...kept, ...pace }
      const child = hosts.spawn(member.id, process.execPath, [entry, JSON.stringify(config)])
      child.stdout!.pipe(ndjson.parse()).on('data', (event: Happened) => this.happened(event))
      this.#children.set(member.id, child)
    }
  }

  /** Waits until all nodes are voters, and know it. */
  async founded(): Promise<void> {
    for (const { id } of this.members) {
      await this.event(({ event, node }) => event === 'serving' && node === id)
      while ((await this.status(id)).voters?.length !== this.members.length);
    }
  }

  /** Asks a node for its status, not as a client. */
  async status(id: NodeId): Promise<Status> {
    const child = this.#children.get(id)!
    const order = ++this.#orders
    child.send({ order, status: true })
    for (;;) {
      const [told] = (await once(child, 'message')) as [{ order: number; status: Status }]
      if (told.order === order) return told.status
    }
  }
}
