import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Command, NodeId } from '../../src/contracts.js'
import { type Cores, timing } from '../helpers/cores.js'
import {
  adding,
  becoming,
  change,
  configurations,
  connected,
  counts,
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

const learning = (id: NodeId): Command => ({ ...adding(id), role: 'learner' })
const promoting = (node: NodeId): Command => ({ command: 'promote', node })
const demoting = (node: NodeId): Command => ({ command: 'demote', node })
const standingOf = (cores: Cores, id: NodeId) => cores.status(id).member

/** Three voters that n1 leads, and n4, which stays a learner. */
function withLearner(...args: Parameters<typeof together>): Cores {
  const cores = together(...args)
  equal(change(cores, 'n1', learning('n4')), 'ok')
  return cores
}

/** Learners that stay (thesis 4.2.1): they are sent all, and count for nothing. */
export const learnerClaims: Claims = {
  'a learner stays one: it has all entries, and is a voter for nobody, however long it is well'(stage) {
    const cores = withLearner(stage, three)
    pass(cores, longTicks)
    for (const id of four) equal(counts(cores, id), 'n1 n2 n3 + n4')
    equal(standingOf(cores, 'n4'), 'learner')
    cores.request('n1')
    pass(cores, 2 * heartbeatTicks)
    equal(cores.status('n4').applied, cores.status('n1').log!.last)
  },
  'a learner is answered for when it has caught up, and not before'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', learning('n4'))
    pass(cores, electionTicks, three)
    equal(cores.answer('n1', request), null, 'it is silent')
    pass(cores, 2 * electionTicks, three)
    const answer = cores.answer('n1', request)
    equal(answer && !answer.ok && answer.error.code, 'not_caught_up')
    equal(counts(cores, 'n1'), 'n1 n2 n3')
  },
  'no quorum counts a learner: an entry that it alone has is not committed, and it keeps no leader in office'(stage) {
    const cores = withLearner(stage, three)
    const request = cores.request('n1')
    pass(cores, heartbeatTicks, ['n1', 'n4'])
    ok(!cores.performed('n1').includes(request))
    equal(cores.log('n4').length, cores.log('n1').length, 'it has it')
    pass(cores, 3 * electionTicks, ['n1', 'n4'])
    equal(cores.status('n1').role, 'follower')
  },
  'a learner stands for no election, and its vote elects nobody'(stage) {
    const cores = withLearner(stage, three)
    pass(cores, longTicks, ['n4'])
    same([cores.status('n4').role, cores.status('n4').term], ['follower', 1])
    equal(cores.status('n4').preVotes, undefined, 'it does not even ask')
    pass(cores, longTicks, ['n2', 'n4'])
    equal(cores.status('n2').role === 'leader', false)
    pass(cores, longTicks, ['n2', 'n3', 'n4'])
    ok(['n2', 'n3'].includes(somebodyLeads(cores, ['n2', 'n3', 'n4'])))
  },
  'a learner is kept through other changes, elections and restarts'(stage) {
    const cores = withLearner(stage, three)
    equal(change(cores, 'n1', adding('n5')), 'ok')
    equal(counts(cores, 'n1'), 'n1 n2 n3 n5 + n4')
    equal(change(cores, 'n1', removing('n5')), 'ok')
    equal(change(cores, 'n1', becoming('n1', 'n2', 'n6')), 'ok')
    equal(counts(cores, 'n4'), 'n1 n2 n6 + n4')
    equal(change(cores, 'n1', removing('n9')), 'bad_request')
    cores.crash('n4')
    pass(cores, electionTicks, ['n2', 'n4', 'n6'])
    ok(campaign(cores, 'n2', ['n4', 'n6']))
    equal(change(cores, 'n2', adding('n3'), ['n2', 'n3', 'n4', 'n6']), 'ok')
    for (const id of ['n2', 'n4']) equal(counts(cores, id), 'n1 n2 n3 n6 + n4')
  },
  'a change that is given up leaves the learners as they were'(stage) {
    const cores = withLearner(stage, three)
    equal(change(cores, 'n1', adding('n5'), four), 'not_caught_up')
    equal(change(cores, 'n1', learning('n5'), four), 'not_caught_up')
    equal(counts(cores, 'n1'), 'n1 n2 n3 + n4')
    const request = cores.request('n1', learning('n5'))
    equal(change(cores, 'n1', { command: 'cancel_change' }, four), 'ok')
    equal(counts(cores, 'n1'), 'n1 n2 n3 + n4')
    const answer = cores.answer('n1', request)
    equal(answer && !answer.ok && answer.error.code, 'change_cancelled')
  },
  'a promoted learner votes, when it is near enough the end; one that is away stays a learner'(stage) {
    const cores = withLearner(stage, three)
    equal(change(cores, 'n1', promoting('n4')), 'ok')
    for (const id of four) equal(counts(cores, id), 'n1 n2 n3 n4')
    equal(change(cores, 'n1', promoting('n4')), 'ok', 'what is done already is done')
    equal(change(cores, 'n1', demoting('n4')), 'ok')
    pass(cores, heartbeatTicks)
    const request = cores.request('n1')
    pass(cores, electionTicks, three)
    ok(cores.performed('n1').includes(request))
    equal(change(cores, 'n1', promoting('n4'), three), 'not_caught_up')
    equal(counts(cores, 'n1'), 'n1 n2 n3 + n4')
    equal(change(cores, 'n1', promoting('n7')), 'bad_request')
  },
  'a demoted voter counts no more, through both sets of voters, and is sent all as before'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', demoting('n3')), 'ok')
    for (const id of three) equal(counts(cores, id), 'n1 n2 + n3')
    equal(standingOf(cores, 'n3'), 'learner')
    const steps = configurations(cores, 'n1').slice(-2)
    same(
      steps.map(({ voters, outgoing }) => [voters.length, outgoing?.length ?? null]),
      [
        [2, 3],
        [2, null],
      ],
    )
    const request = cores.request('n1')
    pass(cores, heartbeatTicks, ['n1', 'n3'])
    ok(!cores.performed('n1').includes(request), 'n3 is none of the two')
    pass(cores, 2 * heartbeatTicks)
    ok(cores.performed('n1').includes(request))
    equal(cores.status('n3').applied, cores.status('n1').log!.last)
    equal(change(cores, 'n1', demoting('n2')), 'ok')
    equal(change(cores, 'n1', demoting('n1')), 'bad_request', 'the last voter stays')
  },
  'a leader that is demoted hands over, and goes on as a learner'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', demoting('n1'))
    pass(cores, longTicks)
    const answer = cores.answer('n1', request)
    ok(answer?.ok)
    const leader = somebodyLeads(cores, three)
    ok(leader !== 'n1')
    ok(cores.events('n1').some(({ event }) => event === 'handed_over'))
    same([cores.status('n1').role, standingOf(cores, 'n1'), cores.status('n1').leader], ['follower', 'learner', leader])
    equal(counts(cores, leader), 'n2 n3 + n1')
    cores.request(leader)
    pass(cores, 2 * heartbeatTicks)
    equal(cores.status('n1').applied, cores.status(leader).log!.last)
  },
  'a learner that is removed is told so, and nobody is connected with it any more'(stage) {
    const cores = withLearner(stage, three)
    equal(change(cores, 'n1', removing('n4')), 'ok')
    pass(cores, 2 * electionTicks)
    equal(standingOf(cores, 'n4'), 'removed')
    same(connected(cores, 'n1'), ['n2', 'n3'])
  },
  'a leader that is lost half-way leaves voters and learners to the next one, which ends the change'(stage) {
    const cores = withLearner(stage, three)
    cores.request('n1', promoting('n4'))
    passUntil(cores, () => counts(cores, 'n2').includes('|'))
    pass(cores, longTicks, ['n2', 'n3', 'n4'])
    const leader = somebodyLeads(cores, ['n2', 'n3', 'n4'])
    equal(counts(cores, leader), 'n1 n2 n3 n4')
    cores.request(leader, demoting('n1'))
    passUntil(cores, () => counts(cores, 'n2').includes('|') && counts(cores, 'n3').includes('|'))
    pass(cores, longTicks)
    const next = somebodyLeads(cores, four)
    equal(counts(cores, next), 'n2 n3 n4 + n1')
  },
  'a learner answers stale reads, and passes on what it may not answer itself'(stage) {
    const cores = withLearner(stage, three)
    const isAnswered = (request: number) => cores.acts('n4').readings.some((one) => one.request === request)
    const get = { command: 'get', key: 'k' }
    ok(isAnswered(cores.request('n4', get, { consistency: 'stale' })), 'by itself')
    const read = cores.request('n4', get)
    equal(isAnswered(read), false)
    pass(cores, 2 * heartbeatTicks)
    ok(isAnswered(read), 'behind a read index')
    const write = cores.request('n4', { command: 'set', key: 'k', value: 'v' }, { forward: true })
    pass(cores, 2 * heartbeatTicks)
    ok(cores.answer('n4', write)?.ok, 'the leader has answered')
  },
}
