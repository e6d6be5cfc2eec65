import { type NodeId, noOp, type Term } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import { newProgress } from '../4-log-replication/progress.js'
import { appendOwn } from '../4-log-replication/propose.js'
import type { RequestVote, RequestVoteReply } from './messages.js'
import { enterTerm, type Voter, waitAnew } from './voter.js'

declare module '../../src/events.js' {
  interface EventDetails {
    campaign: { term: Term }
    elected: { term: Term; votes: readonly NodeId[] }
  }
}

/** Nobody has led for as long as this node bears: it stands for election (§5.2). A candidate that was not elected stands again. */
export function campaignAfterSilence(node: Voter): void {
  if (node.role === 'leader' || ++node.silentTicks < node.patienceTicks) return
  campaign(node)
}

/** A new term, a vote for oneself, and a question to everybody, which leaves when the first two are on disk. */
function campaign(node: Voter): void {
  enterTerm(node, node.term + 1, node.id)
  waitAnew(node)
  node.role = 'candidate'
  node.leader = null
  node.votes = new Set([node.id])
  node.effects.events.push({ event: 'campaign', term: node.term })
  const { index: lastLogIndex, term: lastLogTerm } = node.log.last
  for (const to of node.progress.keys()) {
    sendWhenDurable<RequestVote>(node, {
      type: 'RequestVote',
      from: node.id,
      to,
      term: node.term,
      lastLogIndex,
      lastLogTerm,
    })
  }
}

/** Nor does one's own vote count before it is on disk: where no other is needed, nothing else would wait for that. */
export function countOwnVote(node: Voter): void {
  if (node.role === 'candidate' && node.effects.persist === null) leadIfElected(node)
}

/** Votes of this term only get here: every message has passed the gate. */
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
 * A leader begins with an entry that does nothing: only an entry of its own term tells it what is committed (§5.4.2,
 * §8), and so its predecessor's last writes need not wait for the next client. What followers have it finds out anew.
 */
export function leadWithEntry(node: Voter): void {
  node.role = 'leader'
  node.leader = node.id
  node.quietTicks = 0
  for (const peer of node.progress.keys()) node.progress.set(peer, newProgress(node.log, node.timing))
  node.effects.events.push({ event: 'elected', term: node.term, votes: [...node.votes] })
  appendOwn(node, noOp)
}
