import type { Message } from '../../src/contracts.js'
import { type FactsAtGate, sendWhenDurable } from '../../src/stage.js'
import { stand } from '../6-leader-election/campaign.js'
import { isWelcome, mayCampaign } from '../8-membership/loyalty.js'
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

/**
 * A successor is heard while its leader is: that leader wants it so (thesis §4.2.3). It must be a member all the same: a
 * late message to a node that was removed since would depose the leader.
 */
export function hearSuccessor(node: ProductionNode, message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'succeeds' || isWelcome(node, message as RequestVoteNow)
}
