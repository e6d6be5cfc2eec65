import { deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, entriesOf, type Past } from '../helpers/cores.js'
import { unsigned } from '../helpers/hand.js'
import type { Claims } from './claim.js'

/** A message of the leader n1 of term 5 to the follower n3: entries of these terms behind an entry of that one. */
function appending(prevLogIndex: number, prevLogTerm: number, terms: readonly number[] = [], more = {}): AnyMessage {
  const entries = entriesOf(terms, prevLogIndex)
  const [from, to, sequence] = ['n1', 'n3', 7]
  return {
    type: 'AppendEntries',
    from,
    to,
    term: 5,
    sequence,
    prevLogIndex,
    prevLogTerm,
    leaderCommit: 0,
    entries,
    ...more,
  }
}

/** A follower n3 in term 5, after these messages. */
function follower(stage: Stage, past: Past, ...messages: readonly AnyMessage[]) {
  const cores = new Cores(stage, { n3: { term: 5, ...past } })
  cores.take()
  for (const message of messages) cores.receive(message)
  const answers = cores.take({ from: 'n3' }).map(unsigned)
  return { cores, log: cores.log('n3'), commit: cores.status('n3').commit, answers, answer: answers.at(-1) }
}

const accepted = (matchIndex: number) => ({
  type: 'AppendEntriesReply',
  from: 'n3',
  to: 'n1',
  term: 5,
  sequence: 7,
  matchIndex,
})
const refused = (prevLogIndex: number, conflictTerm: number | null, conflictIndex: number) => ({
  type: 'AppendEntriesConflict',
  from: 'n3',
  to: 'n1',
  term: 5,
  sequence: 7,
  prevLogIndex,
  conflictTerm,
  conflictIndex,
})

/** Figure 2, AppendEntries RPC, receiver implementation, 1 to 5. */
export const appendEntriesClaims: Claims = {
  'AppendEntries 1: a message of an earlier term is not accepted, and changes nothing'(stage) {
    const { log, commit, answers } = follower(
      stage,
      { log: [1, 4] },
      appending(1, 1, [3], { term: 3, leaderCommit: 2 }),
    )
    same([log, commit], [[1, 4], 0])
    same(
      answers.filter(({ type }) => type === 'AppendEntriesReply'),
      [],
    )
  },
  'AppendEntries 2: without the entry before, the follower refuses and says where its log ends'(stage) {
    const { log, answer } = follower(stage, { log: [1, 1] }, appending(4, 2, [5]))
    same(log, [1, 1])
    same(answer, refused(4, null, 3))
  },
  'AppendEntries 2: where the entry before is of another term, it says which, and where that term begins'(stage) {
    const { log, answer } = follower(stage, { log: [1, 2, 2, 2] }, appending(4, 3, [5]))
    same(log, [1, 2, 2, 2])
    same(answer, refused(4, 2, 2))
  },
  'AppendEntries 2: the check is made for a message without entries, too, and nothing is committed by it'(stage) {
    for (const [message, answer] of [
      [appending(3, 3, [], { leaderCommit: 3 }), refused(3, 2, 2)],
      [appending(9, 3, [], { leaderCommit: 9 }), refused(9, null, 4)],
    ] as const) {
      const seen = follower(stage, { log: [1, 2, 2] }, message)
      same([seen.log, seen.commit, seen.answer], [[1, 2, 2], 0, answer])
    }
  },
  'AppendEntries 3: an entry of another term is taken back, and all that follow it'(stage) {
    const { cores, log, answer } = follower(stage, { log: [1, 2, 2, 2] }, appending(1, 1, [3]))
    same([log, answer], [[1, 3], accepted(2)])
    cores.crash('n3')
    same(cores.log('n3'), [1, 3], 'on the disk as well')
  },
  'AppendEntries 3: where nothing conflicts, nothing is taken back: a stale, shorter message (L4)'(stage) {
    const long = appending(1, 1, [2, 2, 2])
    for (const stale of [appending(1, 1, [2]), appending(1, 1), appending(0, 0, [1, 2])]) {
      same(follower(stage, { log: [1] }, long, stale).log, [1, 2, 2, 2])
    }
  },
  'AppendEntries 4: what is there already is not appended again: the same message twice, or overlapping (L5)'(stage) {
    const message = appending(1, 1, [2, 2])
    same(follower(stage, { log: [1] }, message, message).log, [1, 2, 2])
    same(follower(stage, { log: [1] }, message, appending(2, 2, [2, 3])).log, [1, 2, 2, 3])
    same(follower(stage, { log: [1] }, message, appending(0, 0, [1, 2, 2, 3])).log, [1, 2, 2, 3])
  },
  'AppendEntries 5: the commit index rises to that of the leader, as far as this message verified the log'(stage) {
    const tail = { log: [1, 2, 2, 2] }
    const commitOf = (message: AnyMessage) => follower(stage, tail, message).commit
    same(commitOf(appending(1, 1, [], { leaderCommit: 4 })), 1, 'what lies behind may be of a leader that lost it')
    same(commitOf(appending(1, 1, [2], { leaderCommit: 4 })), 2)
    same(commitOf(appending(1, 1, [2, 2, 2], { leaderCommit: 3 })), 3)
  },
  'AppendEntries 5: the commit index never falls, whatever a late message says (H4)'(stage) {
    const ahead = appending(2, 2, [], { leaderCommit: 2 })
    const { commit } = follower(stage, { log: [1, 2] }, ahead, appending(2, 2, [], { leaderCommit: 1 }))
    same(commit, 2)
    same(follower(stage, { log: [1, 2] }, ahead, appending(1, 1, [], { leaderCommit: 2 })).commit, 2)
  },
  'a follower vouches for what this message verified, not for all that it has'(stage) {
    same(follower(stage, { log: [1, 2, 2, 2] }, appending(1, 1, [2])).answer, accepted(2))
    same(follower(stage, { log: [1, 2, 2, 2] }, appending(1, 1)).answer, accepted(1))
  },
  'a follower answers when its disk has the entries, and not before (figure 2: updated before responding)'(stage) {
    const { cores } = follower(stage, { log: [1] })
    cores.slow('n3')
    cores.receive(appending(1, 1, [2, 2]))
    same([cores.log('n3'), cores.take()], [[1, 2, 2], []])
    cores.crash('n3', 1)
    same(cores.log('n3'), [1, 2], 'a torn write keeps a beginning')
    cores.receive(appending(1, 1, [2, 2]))
    same(cores.take(), [])
    cores.sync('n3')
    same(cores.take({ from: 'n3' }).map(unsigned), [accepted(3)])
  },
  'what is committed cannot be taken back: a node that is told to stops'(stage) {
    const { cores } = follower(stage, { log: [1, 2] }, appending(2, 2, [], { leaderCommit: 2 }))
    let stopped = false
    try {
      cores.receive(appending(1, 1, [3]))
    } catch {
      stopped = true
    }
    same(stopped, true)
  },
}
