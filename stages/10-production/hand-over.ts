import { type Answer, failure, type NodeId, type Term } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { isSame } from '../8-membership/configuration.js'
import { retire } from '../8-membership/end-change.js'
import { beginHandover, bestSuccessor, isReadyFor } from './handover.js'
import { endLease } from './lease.js'
import type { TimeoutNow } from './messages.js'
import type { Handover, ProductionNode } from './production-node.js'

declare module '../../src/events.js' {
  interface EventDetails {
    handing_over: { to: NodeId; term: Term }
    handed_over: { to: NodeId; term: Term }
    handover_failed: { to: NodeId; term: Term }
  }
}

/**
 * Ends a turn: once the successor has all entries, the leader tells it to stand for election at once (thesis §3.10). It
 * tells so one time: a second election would depose the successor.
 */
export function handOver(node: ProductionNode): void {
  const { handover } = node
  if (!handover) return
  if (node.role !== 'leader' || node.term !== handover.term) return followSuccessor(node, handover)
  if (handover.isTold || !isReadyFor(node, handover)) return
  handover.isTold = true
  endLease(node)
  handover.since = node.ticks
  const { id: from, term } = node
  const { id: to } = handover.to
  node.effects.events.push({ event: 'handing_over', to, term })
  send<TimeoutNow>(node, { type: 'TimeoutNow', from, to, term, lastLogIndex: node.log.last.index })
}

/** The leader has left office. What waits here waits until a leader is heard, and is sent there. */
function followSuccessor(node: ProductionNode, handover: Handover): void {
  if (handover.isRetiring) return leaveToSuccessor(node, handover)
  const { to, since } = handover
  if (node.leader === null && node.ticks - since < 2 * node.timing.electionTicks) return
  tellEnd(node, handover, node.leader === to.id)
  end(node, handover, outcomeOf(node, handover))
}

/**
 * A removed leader hears no other leader: it sends its clients to the successor, and is out. The successor tells it no
 * read index either.
 */
function leaveToSuccessor(node: ProductionNode, handover: Handover): void {
  const { leader } = node
  const { to, isTold } = handover
  const outcome = outcomeOf(node, handover)
  tellEnd(node, handover, isTold)
  node.leader = leader ?? to.id
  end(node, handover, outcome)
  node.leader = leader
  const isMember = node.members.some((server) => isSame(server, node.self))
  node.isRemoved = leader === null && !isMember
}

function tellEnd({ effects, term }: ProductionNode, { to }: Handover, isDone: boolean): void {
  effects.events.push({ event: isDone ? 'handed_over' : 'handover_failed', to: to.id, term })
}

/**
 * The end of a hand-over for its clients. A successor that was told to stand may have led already, or may lead yet: then
 * the outcome is unknown.
 */
function outcomeOf({ leader }: ProductionNode, { to, isTold }: Handover): Answer {
  if (leader === to.id) return { ok: true, leader }
  const who = leader === null ? 'no node leads at present' : `${leader} leads`
  if (isTold) return failure('leadership_lost', `${to.id} was told to take over, and may have done so: ${who}`)
  return failure('transfer_failed', `${to.id} was not told to take over: ${who}`)
}

/**
 * The successor has an election time-out to reach the end of the log, and another one to be elected; then the leader
 * goes on, and clients wait no longer (thesis §3.10). A successor that was told may still take over.
 */
export function giveUpHandover(node: ProductionNode): void {
  const { handover, timing, ticks, term } = node
  if (!handover || node.role !== 'leader' || ticks - handover.since < timing.electionTicks) return
  const { to, isTold, isRetiring } = handover
  node.effects.events.push({ event: 'handover_failed', to: to.id, term })
  if (isRetiring) retire(node)
  const ms = timing.electionTicks * timing.tickMs
  const late = failure('transfer_failed', `${to.id} did not reach the end of the log in ${ms} ms: ${node.id} leads on`)
  const silent = failure('timeout', `${to.id} was told to take over, and has not in ${ms} ms; it may still`)
  end(node, handover, isTold ? silent : late)
}

/** Answers the clients that asked for the hand-over, and performs what was held. */
function end(node: ProductionNode, { requests, held }: Handover, answer: Answer): void {
  node.handover = null
  for (const request of requests) node.effects.replies.push({ request, answer })
  for (const perform of held) perform()
}

/**
 * A leader whose removal is committed hands over, and leaves office only then; alone, it leaves at once. It may be
 * handing over already, because it is being stopped.
 */
export function handOverAndRetire(node: ProductionNode): void {
  const { handover } = node
  if (handover) {
    handover.isRetiring = true
    return
  }
  const successor = bestSuccessor(node)
  if (successor) beginHandover(node, successor, { isRetiring: true })
  else retire(node)
}
