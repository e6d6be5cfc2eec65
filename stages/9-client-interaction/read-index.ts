import type { NodeId } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import type { ConfirmLeader, LeaderConfirmed, ReadIndex, ReadIndexReply } from './messages.js'
import type { Round } from './pending-read.js'
import { makeReady, refuseReads } from './read.js'
import type { Responder } from './responder.js'

/**
 * Ends a turn: reads that came together share one round. The leader notes its commit index, and asks its followers
 * whether it still leads (thesis §6.4, steps 2 and 3). Reads that come while a round is under way wait for the next: its
 * messages left before them, and another node may have been elected meanwhile.
 */
export function beginRound(node: Responder): void {
  if (node.role !== 'leader' || node.round) return
  if ((node.fresh.length === 0 && node.askers.size === 0) || !knowsCommitted(node)) return
  node.round = {
    number: ++node.lastRound,
    readIndex: node.commitIndex,
    reads: node.fresh,
    askers: node.askers,
    asked: enoughFollowers(node),
    confirmedBy: new Set([node.id]),
    askedAt: node.ticks,
  }
  node.fresh = []
  node.askers = new Map()
  askFollowers(node, node.round)
  endRoundIfConfirmed(node)
}

/**
 * A new leader has all committed entries, and does not know yet which they are: it knows once an entry of its own term
 * is committed (thesis §6.4, step 1).
 */
function knowsCommitted({ log, commitIndex, term }: Responder): boolean {
  return log.termAt(commitIndex) === term
}

/**
 * Followers for a round to ask: those that confirmed the last round. They are a majority with the leader, so the others
 * need not be asked.
 */
function enoughFollowers({ peers, quorum, confirmers }: Responder): readonly NodeId[] {
  return quorum.has(confirmers) ? peers.filter((peer) => confirmers.has(peer)) : peers
}

function askFollowers(node: Responder, { number: round, asked, confirmedBy }: Round): void {
  const { id: from, term } = node
  for (const to of asked)
    if (!confirmedBy.has(to)) send<ConfirmLeader>(node, { type: 'ConfirmLeader', from, to, term, round })
}

/**
 * A follower says that it is one. It has just heard its leader at the gate, so it knows of no later term. It promises
 * nothing for later, so the answer leaves before anything is on a disk.
 */
export function confirmLeader(node: Responder, { from: to, round }: ConfirmLeader): void {
  send<LeaderConfirmed>(node, { type: 'LeaderConfirmed', from: node.id, to, term: node.term, round })
}

/** Only an answer to the round under way counts: an answer to an earlier one was given before the reads came. */
export function countConfirmation(node: Responder, { from, round }: LeaderConfirmed): void {
  if (node.role !== 'leader' || node.round?.number !== round) return
  node.round.confirmedBy.add(from)
  endRoundIfConfirmed(node)
}

/**
 * Once a majority has confirmed it, the leader led when the round began: nothing was committed by then that it did not
 * know of.
 */
function endRoundIfConfirmed(node: Responder): void {
  const { round } = node
  if (!round || !node.quorum.has(round.confirmedBy)) return
  node.round = null
  node.confirmers = round.confirmedBy
  makeReady(node, round.reads, round.readIndex)
  for (const [to, question] of round.askers) tellReadIndex(node, to, question, round)
}

/** Answers a follower's question. */
export function tellReadIndex(
  node: Responder,
  to: NodeId,
  question: number,
  { readIndex }: Pick<Round, 'readIndex'>,
): void {
  const { id: from, term } = node
  send<ReadIndexReply>(node, { type: 'ReadIndexReply', from, to, term, question, readIndex })
}

/** A follower asks for a read index: it shares the next round with the leader's own reads. */
export function hearReadIndex(node: Responder, { from, question }: ReadIndex): void {
  if (node.role === 'leader') node.askers.set(from, question)
}

/**
 * The next tick finds a round not confirmed: one of the few that were asked is slow, or dead. So all are asked, and
 * whichever majority answers first is asked the next time. What is lost then is made good after a heartbeat's time.
 */
export function repeatRound(node: Responder): void {
  const { round, peers, ticks, timing } = node
  if (node.role !== 'leader' || !round) return
  const haveAllBeenAsked = round.asked.length === peers.length
  if (haveAllBeenAsked && ticks - round.askedAt < timing.heartbeatTicks) return
  round.asked = peers
  round.askedAt = ticks
  askFollowers(node, round)
}

/** A leader that has lost its office cannot say any more what was committed when a read came. */
export function leaveReads(node: Responder): void {
  if (node.role === 'leader') return
  if (node.round) refuseReads(node, node.round.reads, 'no_leader', 'this node does not lead any more: ask again')
  node.round = null
  node.askers.clear()
}
