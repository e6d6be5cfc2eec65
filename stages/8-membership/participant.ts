import type { Identity, Member, NodeId, NodeOptions, RequestId } from '../../src/contracts.js'
import { type Compactor, compactor } from '../7-log-compaction/compactor.js'
import { isBlank } from './blank.js'
import { type Configuration, idsOf, membersOf, type Server } from './configuration.js'
import { MembersLog } from './members-log.js'
import type { Acknowledged, Change, Displacement, Double, LostDisk, Met, Waiting } from './volatile.js'

/** A node of a cluster whose members change. The log names the members, and nothing else does. */
export interface Participant extends Compactor {
  readonly log: MembersLog
  members: readonly Server[]
  peers: readonly NodeId[]
  /** The node's own server: its name, its addresses and its present disk. */
  readonly self: Server
  /** The nodes with which this node founds the cluster; after the founding they are taken in first. */
  readonly founders: readonly Member[]
  /** Founders that have said that they know of no cluster; null while this node is not founding one. */
  founding: Set<NodeId> | null
  /**
   * True if this node was told to found the cluster, at its start or by a request. False once an operator calls the
   * gathering of the founders off.
   */
  isFounder: boolean
  /** Clients that asked this node to found the cluster, and wait for the answer. */
  readonly foundingRequests: RequestId[]
  /** Ticks for which this node has waited for the other founders. */
  foundingTicks: number
  /** The configuration that {@link members} and {@link progress} were last brought in line with. */
  followed: Configuration | null
  /**
   * The tick at which each node last answered this one, in {@link Compactor.ticks}. A message that was not asked for
   * does not count: it does not show that its sender hears this node.
   */
  readonly heardAt: Map<NodeId, number>
  /** On a leader: the tick at which it took office, or began to go by its latest configuration. */
  quorumSince: number
  /** The wait for another node, without which nothing goes on here; null while there is none. */
  awaiting: Waiting | null
  /** On a leader: the change of members that is under way. */
  change: Change | null
  /** On a leader: removed nodes, and the tick at which they were told so; `toldAt` is null until then. */
  departed: { readonly servers: readonly Server[]; toldAt: number | null } | null
  /**
   * True after this node was told that it is no longer a member, or has led its own removal. False again when a leader
   * counts on it.
   */
  isRemoved: boolean
  /** The reason why this node's disk does not count, as it was told; null if the disk counts. */
  displaced: Displacement | null
  /** The node that peers hear instead of this one, because it has this one's name and disk; null if there is none. */
  double: Double | null
  /** On a leader: members that answer with a disk that does not count. */
  readonly lostDisks: Map<NodeId, LostDisk>
  /** On a leader: the last entry that each follower has acknowledged in this term. */
  readonly acknowledged: Map<NodeId, Acknowledged>
  /** Nodes of other clusters that this node has met. */
  readonly foreigners: Map<NodeId, Met>
  /** Names and origins of the foreigners that were reported. */
  readonly reported: Set<string>
  /** The term of this node's last vote, and the disk that got it; null if this node has not voted since its start. */
  votedDisk: string | null
  /** Verb: tells this node's disk and cluster. */
  identify(): Identity
  /** Verb: leaves office, now that the removal of this leader is committed. */
  retire(): void
}

export function participant(options: NodeOptions) {
  const { id, members, recovered } = options
  const log = new MembersLog(recovered)
  return {
    ...compactor(options),
    log,
    quorum: log.quorum,
    self: { ...members.find((member) => member.id === id)!, incarnation: recovered.incarnation },
    founders: members,
    founding: options.bootstrap && isBlank(recovered) ? new Set<NodeId>() : null,
    members: membersOf(log.configuration.configuration),
    isFounder: options.bootstrap,
    foundingRequests: [],
    foundingTicks: 0,
    followed: null,
    heardAt: new Map<NodeId, number>(),
    quorumSince: 0,
    awaiting: null,
    change: null,
    departed: null,
    isRemoved: false,
    displaced: null,
    double: null,
    acknowledged: new Map<NodeId, Acknowledged>(),
    lostDisks: new Map<NodeId, LostDisk>(),
    foreigners: new Map<NodeId, Met>(),
    reported: new Set<string>(),
    votedDisk: null,
  }
}

/** Brings what a node has for each member in line with the latest configuration in its log. */
export function followConfiguration(node: Participant): void {
  const { configuration } = node.log.configuration
  if (configuration === node.followed) return
  node.followed = configuration
  node.members = membersOf(configuration)
  node.peers = idsOf(node.members).filter((id) => id !== node.id)
  for (const id of node.progress.keys()) if (!node.peers.includes(id)) node.progress.delete(id)
  for (const id of node.peers) if (!node.progress.has(id)) node.progress.set(id, node.track())
  connect(node)
}

/**
 * Tells the network with which nodes to be connected. They are voters to be, at their new address once the old one is
 * silent; members; removed nodes that are still to be told; and, while founding, the founders.
 */
export function connect(node: Participant): void {
  const founders = node.founding ? node.founders : []
  const { voters = [], learners = [], staying } = node.change ?? {}
  const coming = [...voters, ...learners].filter(({ id }) => !staying?.has(id))
  const all = [...coming, ...node.members, ...(node.departed?.servers ?? []), ...founders]
  node.effects.peers = all.filter(({ id }, at) => id !== node.id && all.findIndex((other) => other.id === id) === at)
}
