import type { Member, NodeId, NodeOptions, Recovered, Status } from '../../src/contracts.js'
import { newProgress } from '../4-log-replication/replica.js'
import { type Compactor, compactor, compactorStatus } from '../7-log-compaction/compactor.js'
import { type Change, describeChange } from './change.js'
import { type Configuration, idsOf, isSame, membersOf, type Server } from './configuration.js'
import { MembersLog } from './members-log.js'

/** A node of a cluster whose members change. Who they are is in the log; nothing else says so. */
export interface Participant extends Compactor {
  readonly log: MembersLog
  members: readonly Member[]
  peers: readonly NodeId[]
  /** This node, with the disk that it has now. */
  readonly self: Server
  /** Whom the founder of a cluster takes in first; and who of them has said that it knows of no cluster, until there is one. */
  readonly founders: readonly Member[]
  founding: Set<NodeId> | null
  /** The configuration that {@link members} and {@link progress} were last brought in line with. */
  followed: Configuration | null
  /** When each node was last heard, in {@link Compactor.ticks}. */
  readonly heardAt: Map<NodeId, number>
  /** A leader's: the change of members that is under way. */
  change: Change | null
  /** A leader's: who is a member no more, and has or has not been told so. */
  departed: { readonly servers: readonly Server[]; toldAt: number | null } | null
  /** It was told that it is no member any more. */
  isRemoved: boolean
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
    followed: null,
    heardAt: new Map<NodeId, number>(),
    change: null,
    departed: null,
    isRemoved: false,
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
 * Whoever is to be a voter, at the address where it is to be found; the members; and who is to be told that it is none
 * any more.
 */
export function connect(node: Participant): void {
  const founders = node.founding ? node.founders : []
  const all = [...(node.change?.voters ?? []), ...node.members, ...(node.departed?.servers ?? []), ...founders]
  node.effects.peers = all.filter(({ id }, at) => id !== node.id && all.findIndex((other) => other.id === id) === at)
}

export type Standing = 'voter' | 'learner' | 'removed' | 'no member'

/** What this node is in the latest configuration that it knows. */
export function standing({ log, self, isRemoved }: Participant): Standing {
  const { voters, outgoing, learners } = log.configuration.configuration
  if (isRemoved) return 'removed'
  if ([...voters, ...(outgoing ?? [])].some((server) => isSame(server, self))) return 'voter'
  return learners.some((server) => isSame(server, self)) ? 'learner' : 'no member'
}

export function participantStatus(node: Participant): Status {
  const { voters, outgoing, learners } = node.log.configuration.configuration
  return Object.assign(compactorStatus(node), {
    member: standing(node),
    voters: idsOf(voters),
    ...(outgoing && { outgoing: idsOf(outgoing) }),
    ...(learners.length > 0 && { learners: idsOf(learners) }),
    ...(node.change && { change: describeChange(node, node.change) }),
  })
}
