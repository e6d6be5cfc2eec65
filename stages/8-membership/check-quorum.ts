import { failure, type NodeId, type Term } from '../../src/contracts.js'
import { leadWithEntry } from '../6-leader-election/campaign.js'
import { leaveClients } from '../6-leader-election/terms.js'
import { waitAnew } from '../6-leader-election/voter.js'
import { canGoBack, goBack } from './call-off.js'
import { isHeard } from './change.js'
import { idsOf, quorumOf } from './configuration.js'
import { abandon } from './end-change.js'
import type { Participant } from './participant.js'

declare module '../../src/events.js' {
  interface EventDetails {
    quorum_lost: { term: Term; heard: readonly NodeId[] }
  }
}

/** Whoever voted for it has been heard just now; the others have as long to answer as anybody. */
export function leadAndCount(node: Participant): void {
  leadWithEntry(node)
  node.quorumSince = node.ticks
}

/**
 * A leader that no majority has answered for the time of an election leads nobody, and says so (thesis §6.2). One
 * follower that hears it would keep it in office: while a leader is heard, no candidate is (§6), also none that has a
 * majority. Stage 10 does the other half.
 */
export function stepDownWithoutQuorum(node: Participant): void {
  if (node.role !== 'leader') return
  const heard = answering(node)
  if (node.quorum.has(heard)) return
  const { voters, outgoing } = node.log.configuration.configuration
  const isOldAlive = outgoing !== null && quorumOf({ voters: outgoing, outgoing: null }).has(heard)
  if (isOldAlive && canGoBack(node)) {
    const why = `too few of ${idsOf(voters).join(', ')} have answered since; the voters stay as they were`
    return goBack(node, failure('quorum_at_risk', why))
  }
  node.role = 'follower'
  node.leader = null
  waitAnew(node)
  node.effects.events.push({ event: 'quorum_lost', term: node.term, heard: [...heard] })
  leaveClients(node, 'the leader heard no majority any more; the command may still happen')
  abandon(node, 'the leader heard no majority any more')
}

/** Who has answered this leader within the time of an election. That it asks itself goes without saying. */
function answering(node: Participant): Set<NodeId> {
  const isNew = node.ticks - node.quorumSince < node.timing.electionTicks
  return new Set(idsOf(node.members).filter((id) => id === node.id || isNew || isHeard(node, id)))
}
