import { failure, type Request } from '../../src/contracts.js'
import type { NodeState } from '../../src/stage.js'

/** A node that is not the leader names the leader and its address. The client asks there; nothing was done here. */
export function redirect(node: NodeState, request: Request<unknown>): void {
  const leader = node.members.find((member) => member.id === node.leader)!
  const answer = failure('not_leader', `${leader.id} leads: ask there`, { leader: leader.id, address: leader.client })
  node.effects.replies.push({ request: request.id, answer })
}
