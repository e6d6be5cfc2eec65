import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, type Cores, electionTimeoutTicks, type Past, timing } from '../helpers/cores.js'
import {
  adding,
  alike,
  apart,
  becoming,
  change,
  connected,
  counts,
  membersAre,
  outcome,
  pass,
  passUntil,
  removing,
  somebodyLeads,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']
const four = [...three, 'n4']

/** A candidate asks another for its vote, with a log that ends there. */
export function asks(from: string, to: string, term: number, lastLogIndex: number, lastLogTerm = 1): AnyMessage {
  return { type: 'RequestVote', from, to, term, lastLogIndex, lastLogTerm }
}

/** What a node says to it: true or false for a vote that is given or refused, a type of message, or nothing. */
export function said(cores: Cores, message: AnyMessage): unknown {
  cores.take()
  cores.receive(message)
  const [reply] = cores.take({ from: message.to, to: message.from })
  return reply?.type === 'RequestVoteReply' ? reply.voteGranted : reply?.type
}

/** Every kind of answer, of this term. */
function answers(from: string, to: string, term: number): AnyMessage[] {
  const common = { from, to, term, sequence: 1 }
  return [
    { ...common, type: 'AppendEntriesReply', matchIndex: 1 },
    { ...common, type: 'AppendEntriesConflict', prevLogIndex: 1, conflictTerm: null, conflictIndex: 1 },
    { ...common, type: 'InstallSnapshotReply', held: 1, matchIndex: 1 },
    { ...common, type: 'RequestVoteReply', voteGranted: true },
    { ...common, type: 'StaleTerm' },
  ]
}

const seen = (cores: Cores, id: string) => [cores.status(id), cores.onDisk(id)]

/** n1 has left n3 out, and n3 has not heard of it. */
function removedUnheard(stage: Stage): Cores {
  const cores = together(stage, three)
  equal(change(cores, 'n1', removing('n3'), two), 'ok')
  pass(cores, 2 * electionTicks, two)
  same([counts(cores, 'n1'), counts(cores, 'n3')], ['n1 n2', 'n1 n2 n3'])
  return cores
}

/** §6, thesis 4.2.2 to 4.2.3: who leaves, and who has left. */
export const leavingClaims: Claims = {
  'a leader that is removed leads until that is committed, does not count itself, says so, and retires (E7)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', removing('n1'))
    passUntil(cores, () => counts(cores, 'n1') === 'n2 n3')
    const last = cores.log('n1').length
    pass(cores, 2 * heartbeatTicks, two)
    same([cores.answer('n1', request), cores.status('n1').role], [null, 'leader'], 'one of n2 and n3 is not enough')
    pass(cores, 2 * heartbeatTicks, three)
    equal(outcome(cores.answer('n1', request)), 'ok')
    same([cores.status('n1').role, cores.status('n1').member], ['follower', 'removed'])
    for (const id of ['n2', 'n3']) same([counts(cores, id), cores.status(id).commit! >= last], ['n2 n3', true])
  },
  'it never stands again, and the others go on without it (E7)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n1')), 'ok')
    const { term } = cores.status('n1')
    cores.tick('n1', longTicks)
    same([cores.status('n1').role, cores.take({ from: 'n1' })], ['follower', []])
    ok(campaign(cores, 'n2', ['n3']))
    pass(cores, longTicks)
    same([somebodyLeads(cores, four), cores.status('n1').term], ['n2', term])
    const write = cores.request('n2')
    pass(cores, heartbeatTicks)
    ok(cores.performed('n2').includes(write))
    cores.crash('n1')
    pass(cores, longTicks)
    same([somebodyLeads(cores, four), cores.status('n2').term], ['n2', 2])
    ok(['removed', 'no member'].includes(String(cores.status('n1').member)), 'and it knows its place')
  },
  'a client that waits at a leader that retires hears that its command may still happen'(stage) {
    const cores = together(stage, three)
    cores.request('n1', removing('n1'))
    passUntil(cores, () => counts(cores, 'n1') === 'n2 n3')
    cores.slow('n2')
    cores.slow('n3')
    pass(cores, heartbeatTicks)
    const write = cores.request('n1')
    cores.sync('n2')
    cores.sync('n3')
    cores.run()
    ok(['leadership_lost', null].includes(outcome(cores.answer('n1', write))))
    cores.quick('n2')
    cores.quick('n3')
    pass(cores, heartbeatTicks)
    ok(outcome(cores.answer('n1', write)) === 'leadership_lost' || cores.performed('n1').includes(write))
  },
  'all voters may be others in one change, the leader among those that go (§6)'(stage) {
    const cores = together(stage, three)
    cores.request('n1')
    equal(change(cores, 'n1', becoming('n4', 'n5', 'n6')), 'ok')
    for (const id of three) equal(cores.status(id).member, 'removed', id)
    ok(campaign(cores, 'n5', ['n4', 'n6']))
    pass(cores, longTicks)
    equal(somebodyLeads(cores, cores.ids), 'n5')
    for (const id of ['n4', 'n5', 'n6']) same([counts(cores, id), cores.state(id)], ['n4 n5 n6', cores.state('n5')])
  },
  'of two nodes either may go, and the one that stays serves (E8)'(stage) {
    for (const gone of two) {
      const [stays] = two.filter((id) => id !== gone) as [string]
      const cores = together(stage, two)
      equal(change(cores, 'n1', removing(gone)), 'ok', gone)
      pass(cores, longTicks)
      equal(somebodyLeads(cores, cores.ids), stays)
      same([cores.status(gone).member, counts(cores, stays)], ['removed', stays])
      const write = cores.request(stays)
      same(cores.performed(stays).includes(write), true, 'alone')
    }
  },
  'of two nodes either may go, also where what is said last is lost (E8)'(stage) {
    for (const gone of two) {
      const [stays] = two.filter((id) => id !== gone) as [string]
      const cores = together(stage, two)
      cores.request('n1', removing(gone))
      passUntil(cores, () => counts(cores, 'n1') === stays && counts(cores, stays) === stays)
      pass(cores, longTicks, [stays])
      equal(cores.status(stays).role, 'leader', `${stays} leads alone`)
      const { term } = cores.status(stays)
      pass(cores, longTicks)
      same([somebodyLeads(cores, cores.ids), cores.status(stays).term], [stays, term])
      equal(cores.status(gone).member, 'removed')
    }
  },
  'who was removed is told once, and for a while it can be reached; then nothing is sent to it any more (E16)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', removing('n3'))
    passUntil(cores, () => outcome(cores.answer('n1', request)) === 'ok', two)
    const told = connected(cores, 'n1')
    pass(cores, electionTicks + 1, two)
    const heard = cores.heard.length
    pass(cores, longTicks)
    const later = cores.heard
      .slice(heard)
      .filter(({ from, to, type }) => from === 'n1' && to === 'n3' && type !== 'Removed')
    same([told, connected(cores, 'n1'), later], [['n2', 'n3'], ['n2'], []])
  },
  'it hears of it, and stands for election no more (E5)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n3')), 'ok')
    equal(cores.status('n3').member, 'removed')
    const { term } = cores.status('n3')
    cores.tick('n3', longTicks)
    same([cores.status('n3').term, cores.status('n3').role, cores.take({ from: 'n3' })], [term, 'follower', []])
  },
  'one that has not heard of it disturbs nobody: it is told when it asks for votes (E5)'(stage) {
    const cores = removedUnheard(stage)
    cores.leaveAlone('n3', longTicks)
    cores.take()
    ok(cores.status('n3').term! > 3)
    pass(cores, longTicks)
    same([somebodyLeads(cores, cores.ids), cores.status('n1').term, cores.status('n2').term], ['n1', 1, 1])
    equal(cores.status('n3').member, 'removed')
  },
  'one that is told, starts again, and is told again, however often (E5)'(stage) {
    const cores = removedUnheard(stage)
    for (let life = 0; life < 3; life++) {
      cores.crash('n3')
      pass(cores, 3 * electionTicks)
      same([cores.status('n3').member, cores.status('n1').term, cores.status('n1').role], ['removed', 1, 'leader'])
    }
  },
  'one whose removal is not committed may still stand: it may be needed for it (E6, thesis 4.2.2)'(stage) {
    const commands = {
      1: membersAre(three),
      2: membersAre(['n2', 'n3'], { outgoing: three }),
      3: membersAre(['n2', 'n3']),
    }
    const cores = apart(stage, { n1: { log: [1, 1, 1], commands }, ...alike(['n2', 'n3'], { log: [1, 1], commands }) })
    equal(cores.status('n1').member, 'no member')
    ok(campaign(cores, 'n1', ['n2', 'n3']), 'it has what the others lack')
    pass(cores, 3 * heartbeatTicks)
    for (const id of ['n2', 'n3']) equal(counts(cores, id), 'n2 n3')
    same([cores.status('n1').role, cores.status('n1').member], ['follower', 'removed'], 'and then it goes')
    const alone = apart(stage, alike(three, { log: [1, 1, 1], commands }))
    equal(campaign(alone, 'n1', ['n2']), false, 'its own vote does not count')
  },
  'who comes back hears that it is wanted, whatever it was told, and late news does not count (E5)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n3')), 'ok')
    const [told] = cores.heard.filter(({ type, to }) => type === 'Removed' && to === 'n3') as [AnyMessage]
    equal(change(cores, 'n1', adding('n3')), 'ok')
    for (const when of ['now', 'after a restart']) {
      cores.receive(told)
      equal(cores.status('n3').member, 'voter', when)
      cores.crash('n3')
    }
    cores.crash('n1')
    ok(campaign(cores, 'n3', ['n2']))
    cores.receive({ ...told, index: 99 })
    equal(cores.status('n3').role, 'leader', 'nor to a leader: those that it leads count on it')
  },
  'a blank node that is told it is removed can be taken in all the same'(stage) {
    const cores = together(stage, three)
    cores.receive({ type: 'Removed', from: 'n1', to: 'n4', index: 1 })
    equal(change(cores, 'n1', adding('n4')), 'ok')
    equal(cores.status('n4').member, 'voter')
  },
}

