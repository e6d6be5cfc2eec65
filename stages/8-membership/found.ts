import { type EntryId, failure, type Refusal, type Request, type SnapshotHeader } from '../../src/contracts.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { enterTerm } from '../6-leader-election/voter.js'
import { headerOfEdge } from '../7-log-compaction/take-snapshot.js'
import { parseMember } from './ask-change.js'
import { foundingTerm } from './blank.js'
import { problemWith } from './check-voters.js'
import type { FoundCluster } from './commands.js'
import { idsOf, membersOf, nobody, payloadOfConfiguration, stayingIn } from './configuration.js'
import { connect, type Participant } from './participant.js'

/**
 * One node, told so, founds the cluster, once. It has an empty disk, founds for itself alone, and waits until all other
 * founders have said that they know of no cluster. All other nodes start without knowing of any, and wait until they
 * are taken in. If each node began for itself, there would be as many clusters as nodes.
 */
export function foundCluster(node: Participant): void {
  if (!node.founding) return
  const silent = node.founders.filter(({ id }) => id !== node.id && !node.founding!.has(id))
  if (silent.length > 0) return waitForFounders(node, idsOf(silent))
  node.founding = null
  enterTerm(node, node.term > foundingTerm ? node.term + 1 : foundingTerm, null)
  appendOwn(node, payloadOfConfiguration({ ...nobody, origin: node.self.incarnation, voters: [node.self] }))
}

/**
 * A founder waits for the other founders; {@link tellWaiting} says for whom. After two election time-outs, a founding
 * that a person asked for ends without a cluster.
 */
function waitForFounders(node: Participant, silent: readonly string[]): void {
  if (++node.foundingTicks !== 2 * node.timing.electionTicks) return
  if (node.foundingRequests.length > 0)
    endFounding(node, failure('not_caught_up', `no answer from ${silent.join(', ')}: do they run? nothing was founded`))
}

/** Ends the founding without a cluster: the clients that asked for it hear why. */
export function endFounding(node: Participant, refusal: Refusal): void {
  node.founding = null
  for (const request of node.foundingRequests.splice(0)) node.effects.replies.push({ request, answer: refusal })
  connect(node)
}

/**
 * An operator says, once, that there is no cluster yet. A flag would stay in the line with which a service is started;
 * when that node loses its disk and cannot ask anybody, it would found a second cluster under the name of the first.
 */
export function foundOnRequest(node: Participant, { id: request, command }: Request): void {
  const { members = [] } = command as unknown as FoundCluster
  const refuse = (answer: Refusal) => void node.effects.replies.push({ request, answer })
  const knows = known(node)
  if (knows) return refuse(failure('cluster_exists', `${node.id} ${knows}: nothing was founded`))
  const parsed = members.map((name) => parseMember(node, name))
  const at = parsed.indexOf(undefined)
  const form = 'a member is named with its addresses, n2=client-host:port/peer-host:port'
  if (at !== -1) return refuse(failure('bad_request', `${JSON.stringify(members[at])}: ${form}`))
  const others = parsed.flatMap((one) => (one && one.id !== node.id ? [one] : []))
  const problem = problemWith(node, [node.self, ...others])
  if (problem) return refuse(failure('bad_request', problem))
  node.foundingRequests.push(request)
  Object.assign(node, { founders: [node.self, ...others], founding: new Set(), foundingTicks: 0, isFounder: true })
  connect(node)
}

/** Describes the cluster that this node belongs to, has heard of, or is founding; null if it knows of none. */
function known({ log, leader, displaced, isRemoved, founding }: Participant): string | null {
  const { origin } = log.configuration.configuration
  if (origin !== '' || log.last.index > 0) return `belongs to a cluster already (its origin is ${origin})`
  if (leader !== null) return `hears ${leader}, which leads a cluster: add_node, asked there, takes it in`
  if (displaced || isRemoved) return 'has heard of a cluster: add_node, asked there, takes it in'
  return founding ? 'is founding a cluster already' : null
}

/** A snapshot's header names the members too: the entries that named them are gone with the rest. */
export function headerWithMembers(node: Participant, id: EntryId): SnapshotHeader {
  const { index, configuration } = node.log.configurationAt(id.index)
  return { ...headerOfEdge(node, id), configurationIndex: index, configuration }
}

/** Tells a client the members, their addresses, and the members whose disks are lost, as this node knows them. */
export function tellMembers(node: Participant, { id: request }: Request): void {
  const { configuration } = node.log.configuration
  const learners = idsOf(configuration.learners)
  const staying = idsOf(stayingIn(configuration))
  const members = membersOf(configuration).map(({ id, client, peer }) => {
    const role = learners.includes(id) ? 'learner' : 'voter'
    const lost = node.lostDisks.get(id)
    const stays = staying.includes(id) && { stays: true }
    return { id, client, peer, role, ...stays, ...(lost && { disk: lost.why }) }
  })
  node.effects.replies.push({ request, answer: { ok: true, members, leader: node.leader } })
}
