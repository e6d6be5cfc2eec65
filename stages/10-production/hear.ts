import { inOrder, type StageTable } from '../../src/stage.js'
import { heedElected } from '../6-leader-election/terms.js'
import { voteIfAdmitted } from '../8-membership/loyalty.js'
import type { InteractionMessage } from '../9-client-interaction/messages.js'
import type { Responder } from '../9-client-interaction/responder.js'
import { answerPreVote } from './answer-pre-vote.js'
import type { ProductionMessage } from './messages.js'
import { countPreVote } from './pre-vote.js'
import type { ProductionNode } from './production-node.js'
import { standAtOnce } from './stand-at-once.js'

/** Rules for messages that this stage adds. Only an elected leader names a successor. */
export function hearProduction(
  before: StageTable<Responder, InteractionMessage>['on'],
): StageTable<ProductionNode, ProductionMessage>['on'] {
  return {
    ...before,
    PreVote: answerPreVote,
    PreVoteReply: countPreVote,
    TimeoutNow: inOrder(heedElected, standAtOnce),
    RequestVoteNow: voteIfAdmitted,
  }
}
