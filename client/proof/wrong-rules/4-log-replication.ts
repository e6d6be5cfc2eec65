import { type Command, type Entry, failure, type Payload } from '../../../src/contracts.js'
import { replaced, type Stage, type StageTable, stage } from '../../../src/stage.js'
import { countReply, walkBack } from '../../../stages/4-log-replication/acknowledge.js'
import { appendEntries } from '../../../stages/4-log-replication/append-entries.js'
import { applyCommitted, commitByMajority, onQuorum } from '../../../stages/4-log-replication/commit.js'
import {
  answersTheFuture,
  replicationDoubts as doubts,
  leapsAhead,
  matchesTooMuch,
  refusesTooMuch,
} from '../../../stages/4-log-replication/doubts.js'
import { giveUpWaiting } from '../../../stages/4-log-replication/give-up.js'
import type {
  AppendEntries,
  AppendEntriesReply,
  ReplicationMessage,
} from '../../../stages/4-log-replication/messages.js'
import { propose } from '../../../stages/4-log-replication/propose.js'
import { persist, type Replica } from '../../../stages/4-log-replication/replica.js'
import logReplication from '../../../stages/4-log-replication/stage.js'
import { beginTerm, hearTerm } from '../../../stages/4-log-replication/term.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<Replica, ReplicationMessage>

const right = logReplication.table

function replacing(rules: Partial<Table>): Stage {
  return stage<Replica, ReplicationMessage>({ ...right, ...rules })
}

/** A stage whose followers take entries by another rule. */
function appending(AppendEntries: Table['on']['AppendEntries']): Stage {
  return replacing({ on: { ...right.on, AppendEntries } })
}

const commandIn = (payload: Payload | null) => (payload?.kind === 'command' ? (payload.command as Command) : null)

/** A stage whose nodes apply entries by another rule. */
function performing(perform: (node: Replica) => void): Stage {
  return replacing({ turn: replaced(right.turn, applyCommitted, perform) })
}

function isVerified({ log }: Replica, { prevLogIndex, prevLogTerm }: AppendEntries): boolean {
  return log.termAt(prevLogIndex) === prevLogTerm
}

function takeBack(node: Replica, from: number): void {
  if (from > node.log.last.index) return
  node.log.truncate(from)
  node.durableIndex = Math.min(node.durableIndex, from - 1)
  persist(node, { record: 'truncate', from })
}

