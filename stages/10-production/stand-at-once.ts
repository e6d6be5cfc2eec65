import { sendWhenDurable } from '../../src/stage.js'
import { stand } from '../6-leader-election/campaign.js'
import { mayCampaign } from '../8-membership/loyalty.js'
import type { RequestVoteNow, TimeoutNow } from './messages.js'
import type { ProductionNode } from './production-node.js'

/**
 * The leader hands over to this node, which stands for election at once (thesis §3.10). The voters hear that leader
 * still, so the question says that it is the leader's wish. A late message, from before the last entries, is not
 * followed: the leader may have given up by then, and gone on.
 */
export function standAtOnce(node: ProductionNode, { lastLogIndex: index }: TimeoutNow): void {
  if (!mayCampaign(node) || node.log.last.index !== index) return
  node.preVotes.granted = null
  const ballot = stand(node)
  for (const to of node.peers)
    sendWhenDurable<RequestVoteNow>(node, { type: 'RequestVoteNow', from: node.id, to, ...ballot })
}
