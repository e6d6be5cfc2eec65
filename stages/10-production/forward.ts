import { type Answer, commandPayload, failure, makeEntry, type NodeId, type Request } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { proposeAdmitted } from './admit.js'
import type { ForwardEnvelope } from './envelope.js'
import { answerIn, type Forward, type ForwardReply, type ForwardRequest } from './forward-messages.js'
import type { ProductionNode } from './production-node.js'

/**
 * A write is proposed here, or passed on to the leader where its client has asked for that (thesis §6.2, the second
 * of two ways). It is passed on once: a copy to the next leader could be performed beside the first.
 */
export function proposeOrForward(node: ProductionNode, request: Request<unknown>): void {
  const { forward, withIndex = false, ...beside } = (request.envelope ?? {}) as ForwardEnvelope
  const leader = forward ? otherLeader(node) : null
  if (leader === null) return proposeAdmitted(node, request)
  const names = open(node, request.id, leader, { withIndex })
  const entries = [makeEntry(names.number, node.term, commandPayload(request.command))]
  if (Object.keys(beside).length === 0) send<Forward>(node, { type: 'Forward', ...names, entries })
  else send<ForwardRequest>(node, { type: 'ForwardRequest', ...names, entries, request: JSON.stringify(beside) })
}

/** Time-outs of a write for which a change of members, or a hand-over, is waited for: it may take many steps. */
const patienceOfChanges = 20

/** A request of the node itself is passed on like a write; every other request has its own rule here. */
export function orForward(rule: (node: ProductionNode, request: Request) => void) {
  const wrapped = (node: ProductionNode, asked: Request) => {
    const leader = asked.envelope?.forward ? otherLeader(node) : null
    if (leader === null) return rule(node, asked)
    const patience = patienceOfChanges * node.timing.requestTimeoutTicks
    const names = open(node, asked.id, leader, { patience })
    const request = JSON.stringify(asked.command)
    send<ForwardRequest>(node, { type: 'ForwardRequest', ...names, entries: [], request })
  }
  return Object.defineProperty(wrapped, 'name', { value: `${rule.name}, or passed on` })
}

/** Notes a request that is passed on. @returns the names that its message bears */
function open(
  { forwards, term, ticks: since, timing, id: from }: ProductionNode,
  request: number,
  leader: NodeId,
  { withIndex = false, patience = timing.requestTimeoutTicks },
) {
  const number = ++forwards.last
  forwards.open.set(number, { request, withIndex, leader, term, since, patience })
  const [firstOpen = number] = forwards.open.keys()
  return { from, to: leader, term, life: forwards.life, number, firstOpen }
}

/** The leader that this node hears, if it is another node and a member. */
function otherLeader({ id, leader, role, members }: ProductionNode): NodeId | null {
  const isOther = role !== 'leader' && leader !== id && members.some((member) => member.id === leader)
  return isOther ? leader : null
}

/** The leader has answered. An answer of an earlier life of this node, or one that comes too late, is for nobody. */
export function hearForwardReply(node: ProductionNode, { life, number, index, answer }: ForwardReply): void {
  const one = life === node.forwards.life ? node.forwards.open.get(number) : undefined
  if (!one) return
  const given = answerIn(answer) as Answer
  end(node, number, one.withIndex && given.ok && index > 0 ? { ...given, index } : given)
}

/**
 * Ends commands whose answer does not come any more: their leader is lost, or their time is over. The outcome is
 * unknown, because the leader may have the entry in its log. A leader that was only deposed has a heartbeat's time to
 * answer.
 */
export function endForwards(node: ProductionNode): void {
  const { forwards, ticks, timing } = node
  const [first] = forwards.open.values()
  if (!first) return
  const isLost = first.leader !== node.leader || first.term !== node.term
  forwards.lostAt = isLost ? (forwards.lostAt ?? ticks) : null
  const isGone = forwards.lostAt !== null && ticks - forwards.lostAt >= timing.heartbeatTicks
  for (const [number, { since, leader, term, patience }] of forwards.open) {
    const isOfTheLost = leader === first.leader && term === first.term
    if (isGone && isOfTheLost) {
      const why = `${leader} leads no more; the command was passed on to it, and may still happen`
      end(node, number, failure('leadership_lost', why))
    } else if (ticks - since >= patience) {
      end(node, number, failure('timeout', `${leader} has not answered in time; the command may still happen`))
    } else if (patience === timing.requestTimeoutTicks) return
  }
}

function end({ forwards, effects }: ProductionNode, number: number, answer: Answer): void {
  const { request } = forwards.open.get(number)!
  forwards.open.delete(number)
  effects.replies.push({ request, answer })
  const [first] = forwards.open.values()
  if (!first) forwards.lostAt = null
}