/** Wrong ways to take entries from a leader, and to answer it. */
const wrongFollowers: readonly WrongRule[] = [
  {
    name: 'truncate-without-conflict',
    what: 'a follower drops everything behind the entry before: a late, shorter message takes back what it has acknowledged',
    stage: appending((node, message) => {
      if (isVerified(node, message)) takeBack(node, message.prevLogIndex + 1)
      appendEntries(node, message)
    }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 10 },
  },
  {
    name: 'conflict-kept',
    what: 'a follower keeps what it has, whatever the leader says: an entry that its leader lost stays there for good',
    stage: appending((node, message) => {
      appendEntries(node, { ...message, entries: message.entries.map((entry) => node.log.at(entry.index) ?? entry) })
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 50 },
  },
  {
    name: 'check-the-index-only',
    what: 'the entry before must be there, whatever its term: two logs with different pasts go on as if they were one',
    stage: appending((node, message) => {
      appendEntries(node, { ...message, prevLogTerm: node.log.termAt(message.prevLogIndex) ?? message.prevLogTerm })
    }),
    caught: {
      claim: 'AppendEntries 2: where the entry before is of another term, it says which, and where that term begins',
    },
  },
  {
    name: 'commit-past-the-verified',
    what: "the leader's commit index counts up to the end of the follower's log: what lies there may be nobody's any more",
    stage: appending((node, message) => {
      const verified = isVerified(node, message)
      appendEntries(node, message)
      if (verified) node.commitIndex = Math.max(node.commitIndex, Math.min(message.leaderCommit, node.log.last.index))
    }),
    caught: {
      claim: 'AppendEntries 5: the commit index rises to that of the leader, as far as this message verified the log',
    },
  },
  {
    name: 'commit-index-falls',
    what: 'a follower takes the commit index of every message as it is: an old one takes back what was committed',
    stage: appending((node, message) => {
      const verified = isVerified(node, message)
      appendEntries(node, message)
      if (verified) node.commitIndex = Math.min(message.leaderCommit, message.prevLogIndex + message.entries.length)
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 10 },
  },
  {
    name: 'match-index-from-log-length',
    what: "a follower vouches for its whole log, not for what this message verified: the rest need not be the leader's",
    stage: appending((node, message) => {
      appendEntries(node, message)
      const reply = node.effects.sendWhenDurable.pop() as AppendEntriesReply
      const matchIndex = node.log.last.index
      node.effects.sendWhenDurable.push(isVerified(node, message) ? { ...reply, matchIndex } : reply)
    }),
    caught: { claim: 'a follower vouches for what this message verified, not for all that it has' },
  },
  {
    name: 'acknowledge-before-sync',
    what: 'a follower says that it has the entries before its disk has them: OK, and a loss of power takes the write back',
    stage: appending((node, message) => {
      appendEntries(node, message)
      node.effects.send.push(...node.effects.sendWhenDurable.splice(0))
    }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 5 },
  },
  {
    name: 'earlier-life-heard',
    what: "messages from an earlier life of the leader are heard: they bring back what it has lost, and count as today's",
    stage: replacing({
      gate: replaced(right.gate, hearTerm, (node, message) => hearTerm(node, message) || message.term! < node.term),
    }),
    caught: { claim: 'AppendEntries 1: a message of an earlier term is not accepted, and changes nothing' },
  },
]

/** Wrong ways to lead: to note what was sent to each follower, and what each follower has. */
const wrongLeaders: readonly WrongRule[] = [
  {
    name: 'term-not-raised',
    what: 'the leader starts again in the same term: what it puts in the place of lost entries looks the same as they did',
    stage: replacing({
      start: replaced(right.start, beginTerm, (node) => {
        if (node.leader !== node.id) return
        node.term = Math.max(1, node.term)
        persist(node, { record: 'term', term: node.term, votedFor: null })
      }),
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 30 },
  },
  {
    name: 'leader-outside-the-majority',
    what: 'three followers are enough, though the leader has not synced: it starts again and takes the write back from them',
    stage: replacing({
      turn: replaced(right.turn, commitByMajority, (node) => {
        if (node.role === 'leader') node.commitIndex = Math.max(node.commitIndex, onQuorum(node))
      }),
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 150 },
  },
  {
    name: 'newer-write-in-place',
    what: 'a leader puts a write in the place of one to the same key that is not committed yet: followers have the other one',
    stage: replacing({
      requests: {
        ...right.requests,
        write(node, request) {
          const last = node.log.at(node.log.last.index)
          const isOpen = node.role === 'leader' && node.log.last.index > node.commitIndex && last?.term === node.term
          if (isOpen && commandIn(last.payload)?.key === (request.command as Command).key) takeBack(node, last.index)
          propose(node, request)
        },
      },
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 10 },
  },
  {
    name: 'conflict-ignored',
    what: 'the leader goes on where the follower cannot follow: the two never find the place where they agree',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntriesConflict: (node, message) =>
          countReply(node, { ...message, type: 'AppendEntriesReply', matchIndex: 0 }),
      },
    }),
    caught: { claim: 'figure 7: every follower converges, in a round trip for each term and not for each entry (E7)' },
  },
  {
    name: 'walk-back-by-entry',
    what: 'the leader goes back one entry for each refusal: after a long absence, a round trip for every entry',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntriesConflict: (node, message) =>
          walkBack(node, { ...message, conflictTerm: null, conflictIndex: message.prevLogIndex }),
      },
    }),
    caught: { claim: 'figure 7: every follower converges, in a round trip for each term and not for each entry (E7)' },
  },
  {
    name: 'any-answer-frees',
    what: 'every answer sets the next message going, also a late or repeated one: each repetition stays in the air for good',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntriesReply: (node, message) => countReply(node, { ...message, sequence: Number.MAX_SAFE_INTEGER }),
      },
    }),
    caught: { claim: 'an answer that comes again sets no second message going' },
  },
]

