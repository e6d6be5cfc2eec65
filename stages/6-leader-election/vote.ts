import type { EntryId } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import type { RequestVote, RequestVoteReply } from './messages.js'
import { enterTerm, type Voter, waitAnew } from './voter.js'

/**
 * One vote a term, to the first who asks with a log as good as one's own (§5.2, §5.4.1). Whatever is committed is on a
 * majority, and every majority of voters has somebody in it who will not elect a node that lacks it.
 */
export function vote(node: Voter, { from, lastLogIndex, lastLogTerm }: RequestVote): void {
  const isFree = node.votedFor === null || node.votedFor === from
  const voteGranted = isFree && isUpToDate({ index: lastLogIndex, term: lastLogTerm }, node.log.last)
  if (voteGranted) {
    if (node.votedFor === null) enterTerm(node, node.term, from)
    waitAnew(node)
  }
  sendWhenDurable<RequestVoteReply>(node, {
    type: 'RequestVoteReply',
    from: node.id,
    to: from,
    term: node.term,
    voteGranted,
  })
}

/** Whether a log that ends with the first is as good as one that ends with the second: the later term, then the longer log. */
export function isUpToDate(theirs: EntryId, mine: EntryId): boolean {
  return theirs.term === mine.term ? theirs.index >= mine.index : theirs.term > mine.term
}
