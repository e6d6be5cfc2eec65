import { send } from '../../src/stage.js'
import { matchIndexOf } from '../4-log-replication/progress.js'
import { standing } from '../8-membership/standing.js'
import { beginHandover, isChanging, successors } from './handover.js'
import type { OfferToLead } from './messages.js'
import type { ProductionNode } from './production-node.js'

/** Election time-outs between two hand-overs to preferred nodes: a node that comes and goes must not take it along. */
const pause = 10

/**
 * A preferred node offers to lead, once in an election time-out, while it follows another leader. It stands for no
 * election of its own accord: that would disturb a leader that is well.
 */
export function offerToLead(node: ProductionNode): void {
  const { role, leader, priority = 0, ticks, timing } = node
  if (
    priority === 0 ||
    node.admission?.isDiskLow ||
    role !== 'follower' ||
    leader === null ||
    ticks % timing.electionTicks !== 0
  )
    return
  if (standing(node) !== 'voter') return
  send<OfferToLead>(node, { type: 'OfferToLead', from: node.id, to: leader, term: node.term, priority })
}

/**
 * A leader hands over to a node that is preferred to it, once that node has all that is committed. A leader whose disk
 * is nearly full hands over to any that offers: a node with such a disk makes no offer.
 */
export function takeOffer(node: ProductionNode, { from, priority }: OfferToLead): void {
  const { role, handover, ticks, timing, offeredAt } = node
  const own = node.admission?.isDiskLow ? 0 : (node.priority ?? 0)
  if (role !== 'leader' || handover || priority <= own || isChanging(node)) return
  if (offeredAt !== null && ticks - offeredAt < pause * timing.electionTicks) return
  const successor = successors(node).find(({ id }) => id === from)
  if (!successor || matchIndexOf(node.progress.get(from)) < node.commitIndex) return
  node.offeredAt = ticks
  beginHandover(node, successor)
}