/** Wrong ways to commit, to perform, and to answer clients. */
const wrongCommits: readonly WrongRule[] = [
  {
    name: 'perform-before-commit',
    what: 'every node performs what is in its log: a write that found no majority is seen, and may be taken back',
    stage: performing((node) => {
      const { commitIndex } = node
      node.commitIndex = node.log.last.index
      applyCommitted(node)
      node.commitIndex = commitIndex
    }),
    caught: { guarantee: 'G4', climate: 'storm', seeds: 5 },
  },
  {
    name: 'perform-out-of-order',
    what: 'what is committed together is performed in any order: the same log leads to different stores',
    stage: performing((node) => {
      applyCommitted(node)
      node.effects.apply.reverse()
    }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 5 },
  },
  {
    name: 'perform-the-last-again',
    what: 'the last entry of each batch is performed once more: an append to a value happens twice',
    stage: performing((node) => {
      applyCommitted(node)
      node.effects.apply.push(...node.effects.apply.slice(-1))
    }),
    caught: { guarantee: 'G6', climate: 'calm', seeds: 5 },
  },
  {
    name: 'timeout-called-refusal',
    what: 'a client that waited too long is told that nothing was done: its entry is in the log, and is performed later',
    stage: replacing({
      tick: replaced(right.tick, giveUpWaiting, (node) => {
        giveUpWaiting(node)
        const answer = failure('no_leader', 'no majority has it')
        node.effects.replies = node.effects.replies.map(({ request }) => ({ request, answer }))
      }),
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 20 },
  },
]

/** Wrong ways to bound memory: more is accepted than there is room for. */
const wrongBounds: readonly WrongRule[] = [
  {
    name: 'entries-counted-not-bytes',
    what: 'so many entries may wait for a majority, however large: a leader alone takes them until its memory is used up',
    stage: replacing({
      requests: {
        ...right.requests,
        write(node, request) {
          const { index } = node.log.last
          Object.assign(node.backlog, { term: node.term, from: index, upTo: index, bytes: 0 })
          propose(node, request)
        },
      },
    }),
    caught: {
      claim: 'leaders: entries that wait for a majority fill a bounded memory; what is refused is refused for certain',
    },
  },
]

/** A stage that checks less of what comes over the wire. */
function believing(some: Table['doubts']): Stage {
  return replacing({ doubts: { ...right.doubts, ...some } })
}

/** Wrong ways to check messages: impossible messages are believed. */
const wrongBeliefs: readonly WrongRule[] = [
  {
    name: 'any-term-believed',
    what: 'a term is entered however far ahead it is: one message with the last of all, and nobody can ever be elected',
    stage: believing({ AppendEntries: replaced(doubts.AppendEntries, leapsAhead) }),
    caught: {
      claim:
        'a term that no node can have reached is not believed: elections end as before, and it is told once (§5.1)',
    },
  },
  {
    name: 'match-beyond-the-log',
    what: 'a follower is believed to have entries that its leader has not: what comes next is committed and is nowhere',
    stage: believing({ AppendEntriesReply: replaced(doubts.AppendEntriesReply, matchesTooMuch) }),
    caught: {
      claim: 'an answer about more than the log of the leader has is not counted: nothing is committed that is nowhere',
    },
  },
  {
    name: 'answers-from-the-future',
    what: 'an answer is believed to a message that was not sent yet: no message is waited for any more',
    stage: believing({ AppendEntriesReply: replaced(doubts.AppendEntriesReply, answersTheFuture) }),
    caught: { claim: 'an answer to a message that is still to come is not heard: the one under way is waited for' },
  },
  {
    name: 'refusal-beyond-the-log',
    what: 'a refusal is believed of an entry that its leader does not have',
    stage: believing({ AppendEntriesConflict: replaced(doubts.AppendEntriesConflict, refusesTooMuch) }),
    caught: { claim: 'a refusal of an entry that was never sent is not heard' },
  },
  {
    name: 'entries-without-fields',
    what: 'of the command in an entry only the name is looked at: without its fields, it ends the follower that performs it',
    stage: replacing({
      messages: {
        ...right.messages,
        AppendEntries: {
          ...right.messages.AppendEntries,
          check: ({ entries }) =>
            (entries as Entry[]).every(({ payload }) =>
              Object.hasOwn(right.application.commands, commandIn(payload)?.command ?? ''),
            ),
        },
      },
    }),
    caught: {
      claim: 'an entry whose command lacks a field, or has another, passes no wire: a follower could not perform it',
    },
  },
]

/** Wrong rules for a log that one leader copies to its followers. */
export const wrongLogReplication: readonly WrongRule[] = [
  ...wrongFollowers,
  ...wrongLeaders,
  ...wrongCommits,
  ...wrongBounds,
  ...wrongBeliefs,
]
