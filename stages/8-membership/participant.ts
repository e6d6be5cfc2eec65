import type { Identity, Member, NodeId, NodeOptions, Recovered, RequestId } from '../../src/contracts.js'
import { newProgress } from '../4-log-replication/progress.js'
import { type Compactor, compactor } from '../7-log-compaction/compactor.js'
import { type Configuration, idsOf, membersOf, type Server } from './configuration.js'
import { MembersLog } from './members-log.js'
import type { Acknowledged, Change, Displacement, LostDisk, Met, Waiting } from './volatile.js'

/** A node of a cluster whose members change. Who they are is in the log; nothing else says so. */
export interface Participant extends Compactor {
  readonly log: MembersLog
  members: readonly Server[]
  peers: readonly NodeId[]
  /** This node, with the disk that it has now. */
  readonly self: Server
  /** Whom the founder of a cluster takes in first; and who of them has said that it knows of no cluster, until there is one. */
  readonly founders: readonly Member[]
  founding: Set<NodeId> | null
  /** Whether this node founds, or has founded, the cluster in this life; who asked it to; and how long it has waited for others. */
  isFounder: boolean
  readonly foundingRequests: RequestId[]
  foundingTicks: number
  /** The configuration that {@link members} and {@link progress} were last brought in line with. */
  followed: Configuration | null
  /** When each node last answered this one, in {@link Compactor.ticks}: what it says unasked does not show that it hears. */
  readonly heardAt: Map<NodeId, number>
  /** A leader's: since when it has been in office, or has gone by its latest configuration, in ticks. */
  quorumSince: number
  /** For how long somebody has been waited for; null while nobody is. */
  awaiting: Waiting | null
  /** A leader's: the change of members that is under way. */
  change: Change | null
  /** A leader's: who is a member no more, and has or has not been told so. */
  departed: { readonly servers: readonly Server[]; toldAt: number | null } | null
  /** It was told that it is no member any more. */
  isRemoved: boolean
  /** It was told that its disk does not count. */
  displaced: Displacement | null
  /** A leader's: whose disks do not count, though they answer. */
  readonly lostDisks: Map<NodeId, LostDisk>
  /** A leader's: what each follower has acknowledged in this term. */
  readonly acknowledged: Map<NodeId, Acknowledged>
  /** Nodes of other clusters that were met; and those that were reported, by name and origin. */
  readonly foreigners: Map<NodeId, Met>
  readonly reported: Set<string>
  /** The term of the vote that this node gave last, and the disk to which it went; null if an earlier life gave it. */
  votedDisk: string | null
  /** Verb: this node's disk and cluster. */
  identify(): Identity
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
    acknowledged: new Map<NodeId, Acknowledged>(),
    lostDisks: new Map<NodeId, LostDisk>(),
    foreigners: new Map<NodeId, Met>(),
    reported: new Set<string>(),
    votedDisk: null,
  }
}

function isBlank({ term, entries, snapshots }: Recovered): boolean {
  return term === 0 && entries.length === 0 && snapshots.length === 0
}

/** Brings what a node has for each member in line with the latest configuration in its log. */
export function followConfiguration(node: Participant): void {
  const { configuration } = node.log.configuration
  if (configuration === node.followed) return
  node.followed = configuration
  node.members = membersOf(configuration)
  node.peers = idsOf(node.members).filter((id) => id !== node.id)
  for (const id of node.progress.keys()) if (!node.peers.includes(id)) node.progress.delete(id)
  for (const id of node.peers) if (!node.progress.has(id)) node.progress.set(id, newProgress(node.log, node.timing))
  connect(node)
}

/**
 * Whoever is to be a voter, at the address where it is to be found, unless it still answers at another; the members; and
 * who is to be told that it is none any more.
 */
export function connect(node: Participant): void {
  const founders = node.founding ? node.founders : []
  const coming = node.change?.voters.filter(({ id }) => !node.change!.staying.has(id)) ?? []
  const all = [...coming, ...node.members, ...(node.departed?.servers ?? []), ...founders]
  node.effects.peers = all.filter(({ id }, at) => id !== node.id && all.findIndex((other) => other.id === id) === at)
}
