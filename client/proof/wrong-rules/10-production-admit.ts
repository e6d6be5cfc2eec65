import type { Request } from '../../../src/contracts.js'
import { openSession } from '../../../stages/9-client-interaction/open-session.js'
import { proposeBehind } from '../../../stages/10-production/guard.js'
import { heldRequests } from '../../../stages/10-production/hold.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders count what is under way by another rule. */
function counting(underWay: (node: ProductionNode, own: number) => number) {
  const write = (node: ProductionNode, request: Request<unknown>) => {
    const { admission } = node
    if (!admission || admission.isOpen || node.role !== 'leader') return heldRequests.write(node, request)
    const own = admission.growthOf(request.command)
    const refusal = admission.refusal(own, underWay(node, own))
    if (refusal) node.effects.replies.push({ request: request.id, answer: refusal })
    else proposeBehind(node, request)
  }
  return replacing({ requests: { ...right.requests, write } })
}

export const wrongAdmissions: readonly WrongRule[] = [
  {
    name: 'room-as-performed',
    what: 'only what is performed counts: a thousand writes that are proposed together all find the same room',
    stage: counting(() => 0),
    caught: { claim: 'writes under way count: what may be performed together has room together' },
  },
  {
    name: 'room-by-own-writes',
    what: 'a leader counts the writes of its own clients: those that the leader before has left come on top',
    stage: counting((node, own) => own * node.waiting.size),
    caught: { claim: 'a new leader counts what others have left in its log' },
  },
  {
    name: 'sessions-without-room',
    what: 'sessions are opened however full the disk is: each is an entry, and the last room is for what was promised',
    stage: replacing({ requests: { ...right.requests, open_session: openSession } }),
    caught: { claim: 'a session is an entry: where there is no room at all, none is opened' },
  },
]
