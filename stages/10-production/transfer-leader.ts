import { failure, type Member, type NodeId, type Request } from '../../src/contracts.js'
import { canStillEnd } from '../8-membership/call-off.js'
import { idsOf } from '../8-membership/configuration.js'
import { giveUp } from '../8-membership/end-change.js'
import { refuse, refuseElsewhere } from '../8-membership/refuse.js'
import type { TransferLeader } from './commands.js'
import { beginHandover, bestSuccessor, isChanging, successors } from './handover.js'
import type { ProductionNode } from './production-node.js'

/**
 * A client asks the leader to hand over, to the node that it names or to the one that is nearest (thesis §3.10). A
 * client that asks for the hand-over under way waits for the same end.
 */
export function transferLeader(node: ProductionNode, request: Request): void {
  const { to, isLeaving } = request.command as TransferLeader & Request['command']
  if (node.role !== 'leader') return refuseElsewhere(node, request)
  if (to === node.id) return tellLeader(node, request)
  const { handover } = node
  if (handover && (to === undefined || to === handover.to.id)) return void handover.requests.push(request.id)
  if (handover) return refuse(node, request, failure('transfer_failed', `${handover.to.id} is taking over already`))
  if (isChanging(node) && !isLeaving) {
    const why = 'the members are being changed: hand over when that has ended'
    return refuse(node, request, failure('change_in_progress', why))
  }
  const successor = to === undefined ? bestSuccessor(node) : successors(node).find(({ id }) => id === to)
  if (successor) beginHandover(node, successor).requests.push(request.id)
  else refuse(node, request, noSuccessor(node, to))
}

function tellLeader(node: ProductionNode, { id: request }: Request): void {
  node.effects.replies.push({ request, answer: { ok: true, leader: node.id } })
}

/**
 * Ends a turn: a leader that hands over in the middle of a change calls off what is not in the log yet. A newcomer may
 * take minutes to catch up, and the next leader would forget the change without a word. What is in the log goes on: it
 * takes a few messages, and the hand-over waits for it.
 */
export function callOffToLeave(node: ProductionNode): void {
  const { handover, change, role, log, commitIndex } = node
  const { index, configuration } = log.configuration
  if (!handover || role !== 'leader' || !change || change.refusal || configuration.outgoing || index > commitIndex)
    return
  if (canStillEnd(node, change)) giveUp(node, change, calledOff)
}

const calledOff = failure('change_cancelled', 'the leader is being stopped; the voters stay as they were: ask again')

function noSuccessor(node: ProductionNode, to: NodeId | undefined) {
  const { voters } = node.log.configuration.configuration
  const others: readonly Member[] = voters.filter(({ id }) => id !== node.id)
  if (to !== undefined && !idsOf(others).includes(to)) {
    const why = `${to} is no voter: the voters are ${idsOf(voters).join(', ')}`
    return failure('bad_request', why, { voters: idsOf(voters) })
  }
  const who = to ?? (others.length > 0 ? 'no other voter' : undefined)
  const why = who === undefined ? 'there is no other voter' : `${who} ${to ? 'does not answer' : 'answers'}`
  return failure('transfer_failed', `${why}: ${node.id} leads on`)
}
