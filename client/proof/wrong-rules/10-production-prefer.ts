import { replaced, type Stage } from '../../../src/stage.js'
import { beginHandover, successors } from '../../../stages/10-production/handover.js'
import type { OfferToLead } from '../../../stages/10-production/messages.js'
import { offerToLead, takeOffer } from '../../../stages/10-production/prefer.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose nodes take offers by another rule. */
function taking(take: (node: ProductionNode, message: OfferToLead) => void): Stage {
  return replacing({ on: { ...right.on, OfferToLead: take } })
}

/** Wrong ways to prefer a leader. */
export const wrongPreferences: readonly WrongRule[] = [
  {
    name: 'offer-of-one-behind',
    what: 'an offer is taken whatever the node lacks: all writes wait until it has caught up, or for an election time-out',
    stage: taking((node, message) => {
      const successor = successors(node).find(({ id }) => id === message.from)
      if (node.role === 'leader' && !node.handover && successor) beginHandover(node, successor)
      else takeOffer(node, message)
    }),
    caught: {
      claim: 'an offer of a node that lacks committed entries is not taken: all writes would wait for it',
    },
  },
  {
    name: 'offers-at-any-time',
    what: 'every offer is taken at once: a preferred node that comes and goes has the office go to and fro with it',
    stage: taking((node, message) => {
      node.offeredAt = null
      takeOffer(node, message)
    }),
    caught: {
      claim:
        'two hand-overs to preferred nodes are ten election time-outs apart: one that comes and goes takes nobody along',
    },
  },
  {
    name: 'full-disk-keeps-office',
    what: 'a leader whose disk is nearly full asks nobody: it refuses all writes, while others have room',
    stage: replacing({
      tick: replaced(right.tick, offerToLead, (node) => {
        if (node.role !== 'leader') offerToLead(node)
      }),
    }),
    caught: { claim: 'a leader whose disk is nearly full asks the voters, and hands over to one that has room' },
  },
  {
    name: 'full-disk-takes-office',
    what: 'a node offers to lead although its own disk is nearly full: the office goes round, and nobody takes writes',
    stage: taking((node, message) => {
      const { admission, role } = node
      if (role !== 'leader') Object.assign(node, { admission: undefined })
      takeOffer(node, message)
      Object.assign(node, { admission })
    }),
    caught: { claim: 'where all disks are nearly full the leader stays' },
  },
]
