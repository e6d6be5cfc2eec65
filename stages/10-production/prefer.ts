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
  const { role, priority = 0, ticks, timing } = node
  if (ticks % timing.electionTicks !== 0) return
  if (role === 'leader') askForOffers(node)
  else if (priority > 0) offer(node, priority)
}

function offer(node: ProductionNode, priority: number): void {
  const { role, leader, term, admission } = node
  if (role !== 'follower' || leader === null || admission?.isDiskLow || standing(node) !== 'voter') return
  send<OfferToLead>(node, { type: 'OfferToLead', from: node.id, to: leader, term, priority })
}

/**
 * A leader whose disk is nearly full takes no writes. It cannot know which of the others has room, so it asks: it sends
 * the voters an offer, and those that have room send one back. A node of an earlier release does not answer.
 */
function askForOffers(node: ProductionNode): void {
  const { admission, handover, id: from, term } = node
  if (!admission?.isDiskLow || handover) return
  for (const { id: to } of successors(node))
    send<OfferToLead>(node, { type: 'OfferToLead', from, to, term, priority: 1 })
}

/**
 * A leader hands over to a node that is preferred to it, once that node has all that is committed. A leader whose disk
 * is nearly full hands over to any that offers: a node with such a disk makes no offer. A follower that is asked offers.
 */
export function takeOffer(node: ProductionNode, { from, priority }: OfferToLead): void {
  const { role, leader, handover, ticks, timing, offeredAt } = node
  if (role !== 'leader' && from === leader) return offer(node, Math.max(1, node.priority ?? 0))
  const own = node.admission?.isDiskLow ? 0 : (node.priority ?? 0)
  if (role !== 'leader' || handover || priority <= own || isChanging(node)) return
  if (offeredAt !== null && ticks - offeredAt < pause * timing.electionTicks) return
  const successor = successors(node).find(({ id }) => id === from)
  if (!successor || matchIndexOf(node.progress.get(from)) < node.commitIndex) return
  node.offeredAt = ticks
  beginHandover(node, successor)
}
