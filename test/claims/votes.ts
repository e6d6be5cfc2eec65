import { deepStrictEqual as same } from 'node:assert/strict'
import type { EntryId } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, electionTimeoutTicks, type Past, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'

/** A candidate asks n3 for its vote. */
export function asking(from: string, term: number, last: EntryId = { index: 0, term: 0 }): AnyMessage {
  return { type: 'RequestVote', from, to: 'n3', term, lastLogIndex: last.index, lastLogTerm: last.term }
}

/** What n3 says to these, one after the other; null for no answer that is a vote or a refusal. */
function answers(stage: Stage, past: Past, ...asked: readonly AnyMessage[]): unknown[] {
  const cores = new Cores(stage, { n3: past })
  cores.take()
  return asked.map((message) => answer(cores, message))
}

function answer(cores: Cores, asked: AnyMessage): unknown {
  cores.receive(asked)
  const [reply] = cores.take({ from: 'n3', to: asked.from }) as [AnyMessage | undefined]
  return reply?.type === 'RequestVoteReply' ? reply.voteGranted : null
}

const upToFour = [0, 1, 2, 3, 4]
/** Every way in which a log can end, with indexes and terms up to four. */
const ends: EntryId[] = upToFour.flatMap((index) =>
  upToFour.filter((term) => (term === 0) === (index === 0)).map((term) => ({ index, term })),
)
const logThatEnds = ({ index, term }: EntryId) => Array.from({ length: index }, () => term)

/** Figure 2, RequestVote RPC; §5.2, §5.4.1. */
export const voteClaims: Claims = {
  'RequestVote 1: who asks in an earlier term gets no vote, and is told the term'(stage) {
    const cores = new Cores(stage, { n3: { term: 5 } })
    cores.receive(asking('n1', 4))
    same(
      cores.take({ from: 'n3' }).map(({ type, to, term }) => ({ type, to, term })),
      [{ type: 'StaleTerm', to: 'n1', term: 5 }],
    )
  },
  'RequestVote 2: one vote a term, to the first who asks, and to that one again if it asks again'(stage) {
    same(answers(stage, {}, asking('n1', 2), asking('n2', 2), asking('n1', 2)), [true, false, true])
    same(answers(stage, {}, asking('n1', 2), asking('n2', 3), asking('n1', 3)), [true, true, false])
    same(answers(stage, { term: 2, votedFor: 'n4' }, asking('n1', 2), asking('n4', 2)), [false, true])
  },
  'a vote goes to a log whose last term is later, or is the same and the log as long (§5.4.1)'(stage) {
    for (const mine of ends) {
      for (const theirs of ends) {
        const isAsGood = theirs.term > mine.term || (theirs.term === mine.term && theirs.index >= mine.index)
        same(answers(stage, { log: logThatEnds(mine) }, asking('n1', 9, theirs)), [isAsGood])
      }
    }
  },
  'a refused vote is still there for a better log'(stage) {
    same(answers(stage, { log: [1, 1] }, asking('n1', 3), asking('n2', 3, { index: 2, term: 1 })), [false, true])
  },
  'the vote is on disk before it is given, and a crash does not give it twice, wherever it strikes (E5)'(stage) {
    for (const kept of [0, 1, 2]) {
      const cores = new Cores(stage)
      cores.slow('n3')
      cores.receive(asking('n1', 2))
      same(cores.take(), [], 'not before the disk has it')
      const isOnDisk = kept >= cores.unsynced('n3')
      cores.crash('n3', kept)
      cores.receive(asking('n2', 2))
      cores.sync('n3')
      same(
        cores.take({ from: 'n3' }).map(({ voteGranted }) => voteGranted),
        [!isOnDisk],
      )
    }
    const cores = new Cores(stage)
    same(answer(cores, asking('n1', 2)), true)
    cores.crash('n3')
    same([answer(cores, asking('n2', 2)), answer(cores, asking('n1', 2))], [false, true])
    same([cores.onDisk('n3').term, cores.onDisk('n3').votedFor], [2, 'n1'])
  },
  'the candidacy is on disk before anybody is asked, and survives a crash (E5)'(stage) {
    const cores = new Cores(stage, { n3: { term: 1 } })
    cores.slow('n3')
    cores.stand('n3')
    same(cores.take(), [])
    cores.sync('n3')
    same(
      cores.take({ type: 'RequestVote' }).map(({ to, term }) => [to, term]),
      ['n1', 'n2', 'n4', 'n5'].map((to) => [to, 2]),
    )
    cores.crash('n3')
    same([cores.status('n3').term, cores.onDisk('n3').votedFor], [2, 'n3'])
    cores.receive(asking('n1', 2))
    cores.sync('n3')
    same(
      cores.take({ from: 'n3' }).map(({ voteGranted }) => voteGranted),
      [false],
    )
  },
  'the vote is kept when a leader of the same term is heard: a term has one vote'(stage) {
    const beat = { type: 'AppendEntries', from: 'n1', to: 'n3', term: 2, sequence: 1, prevLogIndex: 0, prevLogTerm: 0 }
    const heartbeat = { ...beat, leaderCommit: 0, entries: [] }
    const voter = new Cores(stage)
    const candidate = new Cores(stage, { n3: { term: 1 } })
    same(answer(voter, asking('n1', 2)), true)
    candidate.stand('n3')
    for (const cores of [voter, candidate]) {
      cores.receive(heartbeat)
      cores.take()
      cores.bearSilence(['n3'])
      same(answer(cores, asking('n2', 2)), false)
      cores.crash('n3')
      same(answer(cores, asking('n2', 2)), false)
    }
  },
  'giving a vote starts the election timer anew, refusing one does not (§5.2)'(stage) {
    for (const [last, isGiven] of [
      [{ index: 1, term: 1 }, true],
      [{ index: 0, term: 0 }, false],
    ] as const) {
      const cores = new Cores(stage, { n3: { log: [1], term: 2 } })
      cores.tick('n3', electionTimeoutTicks - 1)
      same(answer(cores, asking('n1', 2, last)), isGiven)
      cores.leaveAlone('n3')
      same(cores.status('n3').role, isGiven ? 'follower' : 'candidate')
      cores.leaveAlone('n3', electionTimeoutTicks)
      same(cores.status('n3').role, 'candidate')
    }
  },
  'only the leader of this term, and a vote that was given, start the election timer anew'(stage) {
    const common = { from: 'n1', to: 'n3', sequence: 1 }
    const append = { ...common, type: 'AppendEntries', prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, entries: [] }
    const conflict = { ...common, prevLogIndex: 1, conflictTerm: null, conflictIndex: 1 }
    for (const message of [
      asking('n1', 2),
      asking('n1', 1, { index: 1, term: 1 }),
      { ...append, term: 1 },
      { ...common, type: 'AppendEntriesReply', term: 2, matchIndex: 1 },
      { ...conflict, type: 'AppendEntriesConflict', term: 2 },
      { ...common, type: 'RequestVoteReply', term: 2, voteGranted: true },
      { ...common, type: 'StaleTerm', term: 2 },
    ]) {
      const cores = new Cores(stage, { n3: { log: [1], term: 2 } })
      for (let tick = 0; tick < 2 * timing.electionTicks; tick++) {
        cores.receive(message)
        cores.leaveAlone('n3')
        cores.take()
      }
      same(cores.status('n3').role, 'candidate', message.type)
    }
  },
}
