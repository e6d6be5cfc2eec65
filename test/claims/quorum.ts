import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { NodeId } from '../../src/contracts.js'
import { type Cores, timing } from '../helpers/cores.js'
import {
  adding,
  alike,
  apart,
  change,
  configurations,
  connected,
  counts,
  membersAre,
  outcome,
  pass,
  passUntil,
  removing,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asks } from './outsiders.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']
const five = [...three, 'n4', 'n5']
const joint = membersAre(['n1', 'n4', 'n5'], { outgoing: three })

const code = (cores: Cores, id: NodeId, request: number) => {
  const answer = cores.answer(id, request)
  return answer?.ok === false ? [answer.error.code, answer.error.definite] : answer
}

/** Thesis 6.2: a leader that leads nobody, and says so. */
export const quorumClaims: Claims = {
  'a leader that no majority answers for the time of an election leads no more, and cannot know what becomes of it'(
    stage,
  ) {
    const cores = together(stage, five)
    const write = cores.request('n1')
    const asked = cores.request('n1', adding('n6'))
    cores.take()
    pass(cores, electionTicks - heartbeatTicks - 1, two)
    equal(cores.status('n1').role, 'leader')
    pass(cores, 2 * heartbeatTicks, two)
    same([cores.status('n1').role, cores.status('n1').leader, cores.status('n1').term], ['follower', null, 1])
    for (const request of [write, asked]) same(code(cores, 'n1', request), ['leadership_lost', false])
    equal(code(cores, 'n1', cores.request('n1'))?.toString(), 'no_leader,true')
    ok(cores.told.some(({ node, event, term }) => node === 'n1' && event === 'quorum_lost' && term === 1))
  },
  'as long as a majority answers it leads, whoever else is silent'(stage) {
    const cores = together(stage, five)
    pass(cores, longTicks, three)
    same([cores.status('n1').role, cores.status('n1').term], ['leader', 1])
  },
  'one follower that hears it does not keep a leader in office, if the others could elect another'(stage) {
    const cores = together(stage, five)
    pass(cores, 2 * electionTicks, two)
    equal(cores.status('n1').role, 'follower')
    ok(campaign(cores, 'n3', ['n2', 'n4']))
    const write = cores.request('n3')
    pass(cores, heartbeatTicks, ['n2', 'n3', 'n4'])
    same(cores.performed('n3'), [write])
  },
  'learners keep nobody in office'(stage) {
    const learning = membersAre(three, { learners: ['n4', 'n5'] })
    const cores = apart(stage, alike(five, { log: [1], commands: { 1: learning } }))
    ok(campaign(cores, 'n1', three))
    pass(cores, heartbeatTicks, three)
    pass(cores, 2 * electionTicks, ['n1', 'n4', 'n5'])
    equal(cores.status('n1').role, 'follower')
  },
  'half-way between two sets of voters a leader needs a majority of each to answer'(stage) {
    for (const some of [
      ['n1', 'n2', 'n3'],
      ['n1', 'n4', 'n5'],
    ]) {
      const cores = apart(stage, alike(five, { log: [1, 1], commands: { 1: membersAre(three), 2: joint } }))
      ok(campaign(cores, 'n1', five))
      pass(cores, 2 * electionTicks, some)
      equal(cores.status('n1').role, 'follower', some.join(' '))
      equal(counts(cores, 'n1'), 'n1 n4 n5 | n1 n2 n3', 'it may have been committed before: nothing is taken back')
    }
  },
  'the time of a leader begins with its election, however long before that its voters were heard'(stage) {
    const cores = together(stage, five)
    cores.stand('n2')
    cores.bearSilence(['n3', 'n4'])
    for (const [voter, ticks] of [
      ['n3', electionTicks + 1],
      ['n4', electionTicks - 1],
    ] as const) {
      cores.deliver({ type: 'RequestVote', to: voter })
      cores.deliver({ type: 'RequestVoteReply', from: voter })
      cores.tick('n2', ticks)
    }
    same([cores.status('n2').role, cores.status('n2').term], ['leader', 2])
    cores.tick('n2', 2)
    equal(cores.status('n2').role, 'follower')
  },
  'who is the only voter leads, however long nobody answers'(stage) {
    const cores = apart(stage, {}, ['n1'])
    pass(cores, 2 * longTicks, ['n1'])
    same([cores.status('n1').role, cores.status('n1').term], ['leader', 2])
  },
  'what others say unasked is no answer: they may be heard, and hear nothing'(stage) {
    const cores = together(stage, three)
    for (let tick = 0; tick < 2 * electionTicks; tick++) {
      cores.tick('n1')
      cores.take()
      for (const id of ['n2', 'n3']) cores.receive(asks(id, 'n1', 5, 99))
    }
    equal(cores.status('n1').role, 'follower')
  },
}

