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

/**
 * A new leader counts all members as heard: its voters were heard just now, and the others get an election time-out to
 * answer.
 */
export function leadAndCount(node: Participant): void {
  leadWithEntry(node)
  node.quorumSince = node.ticks
}

/**
 * A leader that no majority has answered for an election time-out steps down, and says so (thesis 6.2). A single
 * follower that hears it would otherwise keep it in office: a node that hears a leader hears no candidate (§6), not
 * even one that a majority would elect. Stage 10 does the other half.
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

/**
 * The members that have answered this leader within an election time-out; the leader itself is always among them. While
 * its office or its configuration is newer than that, all members are.
 */
function answering(node: Participant): Set<NodeId> {
  const isNew = node.ticks - node.quorumSince < node.timing.electionTicks
  return new Set(idsOf(node.members).filter((id) => id === node.id || isNew || isHeard(node, id)))
}
