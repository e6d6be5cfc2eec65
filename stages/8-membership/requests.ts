import { addNode, reconfigure, removeNode } from './ask-change.js'
import { cancelChange } from './call-off.js'
import { foundOnRequest, tellMembers } from './found.js'

/** What a client may ask about members: the rule behind each command. */
export const membershipRequests = {
  add_node: addNode,
  remove_node: removeNode,
  reconfigure,
  cancel_change: cancelChange,
  found_cluster: foundOnRequest,
  members: tellMembers,
}