/** How a change ends that cannot be completed. */
export const callOffClaims: Claims = {
  'a change whose new half dies before it is committed is taken back, and the old voters serve'(stage) {
    for (const force of [{}, { force: true }]) {
      const cores = together(stage, three)
      const command = { command: 'reconfigure', voters: ['n1', 'n4=a:1/b:1', 'n5=a:2/b:2'], ...force }
      const request = cores.request('n1', command)
      passUntil(cores, () => counts(cores, 'n1') === 'n1 n4 n5 | n1 n2 n3')
      pass(cores, 4 * electionTicks, three)
      same(code(cores, 'n1', request), ['quorum_at_risk', true])
      for (const id of three) same([counts(cores, id), cores.status(id).term], ['n1 n2 n3', 1])
      const write = cores.request('n1')
      pass(cores, heartbeatTicks, three)
      ok(cores.performed('n1').includes(write))
      pass(cores, 8 * electionTicks)
      same([cores.status('n1').role, cores.status('n1').term], ['leader', 1], 'and those who come back disturb nobody')
    }
  },
  'voters that are dead are not waited for without an end, even if it was forced'(stage) {
    const cores = together(stage, three)
    pass(cores, 2 * electionTicks, two)
    equal(change(cores, 'n1', { ...removing('n2'), force: true }, two), 'quorum_at_risk')
    same([counts(cores, 'n1'), cores.status('n1').role, cores.status('n1').term], ['n1 n2 n3', 'leader', 1])
  },
  'an operator calls a change off: what was begun is undone, and whoever waited is told'(stage) {
    for (const state of ['n1 n2 n3', 'n1 n2 n3 + n4', 'n1 n2 n3 n4 | n1 n2 n3']) {
      const cores = together(stage, three)
      const request = cores.request('n1', adding('n4'))
      passUntil(cores, () => counts(cores, 'n1') === state)
      const cancel = cores.request('n1', { command: 'cancel_change' })
      pass(cores, 2 * electionTicks)
      same(code(cores, 'n1', request), ['change_cancelled', true], state)
      same(cores.answer('n1', cancel), { ok: true, voters: three }, state)
      for (const id of three) equal(counts(cores, id), 'n1 n2 n3', state)
      same(connected(cores, 'n1'), ['n2', 'n3'], state)
      equal(change(cores, 'n1', adding('n5')), 'ok', 'and others may come')
    }
  },
  'what is as good as done is not called off, nor what is not there'(stage) {
    const cores = together(stage, three)
    const nothing = cores.request('n1', { command: 'cancel_change' })
    same(code(cores, 'n1', nothing), ['bad_request', true])
    const request = cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n1') === 'n1 n2 n3 n4')
    same(code(cores, 'n1', cores.request('n1', { command: 'cancel_change' })), ['change_in_progress', true])
    pass(cores, heartbeatTicks)
    equal(outcome(cores.answer('n1', request)), 'ok')
    const half = apart(stage, alike(five, { log: [1, 1], commands: { 1: membersAre(three), 2: joint } }))
    ok(campaign(half, 'n1', five))
    same(code(half, 'n1', half.request('n1', { command: 'cancel_change' })), ['change_in_progress', true])
    const elsewhere = cores.request('n2', { command: 'cancel_change' })
    equal(outcome(cores.answer('n2', elsewhere)), 'not_leader')
  },
  'a newcomer that needs longer for each round than a leader may be silent is given up after ten of them'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', adding('n4'))
    passUntil(
      cores,
      () => counts(cores, 'n1') === 'n1 n2 n3 + n4' && cores.status('n1').commit === cores.log('n1').length,
    )
    let rounds = 0
    for (; rounds < 30 && !cores.answer('n1', request); rounds++) {
      cores.slow('n4')
      cores.request('n1')
      pass(cores, electionTicks + heartbeatTicks, [...three, 'n4'])
      cores.request('n1')
      cores.sync('n4')
      pass(cores, 1, [...three, 'n4'])
    }
    const answer = cores.answer('n1', request)
    ok(answer?.ok === false && /n4 is too slow: each of 10 rounds/.test(answer.error.message), JSON.stringify(answer))
    ok(rounds >= 10 && rounds <= 13, `${rounds} rounds`)
    equal(counts(cores, 'n1'), 'n1 n2 n3')
  },
  'a leader that was removed and is asked to take itself in, or anything else, changes nothing any more'(stage) {
    const commands = { 1: membersAre(three), 2: membersAre(['n2', 'n3'], { outgoing: three }) }
    for (const asked of [adding('n1'), adding('n4'), { command: 'reconfigure', voters: ['n2', 'n3', 'n1=h:1/h:2'] }]) {
      const cores = apart(stage, alike(three, { log: [1, 1], commands }))
      ok(campaign(cores, 'n1', three))
      let request = 0
      passUntil(cores, () => {
        const isOut = counts(cores, 'n1') === 'n2 n3' && cores.status('n1').role === 'leader'
        if (isOut) request = cores.request('n1', asked)
        return request > 0 && cores.status('n1').role === 'follower'
      })
      ok(!cores.answer('n1', request)?.ok)
      pass(cores, 2 * electionTicks)
      equal(cores.status('n1').member, 'removed')
    }
  },
}

