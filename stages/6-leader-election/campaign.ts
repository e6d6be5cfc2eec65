import { type NodeId, noOp, type Term } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import { appendOwn } from '../4-log-replication/propose.js'
import type { RequestVote, RequestVoteReply } from './messages.js'
import { enterTerm, type Voter, waitAnew } from './voter.js'

declare module '../../src/events.js' {
  interface EventDetails {
    campaign: { term: Term }
    elected: { term: Term; votes: readonly NodeId[] }
  }
}

/**
 * A node that has not heard a leader for its election time-out stands for election (§5.2). A candidate that was not
 * elected stands again.
 */
export function campaignAfterSilence(node: Voter): void {
  if (node.role === 'leader' || ++node.silentTicks < node.electionTimeoutTicks) return
  node.campaign()
}

/** Asks all members for their votes; the question leaves when term and vote are on disk. */
export function campaign(node: Voter): void {
  const ballot = stand(node)
  for (const to of node.progress.keys())
    sendWhenDurable<RequestVote>(node, { type: 'RequestVote', from: node.id, to, ...ballot })
}

/** Begins a new term with a vote for oneself. @returns the candidate's term, and how far its log goes */
export function stand(node: Voter): Pick<RequestVote, 'term' | 'lastLogIndex' | 'lastLogTerm'> {
  enterTerm(node, node.term + 1, node.id)
  waitAnew(node)
  node.role = 'candidate'
  node.leader = null
  node.votes = new Set([node.id])
  node.effects.events.push({ event: 'campaign', term: node.term })
  const { index: lastLogIndex, term: lastLogTerm } = node.log.last
  return { term: node.term, lastLogIndex, lastLogTerm }
}

/**
 * A candidate's own vote counts only when it is on disk, like any other. Where it is a majority alone, no answer will
 * come to count it.
 */
export function countOwnVote(node: Voter): void {
  if (node.role === 'candidate' && node.effects.persist === null) leadIfElected(node)
}

/** Only votes of this term arrive here: every message has passed the gate. */
export function countVote(node: Voter, { from, voteGranted }: RequestVoteReply): void {
  if (node.role !== 'candidate' || !voteGranted) return
  node.votes.add(from)
  leadIfElected(node)
}

/** A majority of this term's votes makes a leader (§5.2). */
function leadIfElected(node: Voter): void {
  if (node.quorum.has(node.votes)) node.lead()
}

/**
 * A leader begins with an entry that does nothing: only an entry of its own term tells it which entries are committed
 * (§5.4.2, §8). So its predecessor's last writes need not wait for the next client. What each follower has, the leader
 * finds out anew.
 */
export function leadWithEntry(node: Voter): void {
  node.role = 'leader'
  node.leader = node.id
  node.quietTicks = 0
  for (const peer of node.progress.keys()) node.progress.set(peer, node.track())
  node.effects.events.push({ event: 'elected', term: node.term, votes: [...node.votes] })
  appendOwn(node, noOp)
}
