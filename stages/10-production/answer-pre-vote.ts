import { send } from '../../src/stage.js'
import { tellTerm } from '../6-leader-election/terms.js'
import { isUpToDate } from '../6-leader-election/vote.js'
import { hearsLeader, isWelcome } from '../8-membership/loyalty.js'
import type { PreVote, PreVoteReply } from './messages.js'
import type { ProductionNode } from './production-node.js'

/**
 * A voter says whether it would vote for this node: not while it hears a leader, nor for a log that is not as good as
 * its own (thesis §9.6). It promises nothing, so nothing changes here: no term, no vote, and no timer. A node whose next
 * term is over already is told the term by now.
 */
export function answerPreVote(node: ProductionNode, message: PreVote): void {
  const { from: to, round, nextTerm } = message
  if (!isWelcome(node, message)) return
  if (nextTerm <= node.term) return tellTerm(node, to)
  const leader = hearsLeader(node) ? node.leader : null
  send<PreVoteReply>(node, {
    type: 'PreVoteReply',
    from: node.id,
    to,
    round,
    preVoteGranted: leader === null && wouldVote(node, message),
    voterTerm: node.term,
    leader,
  })
}

function wouldVote({ log, self, displaced }: ProductionNode, { lastLogIndex, lastLogTerm }: PreVote): boolean {
  return log.admits(self) && !displaced && isUpToDate({ index: lastLogIndex, term: lastLogTerm }, log.last)
}