/** Who waits, and for whom. */
export const waitingClaims: Claims = {
  'a founding that waits says for whom, and for how long, to everybody who asks'(stage) {
    const cores = apart(stage, {}, three)
    pass(cores, 3 * electionTicks, two)
    const { waiting } = cores.status('n1') as unknown as { waiting: { for: unknown[]; ms: number } }
    same(waiting.for, [{ id: 'n3', peer: '127.0.0.1:103' }])
    ok(waiting.ms >= 2 * electionTicks * timing.tickMs)
    const answer = cores.answer('n1', cores.request('n1', adding('n2')))
    ok(answer?.ok === false && /when n3 at 127.0.0.1:103 has answered/.test(answer.error.message))
    const told = () => cores.told.filter(({ event }) => event === 'founding_waits').length
    equal(told(), 1)
    pass(cores, longTicks, two)
    equal(told(), 1, 'once, and then rarely')
    pass(cores, 6 * longTicks, two)
    equal(told(), 2)
    pass(cores, 4 * electionTicks)
    same([counts(cores, 'n1'), cores.status('n1').waiting], ['n1 n2 n3', undefined])
  },
  'what an operator asks for goes before what the founder does of itself'(stage) {
    const cores = apart(stage, {}, three)
    passUntil(cores, () => counts(cores, 'n1') === 'n1')
    pass(cores, 3 * electionTicks, two)
    const { waiting } = cores.status('n1') as unknown as { waiting: { for: unknown[] } }
    same(
      waiting.for,
      [
        { id: 'n2', peer: '127.0.0.1:102' },
        { id: 'n3', peer: '127.0.0.1:103' },
      ].slice(-1),
    )
    equal(change(cores, 'n1', adding('n2'), two), 'ok')
    equal(counts(cores, 'n2'), 'n1 n2')
    equal(configurations(cores, 'n1').length > 0, true)
  },
  'a founder that is told to wait no longer goes on alone'(stage) {
    const cores = apart(stage, {}, three)
    passUntil(cores, () => counts(cores, 'n1') === 'n1')
    pass(cores, electionTicks, two)
    const cancel = cores.request('n1', { command: 'cancel_change' })
    pass(cores, 4 * electionTicks, two)
    same([outcome(cores.answer('n1', cancel)), counts(cores, 'n1'), cores.status('n1').change], ['ok', 'n1', undefined])
    equal(change(cores, 'n1', adding('n2'), two), 'ok')
  },
}
