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
 * A candidate is not heard while a leader is heard, whatever the candidate's term. Most likely it was removed and has
 * not been told, and it would depose one leader after the other (§6, thesis 4.2.3).
 */
export function beLoyal(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'campaigns' || (isWelcome(node, message as RequestVote) && !hearsLeader(node))
}

/** A leader counts on this node: the node is no longer removed, and its own founding ends. */
export function noteWanted(node: Participant, _message: Message, { kind }: FactsAtGate): boolean {
  if (kind !== 'leads') return true
  node.isRemoved = false
  if (node.founding)
    endFounding(node, failure('cluster_exists', `${node.leader ?? 'another node'} leads a cluster already`))
  return true
}

/** A message that says how far its sender's log goes. */
type Ballot = Message & Pick<RequestVote, 'lastLogIndex' | 'lastLogTerm'>

/**
 * Decides whether a candidate may ask at all. A candidate that is no member, or not with this disk, may have been
 * admitted by entries that this node lacks: then its log is the better one, and it may ask. Otherwise it was removed or
 * replaced, and is told so as soon as that is committed.
 */
export function isWelcome(node: Participant, message: Ballot): boolean {
  const { from, incarnation = '', lastLogIndex, lastLogTerm } = message
  const { log, members, commitIndex } = node
  if (isCounted(node, message) || isUpToDate({ index: lastLogIndex, term: lastLogTerm }, log.last)) return true
  const { index } = log.configuration
  if (members.some(({ id }) => id === from)) tellDisplaced(node, from, { incarnation, why: 'replaced' })
  else if (index <= commitIndex && index > 0) send<Removed>(node, { type: 'Removed', from: node.id, to: from, index })
  return false
}

/** Checks whether this node leads, or has heard a leader within an election time-out. */
export function hearsLeader({ role, leader, silentTicks, timing }: Participant): boolean {
  return role === 'leader' || (leader !== null && silentTicks < timing.electionTicks)
}

/**
 * A node votes only with a disk that the cluster has admitted: another disk may have voted in its place before, and
 * would not know. A vote goes to a disk, not to a name: two nodes that bear one name would both be elected by it.
 */
export function voteIfAdmitted(node: Participant, message: Omit<RequestVote, 'type'>): void {
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
 * Voters stand for election, and the founder of a cluster at once. So does a node that its latest configuration no
 * longer names, while that configuration is not committed: its commit may need this node (thesis 4.2.2). Other nodes
 * only notice the silence.
 */
export function campaignIfVoter(node: Participant): void {
  if (!mayCampaign(node)) return noticeSilence(node)
  const isAlone = node.quorum.has(new Set([node.id]))
  if (isAlone && node.role === 'follower' && node.leader === null) node.silentTicks = node.electionTimeoutTicks
  campaignAfterSilence(node)
}

/** Checks whether this node may stand for election at all. */
export function mayCampaign(node: Participant): boolean {
  const { log, commitIndex, self, displaced, double } = node
  if (displaced || double) return false
  const status = standing(node)
  return log.admits(self) && (status === 'voter' || (status === 'no member' && log.configuration.index > commitIndex))
}

/**
 * A node hears that it was removed, and stands for election no more. A later configuration in its own log counts for
 * more than the message.
 */
export function hearRemoved(node: Participant, { index }: Removed): void {
  if (node.role === 'leader' || node.isRemoved || node.log.configuration.index > index) return
  node.isRemoved = true
  node.role = 'follower'
  node.leader = null
  node.effects.events.push({ event: 'removed' })
}
