import { ageOf } from './freshness.js'
import type { PendingRead } from './pending-read.js'
import { refuseReads } from './read.js'
import type { Responder } from './responder.js'

/**
 * Ends a turn: reads go to the state machine, behind all entries that have been handed to it so far. Each read waits
 * until its entry is among them (thesis §6.4, step 4).
 */
export function serveReads(node: Responder): void {
  if (node.handed < node.readyAt) return
  const waiting: PendingRead[] = []
  node.readyAt = Number.POSITIVE_INFINITY
  for (const one of node.ready) {
    if (one.index <= node.handed) node.serveRead(one)
    else {
      waiting.push(one)
      node.readyAt = Math.min(node.readyAt, one.index)
    }
  }
  node.ready = waiting
}

/** Has the state machine answer a read, at its place behind the entries that were handed out before it. */
export function serveRead(node: Responder, { request, command, isStale, withIndex }: PendingRead): void {
  const index = node.handed
  const fields = isStale ? { index, ...ageOf(node) } : { index }
  const query = { command, request, behind: node.effects.apply.length }
  node.effects.query.push(isStale || withIndex ? { ...query, fields } : query)
}

/** A read that has waited for as long as a node keeps any client waiting ends with a refusal: nothing was done. */
export function giveUpReads(node: Responder): void {
  if (node.ticks % node.timing.heartbeatTicks !== 0) return
  const isLate = ({ since }: PendingRead) => node.ticks - since >= node.timing.requestTimeoutTicks
  const lists = [node.fresh, node.ready, node.round?.reads ?? [], node.question?.reads ?? []]
  if (!lists.some((reads) => reads.some(isLate))) return
  node.fresh = refuseLate(node, node.fresh, isLate, node.role === 'leader' ? unconfirmed : unanswered)
  node.ready = refuseLate(node, node.ready, isLate, 'the entries that the read waits for were not performed in time')
  if (node.round) node.round = { ...node.round, reads: refuseLate(node, node.round.reads, isLate, unconfirmed) }
  if (node.question)
    node.question = { ...node.question, reads: refuseLate(node, node.question.reads, isLate, unanswered) }
}

const unconfirmed = 'no majority has confirmed the leader in time'
const unanswered = 'the leader has not answered in time'

function refuseLate(
  node: Responder,
  reads: readonly PendingRead[],
  isLate: (read: PendingRead) => boolean,
  why: string,
): PendingRead[] {
  refuseReads(node, reads.filter(isLate), 'timeout', `${why}; a read changes nothing: ask again`)
  return reads.filter((read) => !isLate(read))
}
