import type { EntryId } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import type { RequestVote, RequestVoteReply } from './messages.js'
import { enterTerm, type Voter, waitAnew } from './voter.js'

/**
 * A node gives one vote a term, to the first candidate whose log is as good as its own (§5.2, §5.4.1). A committed
 * entry is on a majority, and every majority of voters has a node in it that will not elect a candidate without that
 * entry.
 */
export function vote(node: Voter, { from, lastLogIndex, lastLogTerm }: Omit<RequestVote, 'type'>): void {
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

/**
 * Checks whether a log that ends with `theirs` is as good as one that ends with `mine`: the later term wins, then the
 * longer log.
 */
export function isUpToDate(theirs: EntryId, mine: EntryId): boolean {
  return theirs.term === mine.term ? theirs.index >= mine.index : theirs.term > mine.term
}
