import { send } from '../../src/stage.js'
import type { ReadIndex, ReadIndexReply } from './messages.js'
import { makeReady, refuseReads } from './read.js'
import type { Responder } from './responder.js'

/**
 * Ends a turn: a follower asks its leader for the read index of all reads that wait, and will answer them itself (thesis
 * §6.4). Its own commit index would not do: it may be old. One question is under way at a time.
 */
export function askReadIndex(node: Responder): void {
  if (node.role === 'leader') return
  forgetOldQuestion(node)
  const { leader, term, fresh } = node
  if (fresh.length === 0 || node.question) return
  node.fresh = []
  if (leader === null) return refuseReads(node, fresh, 'no_leader', 'no node leads at present')
  node.question = { number: ++node.lastQuestion, leader, term, reads: fresh, askedAt: node.ticks }
  sendQuestion(node)
}

/** Another leader, or another term: the reads of the old question are asked anew, and nobody answers the old one. */
function forgetOldQuestion(node: Responder): void {
  const { question } = node
  if (!question || (question.leader === node.leader && question.term === node.term)) return
  node.question = null
  node.fresh = [...question.reads, ...node.fresh]
}

function sendQuestion(node: Responder): void {
  const { number: question, leader: to } = node.question!
  send<ReadIndex>(node, { type: 'ReadIndex', from: node.id, to, term: node.term, question })
}

/** The leader has answered. An answer to another question is of an earlier moment, and says nothing about these reads. */
export function hearReadIndexReply(node: Responder, { question: number, readIndex }: ReadIndexReply): void {
  const { question } = node
  if (question?.number !== number) return
  node.question = null
  makeReady(node, question.reads, readIndex)
}

/** A lost question is asked again after a heartbeat's time; both have the same number, and either answer will do. */
export function repeatQuestion(node: Responder): void {
  const { question, ticks, timing } = node
  if (!question || node.leader !== question.leader || ticks - question.askedAt < timing.heartbeatTicks) return
  question.askedAt = ticks
  sendQuestion(node)
}
