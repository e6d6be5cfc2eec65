import type { Term } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { campaign } from '../6-leader-election/campaign.js'
import { waitAnew } from '../6-leader-election/voter.js'
import { mayCampaign } from '../8-membership/loyalty.js'
import type { PreVote, PreVoteReply } from './messages.js'
import type { ProductionNode } from './production-node.js'

declare module '../../src/events.js' {
  interface EventDetails {
    pre_vote: { term: Term }
  }
}

/**
 * A node that hears no leader asks first whether a majority would vote for it (thesis §9.6). It stands for election only
 * then: a node that was cut off comes back in the term in which it left, and deposes no healthy leader. Asking raises no
 * term, and writes nothing to the disk. Until somebody is heard, the question is asked again, and reported once.
 */
export function askPreVotes(node: ProductionNode): void {
  node.role = 'follower'
  node.leader = null
  remainSilent(node)
  const nextTerm = node.term + 1
  const isAskedAgain = node.preVotes.granted !== null
  if (!isAskedAgain) node.effects.events.push({ event: 'pre_vote', term: nextTerm })
  node.preVotes.round++
  node.preVotes.asked = isAskedAgain ? node.preVotes.asked + 1 : 1
  node.preVotes.granted = new Set([node.id])
  const { index: lastLogIndex, term: lastLogTerm } = node.log.last
  const { round } = node.preVotes
  for (const to of node.peers)
    send<PreVote>(node, { type: 'PreVote', from: node.id, to, round, nextTerm, lastLogIndex, lastLogTerm })
  standIfWelcome(node)
}

/** Ticks from which a time-out is drawn at least: of fewer, two nodes draw the same one again and again. */
const fewestTicks = 10

/**
 * Draws an election time-out from half the usual range: at least `electionTicks`, less than one and a half times that.
 * A short range finds the next leader sooner, and splits few votes as long as it is many times what a message takes
 * (§9.3); nodes that ask first disturb nobody by asking too early.
 */
function drawFromHalf({ timing, random }: ProductionNode): number {
  const { electionTicks } = timing
  const range = Math.max(electionTicks / 2, Math.min(electionTicks, fewestTicks))
  return electionTicks + Math.floor(random.next() * range)
}

/**
 * The node will ask again after a new election time-out. The silence goes on meanwhile: a leader of which the node is
 * only told is not heard, and keeps it from no other candidate.
 */
function remainSilent(node: ProductionNode): void {
  waitAnew(node)
  node.silentTicks += node.timing.electionTicks
  node.electionTimeoutTicks += node.timing.electionTicks
}

/**
 * Counts an answer to the question under way. A refusal that names a leader is news: the node sends its clients there,
 * if that leader is of this node's term.
 */
export function countPreVote(node: ProductionNode, message: PreVoteReply): void {
  const { from, round, preVoteGranted, voterTerm, leader } = message
  const { preVotes } = node
  if (!preVotes.granted || round !== preVotes.round || isHeardAgain(node)) return
  if (preVoteGranted) preVotes.granted.add(from)
  else if (leader !== node.id && voterTerm === node.term) node.leader ??= leader
  standIfWelcome(node)
}

/**
 * A question ends with the silence: since then a leader was heard, or a candidate got this node's vote. Answers that
 * come late would have the node stand for election against either.
 */
export function endQuestion(node: ProductionNode): void {
  if (isHeardAgain(node)) node.preVotes.granted = null
}

/** Checks whether the silence in which this node asked is over: a node begins its silence anew when it hears a leader. */
const isHeardAgain = ({ silentTicks, timing }: ProductionNode) => silentTicks < timing.electionTicks

/**
 * A majority would vote for this node: now it stands for election, in the next term (§5.2). A node that was told
 * meanwhile that it does not count any more stands no more.
 */
function standIfWelcome(node: ProductionNode): void {
  const { preVotes } = node
  if (!preVotes.granted || !node.quorum.has(preVotes.granted) || !mayCampaign(node)) return
  preVotes.granted = null
  campaign(node)
}

/** Steps of an election that begins with a question. */
export const preVoteVerbs = { drawElectionTimeout: drawFromHalf, campaign: askPreVotes }
