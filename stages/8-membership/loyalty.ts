import { failure, type Message } from '../../src/contracts.js'
import { type FactsAtGate, send, sendWhenDurable } from '../../src/stage.js'
import { noticeSilence } from '../5-heartbeats/silence.js'
import { campaignAfterSilence } from '../6-leader-election/campaign.js'
import type { RequestVote, RequestVoteReply } from '../6-leader-election/messages.js'
import { isUpToDate, vote } from '../6-leader-election/vote.js'
import { isCounted } from './disks.js'
import { tellDisplaced } from './displaced.js'
import { endFounding } from './found.js'
import type { Removed } from './messages.js'
import type { Participant } from './participant.js'
import { standing } from './standing.js'

declare module '../../src/events.js' {
  interface EventDetails {
    removed: object
  }
}

/**
 * Who asks for votes while a leader is heard is not heard itself, whatever its term: most likely it is a node that was
 * removed and has not been told, and it would depose one leader after the other (§6, thesis 4.2.3).
 */
export function beLoyal(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'campaigns' || isHeeded(node, message as RequestVote)
}

/** A leader counts on this node: whatever it was told before, and whatever it was about to found, it is wanted here. */
export function noteWanted(node: Participant, _message: Message, { kind }: FactsAtGate): boolean {
  if (kind !== 'leads') return true
  node.isRemoved = false
  if (node.founding)
    endFounding(node, failure('cluster_exists', `${node.leader ?? 'another node'} leads a cluster already`))
  return true
}

/**
 * A candidate that is no member, or not with this disk, may have been taken in by entries that this node lacks: then its log is the better one,
 * and it is heard. Otherwise it was removed or replaced, and is told so as soon as that is committed.
 */
function isHeeded(node: Participant, message: RequestVote): boolean {
  const { from, incarnation = '', lastLogIndex, lastLogTerm } = message
  const { log, members, commitIndex } = node
  if (!isCounted(node, message) && !isUpToDate({ index: lastLogIndex, term: lastLogTerm }, log.last)) {
    const { index } = log.configuration
    if (members.some(({ id }) => id === from)) tellDisplaced(node, from, { incarnation, why: 'replaced' })
    else if (index <= commitIndex && index > 0) send<Removed>(node, { type: 'Removed', from: node.id, to: from, index })
    return false
  }
  return !hearsLeader(node)
}

function hearsLeader({ role, leader, silentTicks, timing }: Participant): boolean {
  return role === 'leader' || (leader !== null && silentTicks < timing.electionTicks)
}

/**
 * A disk that the cluster has not admitted may have been in this place before, and have forgotten whom it voted for. A
 * vote is given to a disk, not to a name: two nodes that bear one would both be elected by it.
 */
export function voteIfAdmitted(node: Participant, message: RequestVote): void {
  const disk = `${message.term} ${message.incarnation}`
  const isAnother = node.votedFor === message.from && node.votedDisk !== null && node.votedDisk !== disk
  if (node.log.admits(node.self) && !node.displaced && !isAnother) {
    vote(node, message)
    if (node.votedFor === message.from) node.votedDisk = disk
    return
  }
  const { id: from, term } = node
  sendWhenDurable<RequestVoteReply>(node, {
    type: 'RequestVoteReply',
    from,
    to: message.from,
    term,
    voteGranted: false,
  })
}

/**
 * Voters stand for election; whoever founds a cluster, at once. So does a node whose latest configuration no longer has
 * it, as long as that is not committed: it may be needed for it (thesis 4.2.2). Others only notice the silence.
 */
export function campaignIfVoter(node: Participant): void {
  if (!mayCampaign(node)) return noticeSilence(node)
  const isAlone = node.quorum.has(new Set([node.id]))
  if (isAlone && node.role === 'follower' && node.leader === null) node.silentTicks = node.patienceTicks
  campaignAfterSilence(node)
}

function mayCampaign(node: Participant): boolean {
  const { log, commitIndex, self, displaced } = node
  if (displaced) return false
  const status = standing(node)
  return log.admits(self) && (status === 'voter' || (status === 'no member' && log.configuration.index > commitIndex))
}

/** It was removed, and stands for election no more. What it knows of later counts for more than what it is told. */
export function hearRemoved(node: Participant, { index }: Removed): void {
  if (node.role === 'leader' || node.isRemoved || node.log.configuration.index > index) return
  node.isRemoved = true
  node.role = 'follower'
  node.leader = null
  node.effects.events.push({ event: 'removed' })
}
