import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { NodeId } from '../../src/contracts.js'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import {
  adding,
  alike,
  apart,
  change,
  counts,
  membersAre,
  pass,
  passUntil,
  removing,
  somebodyLeads,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asks, said } from './outsiders.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']
const five = [...three, 'n4', 'n5']
export const get = { command: 'get', key: 'k' }
const expiring = { sessionTicks: 20 }

export const handingTo = (to?: NodeId) => ({ command: 'transfer_leader', ...(to && { to }) })
const placeOf = (cores: Cores, id: NodeId) => [cores.status(id).role, cores.status(id).leader, cores.status(id).term]
export const told = (cores: Cores) => cores.air.filter(({ type }) => type === 'TimeoutNow').map(({ to }) => to)

export function answerTo(cores: Cores, id: NodeId, request: number) {
  const answer = cores.answer(id, request)
  return answer && !answer.ok ? [answer.error.code, answer.error.definite] : answer
}

/** The message by which n1 hands over to n2, which has not heard it yet. */
function onItsWay(cores: Cores, to = 'n2'): AnyMessage {
  cores.run()
  cores.request('n1', handingTo(to))
  for (let tick = 0; tick < heartbeatTicks && told(cores).length === 0; tick++) {
    cores.tick('n1')
    const messages = cores.take().filter(({ type }) => type !== 'TimeoutNow')
    for (const message of messages) if (message.to !== to || message.type !== 'TimeoutNow') cores.receive(message)
  }
  const [message] = cores.take({ type: 'TimeoutNow' })
  ok(message, `n1 tells ${to}`)
  return message
}