/** Thesis 4.2.3, and those whom nobody knows. */
export const loyaltyClaims: Claims = {
  'while a leader is heard, nobody is heard who asks for votes, whatever the term and the log (E5)'(stage) {
    const cores = together(stage, three)
    for (const to of three) {
      for (const from of [...three, 'n6'].filter((id) => id !== to)) {
        const before = seen(cores, to)
        const reply = said(cores, asks(from, to, 9, 99, 8))
        same([reply, seen(cores, to)], [undefined, before], `${from} asks ${to}`)
      }
    }
    pass(cores, longTicks)
    same([somebodyLeads(cores, three), cores.status('n1').term], ['n1', 1])
  },
  'when it has been silent for a while, they are'(stage) {
    for (const [ticks, reply] of [
      [electionTicks - 1, undefined],
      [electionTicks, true],
    ] as const) {
      const cores = together(stage, three)
      cores.tick('n1', heartbeatTicks)
      cores.run()
      cores.tick('n2', ticks)
      equal(said(cores, asks('n3', 'n2', 2, 1)), reply)
    }
    const restarted = together(stage, three)
    restarted.crash('n2')
    equal(said(restarted, asks('n3', 'n2', 2, 1)), true, 'and by one that has heard nobody yet')
  },
  'a candidate that is no member, with a better log, is heard when no leader is: it may have been taken in (E6)'(
    stage,
  ) {
    const past: Past = { log: [1, 1], commands: { 1: membersAre(three) } }
    for (const [lastLogIndex, lastLogTerm, reply] of [
      [1, 1, undefined],
      [2, 1, true],
      [1, 2, true],
    ] as const) {
      const cores = apart(stage, alike(three, past))
      equal(said(cores, asks('n4', 'n2', 5, lastLogIndex, lastLogTerm)), reply)
      equal(cores.status('n2').term, reply === undefined ? 1 : 5)
    }
  },
  'one that was taken in, and missed the news, votes; or nobody could be elected (E6)'(stage) {
    const learner = membersAre(three, { learners: ['n4'] })
    const commands = { 1: membersAre(three), 2: learner, 3: membersAre(four, { outgoing: three }), 4: membersAre(four) }
    const behind: Past = { log: [1, 1], commands }
    const cores = apart(stage, { ...alike(two, { log: [1, 1, 1, 1], commands }), n3: behind, n4: behind })
    equal(cores.status('n4').member, 'learner')
    ok(campaign(cores, 'n1', ['n2', 'n4']))
  },
  'an answer of one that is no member changes nothing, whatever its term (E19)'(stage) {
    for (const term of [1, 2, 9]) {
      for (const at of answers('n9', 'n1', term).keys()) {
        const cores = together(stage, three)
        cores.tick('n3', electionTimeoutTicks)
        cores.take()
        for (const to of three) {
          const before = seen(cores, to)
          const message = answers('n9', to, term)[at]!
          cores.receive(message)
          same([seen(cores, to), cores.take()], [before, []], `${message.type} of term ${term} to ${to}`)
        }
      }
    }
  },
  'nor does what is said to newcomers and to those that have left, by one that is no member (E19)'(stage) {
    const cores = together(stage, three)
    for (const to of ['n1', 'n2']) {
      const before = seen(cores, to)
      cores.receive({ type: 'Introduction', from: 'n9', to, incarnation: 'n9', origin: '' })
      equal(said(cores, { type: 'Introduce', from: 'n9', to }), 'Introduction')
      same(seen(cores, to), before)
    }
  },
  'a node that was removed and hears an old append in a later term of its own deposes nobody (E5)'(stage) {
    const cores = together(stage, three)
    cores.tick('n1', heartbeatTicks)
    const old = cores.take({ to: 'n3' })
    equal(change(cores, 'n1', removing('n3'), two), 'ok')
    cores.tick('n3', longTicks)
    cores.take()
    for (const message of old) cores.receive(message)
    cores.run()
    same([cores.status('n1').role, cores.status('n1').term], ['leader', 1])
  },
}
