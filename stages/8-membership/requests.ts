import { addNode, reconfigure, removeNode } from './ask-change.js'
import { cancelChange } from './call-off.js'
import { foundOnRequest, tellMembers } from './found.js'

/** The rule behind each command about members. */
export const membershipRequests = {
  add_node: addNode,
  remove_node: removeNode,
  reconfigure,
  cancel_change: cancelChange,
  found_cluster: foundOnRequest,
  members: tellMembers,
}