/** Thesis §3.10: a leader hands over. */
export const handoverClaims: Claims = {
  'a leader that is asked hands over to the voter that is named: it leads the next term, and the client hears so'(
    stage,
  ) {
    for (const to of ['n2', 'n3']) {
      const cores = together(stage, three)
      const request = cores.request('n1', handingTo(to))
      pass(cores, 2 * heartbeatTicks)
      same(placeOf(cores, to), ['leader', to, 2])
      same(placeOf(cores, 'n1'), ['follower', to, 2])
      same(cores.answer('n1', request), { ok: true, leader: to })
      equal(cores.told.filter(({ event }) => event === 'campaign').length, 2, 'the first election, and this one')
      pass(cores, longTicks)
      same(placeOf(cores, to), ['leader', to, 2])
    }
  },
  'without a name it hands over to the voter whose log goes furthest, of those that answer'(stage) {
    for (const [reached, to] of [
      ['n3', 'n3'],
      ['n4', 'n4'],
    ] as const) {
      const cores = together(stage, five)
      for (let write = 0; write < 3; write++) {
        cores.request('n1')
        cores.run(['n1', 'n2', reached])
      }
      pass(cores, electionTicks, ['n1', reached, 'n5'])
      cores.request('n1')
      cores.run(['n1', reached])
      cores.request('n1', handingTo())
      pass(cores, 2 * heartbeatTicks)
      equal(somebodyLeads(cores, five), to, 'n2 has been silent, and n5 has less')
    }
  },
  'step 1: no entry is added meanwhile, and what clients ask is done by the successor'(stage) {
    const cores = together(stage, three)
    cores.slow('n2')
    const before = cores.request('n1')
    cores.run()
    const request = cores.request('n1', handingTo('n2'))
    const end = cores.log('n1').length
    const asked = [
      cores.request('n1'),
      cores.request('n1', { command: 'open_session' }),
      cores.request('n1', adding('n4')),
    ]
    asked.push(
      cores.request('n1', removing('n3')),
      cores.request('n1', { command: 'reconfigure', voters: ['n1', 'n2'] }),
    )
    pass(cores, heartbeatTicks)
    same([cores.log('n1').length, told(cores)], [end, []])
    for (const one of asked) equal(cores.answer('n1', one), null)
    cores.quick('n2')
    pass(cores, 2 * heartbeatTicks)
    ok(cores.performed('n1').includes(before))
    same(answerTo(cores, 'n1', request), { ok: true, leader: 'n2' })
    for (const one of asked) {
      const answer = cores.answer('n1', one)
      ok(answer?.ok === false && answer.error.code === 'not_leader' && answer.error.leader === 'n2')
    }
    ok(!cores.performed('n2').some((one) => asked.includes(one)))
  },
  'a leader that hands over ends no session: that would be an entry'(stage) {
    const cores = together(stage, three, expiring)
    cores.request('n1', { command: 'open_session' })
    cores.run()
    pass(cores, 15)
    cores.slow('n2')
    cores.request('n1')
    cores.run()
    const end = cores.log('n1').length
    cores.request('n1', handingTo('n2'))
    pass(cores, electionTicks - 1)
    equal(cores.log('n1').length, end)
    cores.quick('n2')
    pass(cores, longTicks)
    equal(cores.status(somebodyLeads(cores, three)).sessions, 0, 'the next one does')
  },
  'step 2: the successor is told only when it has all entries on its disk, and all are committed'(stage) {
    const cores = together(stage, three)
    cores.request('n1', handingTo('n3'))
    same(told(cores), ['n3'], 'n3 had everything')
    const late = together(stage, three)
    for (const id of ['n2', 'n3']) late.slow(id)
    late.request('n1')
    late.request('n1', handingTo('n3'))
    late.run()
    same([placeOf(late, 'n1'), told(late)], [['leader', 'n1', 1], []])
    late.sync('n2')
    late.deliver({ to: 'n1' })
    same(told(late), [], 'committed, and n3 does not have it yet')
    late.sync('n3')
    late.deliver({ to: 'n1' })
    same(told(late), ['n3'])
    equal(late.air.find(({ type }) => type === 'TimeoutNow')?.lastLogIndex, late.log('n1').length)
  },
  'step 3: the successor is told once, however long it says nothing'(stage) {
    const cores = together(stage, three)
    onItsWay(cores)
    for (let tick = 0; tick < electionTicks; tick++) {
      cores.tick('n1')
      same(told(cores), [])
      cores.run(['n1', 'n3'])
    }
  },
  'who is told stands at once, as if its election time-out were over, and asks when its vote is on the disk'(stage) {
    const cores = together(stage, three)
    const message = onItsWay(cores)
    cores.slow('n2')
    cores.receive(message)
    same([placeOf(cores, 'n2'), cores.take({ from: 'n2' })], [['candidate', null, 2], []])
    cores.sync('n2')
    same([cores.onDisk('n2').term, cores.onDisk('n2').votedFor], [2, 'n2'])
    same(
      new Set(cores.take({ from: 'n2' }).map(({ type, to }) => `${type} ${to}`)),
      new Set(['RequestVoteNow n1', 'RequestVoteNow n3']),
    )
  },
  'the voters hear the successor although they hear its leader, and no other candidate (thesis 4.2.3)'(stage) {
    const cores = together(stage, three)
    const end = cores.log('n3').length
    equal(said(cores, asks('n2', 'n3', 2, end)), undefined)
    equal(said(cores, { ...asks('n2', 'n3', 2, end), type: 'RequestVoteNow' }), true)
    equal(said(cores, { ...asks('n1', 'n3', 2, end), type: 'RequestVoteNow' }), false, 'one vote a term')
    const other = together(stage, three)
    equal(said(other, { ...asks('n2', 'n3', 2, end - 1), type: 'RequestVoteNow' }), false, 'and only for a good log')
  },
  'a successor that was removed since is not heard: it would depose the leader'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n3'), two), 'ok')
    for (const to of two) {
      equal(said(cores, { ...asks('n3', to, 2, 1), type: 'RequestVoteNow' }), 'Removed')
      equal(cores.status(to).term, 1)
    }
  },
  'a hand-over takes the time of an election at most, until the successor is told, and the leader goes on'(stage) {
    const cores = together(stage, three)
    cores.slow('n2')
    cores.request('n1')
    cores.run()
    const request = cores.request('n1', handingTo('n2'))
    const held = cores.request('n1')
    pass(cores, electionTicks - 1)
    same([cores.answer('n1', request), cores.answer('n1', held)], [null, null])
    pass(cores, heartbeatTicks)
    same(answerTo(cores, 'n1', request), ['transfer_failed', true])
    ok(cores.performed('n1').includes(held))
    cores.quick('n2')
    pass(cores, longTicks)
    same(placeOf(cores, 'n1'), ['leader', 'n1', 1])
  },
  'and as much again until it is elected: then the outcome is unknown, and the leader goes on'(stage) {
    const cores = together(stage, three)
    pass(cores, 1)
    const request = cores.request('n1', handingTo('n2'))
    same(
      cores.take({ type: 'TimeoutNow' }).map(({ to }) => to),
      ['n2'],
    )
    const held = cores.request('n1')
    pass(cores, electionTicks - 1)
    same([cores.answer('n1', request), cores.answer('n1', held)], [null, null])
    pass(cores, heartbeatTicks)
    same(answerTo(cores, 'n1', request), ['timeout', false])
    ok(cores.performed('n1').includes(held))
    same(placeOf(cores, 'n1'), ['leader', 'n1', 1])
  },
  'a message to the successor that comes late, when the leader has gone on, is not followed'(stage) {
    const cores = together(stage, three)
    const late = onItsWay(cores)
    pass(cores, electionTicks + 1)
    cores.request('n1')
    pass(cores, heartbeatTicks)
    cores.receive(late)
    pass(cores, longTicks)
    same(placeOf(cores, 'n1'), ['leader', 'n1', 1])
  },
  'a message that comes twice makes one election'(stage) {
    const cores = together(stage, three)
    const message = onItsWay(cores)
    cores.receive(message)
    cores.receive(message)
    cores.run()
    cores.receive(message)
    pass(cores, longTicks)
    same(placeOf(cores, 'n2'), ['leader', 'n2', 2])
  },
  'a successor that fails, and a leader that is deposed by what it said: the others elect, and what was held is refused'(
    stage,
  ) {
    const cores = together(stage, three)
    const message = onItsWay(cores)
    const held = cores.request('n1')
    const request = cores.request('n1', handingTo('n2'))
    cores.receive(message)
    cores.deliver({ type: 'RequestVoteNow', to: 'n1' })
    cores.take()
    same(placeOf(cores, 'n1'), ['follower', null, 2])
    cores.tick('n1', 2 * electionTicks - 1)
    cores.tick('n1', 2)
    cores.take()
    same(answerTo(cores, 'n1', held), ['no_leader', true])
    same(answerTo(cores, 'n1', request), ['leadership_lost', false], 'n2 may lead')
  },
  'whether a successor that was told took over is unknown if another one leads; if it was not told, it did not'(stage) {
    for (const isTold of [true, false]) {
      const cores = together(stage, three)
      if (!isTold) {
        cores.slow('n2')
        cores.request('n1')
        cores.run(two)
        cores.request('n1')
      }
      const request = cores.request('n1', handingTo('n2'))
      const held = cores.request('n1')
      cores.run(['n1', 'n3'])
      cores.take()
      cores.receive({ ...heartbeatOf('n3', 'n1', 5, cores.log('n1').length) })
      same(placeOf(cores, 'n1'), ['follower', 'n3', 5])
      same(answerTo(cores, 'n1', request), isTold ? ['leadership_lost', false] : ['transfer_failed', true])
      same(answerTo(cores, 'n1', held), ['not_leader', true])
    }
  },
  'a leader that loses its quorum meanwhile says that what waits is unknown, and refuses what was held'(stage) {
    const cores = together(stage, three)
    cores.take()
    const write = cores.request('n1')
    const request = cores.request('n1', handingTo('n2'))
    const held = cores.request('n1')
    pass(cores, electionTicks, ['n1'])
    equal(cores.status('n1').role, 'follower')
    same(answerTo(cores, 'n1', write), ['leadership_lost', false])
    pass(cores, 3 * electionTicks, ['n1'])
    same(answerTo(cores, 'n1', held), ['no_leader', true])
    same(answerTo(cores, 'n1', request), ['transfer_failed', true])
  },
  'reads are answered meanwhile, and what is left is answered with the help of the successor'(stage) {
    const cores = together(stage, three)
    cores.slow('n2')
    cores.request('n1')
    cores.run()
    cores.request('n1', handingTo('n2'))
    const now = cores.request('n1', get)
    cores.run()
    const isAnswered = (request: number) => cores.acts('n1').readings.some((one) => one.request === request)
    ok(isAnswered(now))
    const left = cores.request('n1', get)
    cores.take({ type: 'ConfirmLeader' })
    cores.quick('n2')
    cores.deliver({ from: 'n2', to: 'n1' })
    cores.deliver({ type: 'TimeoutNow' })
    cores.deliver({ type: 'RequestVoteNow', to: 'n1' })
    equal(cores.status('n1').role, 'follower')
    equal(cores.answer('n1', left), null)
    const between = cores.request('n1', get)
    pass(cores, 2 * heartbeatTicks)
    same([placeOf(cores, 'n1'), isAnswered(left), isAnswered(between)], [['follower', 'n2', 2], true, true])
  },
  'a second hand-over to the same node has the same end; to another one it is refused'(stage) {
    const cores = together(stage, three)
    cores.slow('n2')
    cores.request('n1')
    cores.run()
    const all = [handingTo('n2'), handingTo('n2'), handingTo()].map((command) => cores.request('n1', command))
    same(answerTo(cores, 'n1', cores.request('n1', handingTo('n3'))), ['transfer_failed', true])
    cores.quick('n2')
    pass(cores, 2 * heartbeatTicks)
    for (const one of all) same(cores.answer('n1', one), { ok: true, leader: 'n2' })
  },
  'a leader hands over to voters that answer, and to nobody else; to itself it need not (A11, A12)'(stage) {
    const learning = membersAre(three, { learners: ['n4'] })
    const cores = apart(stage, alike([...three, 'n4'], { log: [1], commands: { 1: learning } }))
    ok(campaign(cores, 'n1', three))
    pass(cores, heartbeatTicks)
    const asked = (to?: NodeId) => {
      const request = cores.request('n1', handingTo(to))
      return answerTo(cores, 'n1', request)
    }
    same(asked('n1'), { ok: true, leader: 'n1' })
    for (const to of ['n4', 'n9']) same(asked(to), ['bad_request', true])
    pass(cores, electionTicks, two)
    same(asked('n3'), ['transfer_failed', true])
    const alone = apart(stage, { n1: { log: [1], commands: { 1: membersAre(['n1']) } } })
    alone.tick('n1')
    same(answerTo(alone, 'n1', alone.request('n1', handingTo())), ['transfer_failed', true])
    const elsewhere = cores.request('n2', handingTo())
    same(answerTo(cores, 'n2', elsewhere), ['not_leader', true])
  },
  'a node whose disk the members do not know takes over nothing (E10)'(stage) {
    const cores = together(stage, three)
    cores.wipe('n2')
    pass(cores, electionTicks)
    same(answerTo(cores, 'n1', cores.request('n1', handingTo('n2'))), ['transfer_failed', true])
    cores.request('n1', handingTo())
    pass(cores, 2 * heartbeatTicks)
    equal(somebodyLeads(cores, three), 'n3')
  },
  'a successor that rests, or was wiped, does not stand when it is told'(stage) {
    const cores = together(stage, three)
    const message = onItsWay(cores)
    cores.receive({ type: 'Displaced', from: 'n1', to: 'n2', index: 99, disk: 'n2', why: 'older' })
    cores.receive(message)
    same([cores.status('n2').role, cores.status('n2').term], ['follower', 1])
  },
  'while the members are being changed nobody hands over: the next step of the change would be an entry'(stage) {
    const cores = together(stage, three)
    for (const state of ['n1 n2 n3', 'n1 n2 n3 + n4', 'n1 n2 n3 n4 | n1 n2 n3']) {
      if (counts(cores, 'n1') === 'n1 n2 n3') cores.request('n1', adding('n4'))
      passUntil(cores, () => counts(cores, 'n1') === state)
      same(answerTo(cores, 'n1', cores.request('n1', handingTo('n2'))), ['change_in_progress', true], state)
    }
  },
}

/** A leader's heartbeat to a node whose log is its own. */
function heartbeatOf(from: NodeId, to: NodeId, term: number, index: number): AnyMessage {
  const place = { sequence: 1, prevLogIndex: index, prevLogTerm: 1, leaderCommit: 0 }
  return { type: 'AppendEntries', from, to, term, ...place, entries: [] }
}
