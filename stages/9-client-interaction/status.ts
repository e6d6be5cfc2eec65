import type { Status } from '../../src/contracts.js'
import { statusOfMember } from '../8-membership/status.js'
import type { Responder } from './responder.js'

/** The status that `info` tells of a node, with the number of sessions that are open. */
export function statusOfResponder(node: Responder): Status {
  return Object.assign(statusOfMember(node), { sessions: node.sessions.size })
}
