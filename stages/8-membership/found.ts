import type { EntryId, Request, SnapshotHeader } from '../../src/contracts.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { enterTerm } from '../6-leader-election/voter.js'
import { headerOfEdge } from '../7-log-compaction/take-snapshot.js'
import { commandOfConfiguration, idsOf, membersOf, nobody } from './configuration.js'
import type { Participant } from './participant.js'

/**
 * One node, told so, founds the cluster, once: with an empty disk, for itself alone, and when all with whom it is to do
 * so have said that they know of none. All others start without knowing of any cluster, and wait until they are taken
 * in; if each began for itself, they would be as many clusters.
 */
export function foundCluster(node: Participant): void {
  if (!node.founding || node.founders.some(({ id }) => id !== node.id && !node.founding!.has(id))) return
  node.founding = null
  enterTerm(node, 1, null)
  appendOwn(node, commandOfConfiguration({ ...nobody, origin: node.self.incarnation, voters: [node.self] }))
}

/** A snapshot holds the members too: the entries that named them are gone with the rest. */
export function headerWithMembers(node: Participant, id: EntryId): SnapshotHeader {
  const { index, configuration } = node.log.configurationAt(id.index)
  return { ...headerOfEdge(node, id), configurationIndex: index, configuration }
}

/** Everybody's addresses, as this node knows them, for clients that want to find another. */
export function tellMembers(node: Participant, { id: request }: Request): void {
  const { configuration } = node.log.configuration
  const learners = idsOf(configuration.learners)
  const members = membersOf(configuration).map(({ id, client, peer }) => ({
    id,
    client,
    peer,
    role: learners.includes(id) ? 'learner' : 'voter',
  }))
  node.effects.replies.push({ request, answer: { ok: true, members, leader: node.leader } })
}
