import {
  addressProblem,
  isNodeId,
  isObject,
  limits,
  type Member,
  type NodeId,
  type Payload,
} from '../../src/contracts.js'
import { majority, type Quorum } from '../2-naive-replication/quorum.js'

/**
 * A node with the disk with which it was admitted. A node that lost its disk has forgotten its vote, and is another
 * server.
 */
export interface Server extends Member {
  readonly incarnation: string
}

/**
 * A learner. At this stage each one goes when the change of the voters ends for which it was taken in; stage 10 has
 * learners that stay.
 */
export type Learner = Server & { readonly stays?: true }

/** The members of the cluster, as an entry of the log names them (§6). */
export interface Configuration {
  /** The disk of the node that founded the cluster: tells the cluster from any other of the same name. */
  readonly origin: string
  readonly voters: readonly Server[]
  /**
   * The old voters while {@link voters} take over from them; null otherwise. Until then every decision needs a majority
   * of both.
   */
  readonly outgoing: readonly Server[] | null
  /** Learners, newcomers that catch up: they are sent all entries, and count for no majority (thesis 4.2.1). */
  readonly learners: readonly Learner[]
}

/** The configuration of a node that has not heard of any cluster. */
export const nobody: Configuration = { origin: '', voters: [], outgoing: null, learners: [] }

export const idsOf = (members: readonly Member[]): NodeId[] => members.map(({ id }) => id)

/** Checks whether two servers are one node with one disk. */
export const isSame = (one: Server, other: Server) => one.id === other.id && one.incarnation === other.incarnation

/** The servers that are not among the others with the same disk. */
export function without(servers: readonly Server[], others: readonly Server[]): Server[] {
  return servers.filter((one) => !others.some((other) => isSame(one, other)))
}

/** The learners of a configuration that stay learners. */
export const stayingIn = ({ learners }: Configuration): Learner[] => learners.filter(({ stays }) => stays)

/** All members of a configuration, once each. */
export function membersOf({ voters, outgoing, learners }: Configuration): Server[] {
  const all = [...voters, ...(outgoing ?? []), ...learners]
  return all.filter(({ id }, at) => all.findIndex((other) => other.id === id) === at)
}

/** A quorum is a majority of the voters, and of the outgoing voters as long as there are any (joint consensus). */
export function quorumOf({ voters, outgoing }: Pick<Configuration, 'voters' | 'outgoing'>): Quorum {
  const sets = [voters, ...(outgoing ? [outgoing] : [])].map((set) => majority(idsOf(set)))
  return { has: (nodes) => sets.every((set) => set.has(nodes)) }
}

export function payloadOfConfiguration({ origin, voters, outgoing, learners }: Configuration): Payload {
  return { kind: 'configuration', configuration: { origin, voters, outgoing, learners } }
}

/** The configuration that an entry or a snapshot holds; null if it holds none. */
export function configurationIn(candidate: unknown): Configuration | null {
  if (!isObject(candidate)) return null
  const { origin, voters, outgoing, learners } = candidate
  if (typeof origin !== 'string') return null
  if (!isServers(voters) || !isServers(learners) || !(outgoing === null || isServers(outgoing))) return null
  return { origin, voters, outgoing, learners }
}

/** Checks a configuration from another node: it names valid nodes only, each once, at addresses that can be reached. */
export function isConfiguration(payload: Payload): boolean {
  const configuration = payload.kind === 'configuration' ? configurationIn(payload.configuration) : null
  if (!configuration || configuration.voters.length === 0) return false
  const { voters, outgoing, learners } = configuration
  return [voters, outgoing ?? [], learners].every((servers) => {
    const ids = new Set(idsOf(servers))
    return ids.size === servers.length && servers.length <= limits.voters && servers.every(canBeReached)
  })
}

const canBeReached = ({ id, client, peer }: Server) =>
  isNodeId(id) && addressProblem(client) === null && addressProblem(peer) === null

function isServers(candidate: unknown): candidate is Learner[] {
  return Array.isArray(candidate) && candidate.every(isServer)
}

function isServer(candidate: unknown): candidate is Server {
  if (!isObject(candidate)) return false
  const isLearner = candidate.stays === undefined || candidate.stays === true
  return isLearner && ['id', 'client', 'peer', 'incarnation'].every((field) => typeof candidate[field] === 'string')
}
