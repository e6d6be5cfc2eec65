import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import {
  adding,
  addressesOf,
  alike,
  apart,
  becoming,
  change,
  configurations,
  connected,
  counts,
  membersAre,
  outcome,
  pass,
  passUntil,
  seven,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asking } from './votes.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const three = ['n1', 'n2', 'n3']
const four = [...three, 'n4']

/** A cluster that n1 founded, of n1, n2 and n3. */
function founded(stage: Stage): Cores {
  const cores = apart(stage, {}, three)
  passUntil(cores, () => counts(cores, 'n1') === 'n1 n2 n3')
  pass(cores, 2 * heartbeatTicks)
  return cores
}

/** How clusters begin: if each node began for itself, there would be as many clusters as nodes. */
export const foundingClaims: Claims = {
  'who was not told to founds nothing: a blank node neither stands nor votes, however long it waits (E13)'(stage) {
    const cores = apart(stage)
    pass(cores, longTicks)
    for (const id of cores.ids) {
      const { role, term, member, leader } = cores.status(id)
      same([role, term, member, leader, counts(cores, id)], ['follower', 0, 'no member', null, ''])
    }
    cores.receive(asking('n1', 5, { index: 9, term: 4 }))
    same(
      cores.take({ from: 'n3' }).map(({ voteGranted }) => voteGranted),
      [false],
    )
  },
  'who founds is alone at first, and leads when its disk has its vote, and not before'(stage) {
    const cores = apart(stage, {}, ['n1'])
    cores.slow('n1')
    cores.tick('n1', 2)
    same([cores.status('n1').role, counts(cores, 'n1')], ['candidate', 'n1'])
    cores.sync('n1')
    equal(cores.status('n1').role, 'leader')
    const request = cores.request('n1')
    same(cores.performed('n1'), [])
    cores.sync('n1')
    same(cores.performed('n1'), [request])
  },
  'who is alone and has a slow disk stands once and waits for it, as anybody does'(stage) {
    const cores = apart(stage, {}, ['n1'])
    cores.slow('n1')
    cores.tick('n1', electionTicks + 1)
    equal(cores.status('n1').term, 2)
    cores.sync('n1')
    same([cores.status('n1').role, cores.status('n1').term], ['leader', 2])
  },
  'nobody founds twice: a node that has a log, or a term, goes on with it (E13)'(stage) {
    const cores = founded(stage)
    const before = cores.onDisk('n1')
    cores.crash('n1')
    same(cores.onDisk('n1'), before)
    const other = apart(stage, { n1: { term: 3 } }, three)
    pass(other, longTicks)
    same([other.status('n1').term, other.status('n1').role, counts(other, 'n1')], [3, 'follower', ''])
  },
  'who founds takes in those with whom it was to, with the disks that they have, and nobody else'(stage) {
    const cores = founded(stage)
    for (const id of three) same([counts(cores, id), cores.status(id).leader], ['n1 n2 n3', 'n1'])
    const { voters } = configurations(cores, 'n2').at(-1) as unknown as { voters: object[] }
    same(
      voters,
      seven.slice(0, 3).map((member) => ({ ...member, incarnation: member.id })),
    )
    equal(counts(cores, 'n4'), '')
  },
  'while one of those is silent, nothing is founded; it is asked again until it is there (E13)'(stage) {
    const cores = apart(stage, {}, three)
    pass(cores, longTicks, ['n1', 'n2'])
    same([counts(cores, 'n1'), cores.status('n1').term], ['', 0])
    equal(outcome(cores.answer('n1', cores.request('n1'))), 'no_leader')
    pass(cores, 4 * electionTicks)
    equal(counts(cores, 'n1'), 'n1 n2 n3')
  },
  'one that falls silent when it has been founded is waited for, and the founder serves alone'(stage) {
    const cores = apart(stage, {}, three)
    passUntil(cores, () => counts(cores, 'n1') === 'n1')
    pass(cores, longTicks, ['n1', 'n2'])
    equal(counts(cores, 'n1'), 'n1')
    const request = cores.request('n1')
    same(cores.performed('n1'), [request])
    pass(cores, 4 * electionTicks)
    equal(counts(cores, 'n1'), 'n1 n2 n3')
  },
  'a founder that lost its disk, and is told to found again, founds no second cluster beside the first (E10, E13)'(
    stage,
  ) {
    const cores = founded(stage)
    cores.wipe('n1')
    pass(cores, longTicks, ['n1'])
    same([cores.status('n1').term, counts(cores, 'n1')], [0, ''], 'it waits for the others')
    ok(campaign(cores, 'n2', ['n3']))
    pass(cores, longTicks)
    same([counts(cores, 'n1'), cores.status('n1').member, cores.status('n1').leader], ['n1 n2 n3', 'no member', 'n2'])
    equal(change(cores, 'n2', adding('n1')), 'ok')
    equal(cores.status('n1').member, 'voter')
  },
  'stopping changes no members: each node in turn starts again, and they are the same (E21)'(stage) {
    const cores = founded(stage)
    const { length } = configurations(cores, 'n1')
    for (const id of ['n2', 'n3', 'n1']) {
      cores.crash(id)
      pass(cores, electionTicks)
    }
    ok(campaign(cores, 'n2', ['n1', 'n3']))
    pass(cores, heartbeatTicks)
    for (const id of three)
      same(
        [configurations(cores, id).length, counts(cores, id), cores.status(id).member],
        [length, 'n1 n2 n3', 'voter'],
      )
  },
}

/** §6, thesis 4.2.1: how nodes are taken in. */
export const joiningClaims: Claims = {
  'a node of another cluster of the same name is not taken in: the logs would not match (E12)'(stage) {
    const theirs = { ...membersAre(['n4']), origin: 'n4' }
    const ours = { log: [1, 1], commands: { 1: membersAre(three) } }
    const past = { ...alike(three, ours), n4: { log: [1, 1], commands: { 1: theirs } } }
    const cores = apart(stage, past)
    ok(campaign(cores, 'n1', three))
    pass(cores, heartbeatTicks, three)
    equal(change(cores, 'n1', adding('n4')), 'not_caught_up')
    same([counts(cores, 'n1'), counts(cores, 'n4'), configurations(cores, 'n4').length], ['n1 n2 n3', 'n4', 1])
  },
  'nothing is changed before a newcomer has said who it is; for one that is silent, nothing at all (E9)'(stage) {
    const cores = together(stage, three)
    const before = cores.log('n1').length
    const request = cores.request('n1', adding('n4'))
    pass(cores, electionTicks, three)
    same([cores.answer('n1', request), cores.log('n1').length], [null, before])
    ok(connected(cores, 'n1').includes('n4'), 'it is asked')
    pass(cores, 2 * electionTicks, three)
    equal(outcome(cores.answer('n1', request)), 'not_caught_up')
    same([cores.log('n1').length, counts(cores, 'n1'), connected(cores, 'n1')], [before, 'n1 n2 n3', ['n2', 'n3']])
    equal(change(cores, 'n1', adding('n4')), 'ok', 'and when it runs, it is taken in')
  },
  'a newcomer learns first, then both sets count, then it is a voter like all'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', adding('n4')), 'ok')
    const steps = configurations(cores, 'n4').map(({ voters, outgoing, learners }) =>
      [voters, outgoing, learners].map((part) => (part as { id: string }[] | null)?.map(({ id }) => id) ?? null),
    )
    same(steps, [
      [three, null, ['n4']],
      [four, three, []],
      [four, null, []],
    ])
    for (const id of four) same([counts(cores, id), cores.status(id).member], [four.join(' '), 'voter'])
  },
  'learners count for nothing, and stand for nothing (E15)'(stage) {
    const cores = together(stage, three)
    cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n4') === 'n1 n2 n3 + n4', ['n1', 'n4'])
    const { commit } = cores.status('n1')
    const request = cores.request('n1')
    pass(cores, electionTicks, ['n1', 'n4'])
    same([cores.log('n4').length, cores.status('n1').commit], [cores.log('n1').length, commit])
    same(cores.performed('n1').includes(request), false, 'one of three voters has it')
    cores.tick('n4', longTicks)
    same([cores.status('n4').role, cores.status('n4').member, cores.take({ from: 'n4' })], ['follower', 'learner', []])
    const learning = membersAre(three, { learners: ['n4', 'n5'] })
    const five = apart(stage, alike([...four, 'n5'], { log: [1], commands: { 1: learning } }))
    equal(campaign(five, 'n2', ['n4', 'n5']), false)
    ok(campaign(five, 'n2', ['n3']), 'two of three, however many learn')
    five.run(['n2', 'n3'])
    equal(five.status('n2').commit, 2)
  },
  'a learner is a voter when its last round took less time than a leader may be silent (thesis 4.2.1)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', adding('n4'))
    passUntil(
      cores,
      () => counts(cores, 'n1') === 'n1 n2 n3 + n4' && cores.status('n1').commit === cores.log('n1').length,
    )
    for (let round = 0; round < 3; round++) {
      cores.slow('n4')
      cores.request('n1')
      pass(cores, electionTicks + heartbeatTicks, four)
      cores.request('n1')
      cores.sync('n4')
      pass(cores, 1, four)
      equal(counts(cores, 'n1'), 'n1 n2 n3 + n4', 'it has arrived where the log was long ago')
    }
    cores.quick('n4')
    pass(cores, 2 * heartbeatTicks)
    same([counts(cores, 'n1'), outcome(cores.answer('n1', request))], [four.join(' '), 'ok'])
  },
  'who comes no further is given up after a while, and then nobody learns any more'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n1') === 'n1 n2 n3 + n4')
    pass(cores, 5 * electionTicks, three)
    same([cores.answer('n1', request), counts(cores, 'n1')], [null, 'n1 n2 n3 + n4'], 'it may be reading a snapshot')
    pass(cores, 7 * electionTicks, three)
    same([outcome(cores.answer('n1', request)), counts(cores, 'n1')], ['not_caught_up', 'n1 n2 n3'])
    equal(change(cores, 'n1', adding('n5'), [...three, 'n5']), 'ok', 'and others may come')
  },
  'while it comes further, however slowly, it is not given up'(stage) {
    const cores = together(stage, three, { appendBytes: 1 })
    for (let count = 0; count < 20; count++) cores.request('n1')
    pass(cores, 2 * heartbeatTicks)
    const request = cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n1') === 'n1 n2 n3 + n4')
    for (let step = 0; step < 5; step++) {
      pass(cores, 6 * electionTicks, three)
      cores.tick('n1', heartbeatTicks)
      for (let message = 0; message < 2; message++) {
        cores.deliver({ from: 'n1', to: 'n4' })
        cores.deliver({ from: 'n4', to: 'n1' })
      }
      cores.run(three)
      equal(cores.answer('n1', request), null)
    }
  },
  'several may come, and others go, in one change (§6)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', becoming('n1', 'n4', 'n5', 'n6')), 'ok')
    for (const id of ['n1', 'n4', 'n5', 'n6'])
      same([counts(cores, id), cores.status(id).member], ['n1 n4 n5 n6', 'voter'])
    for (const id of ['n2', 'n3']) equal(cores.status(id).member, 'removed')
  },
  'a member that answers no more where it was may be taken in elsewhere: the address changes, and nothing else (E17)'(
    stage,
  ) {
    const cores = together(stage, three)
    const { length } = configurations(cores, 'n1')
    const moved = { client: '127.0.0.1:77', peer: '127.0.0.1:78' }
    pass(cores, 2 * electionTicks, ['n1', 'n3'])
    equal(change(cores, 'n1', adding('n2', moved)), 'ok')
    for (const member of three) {
      same([counts(cores, member), cores.status(member).member], ['n1 n2 n3', 'voter'])
      const { voters } = configurations(cores, member).at(-1) as unknown as { voters: { id: string }[] }
      same(
        voters.find((voter) => voter.id === 'n2'),
        { id: 'n2', ...moved, incarnation: 'n2' },
      )
    }
    equal(configurations(cores, 'n1').length, length + 1, 'one step')
    same(cores.connected('n1')?.find(({ id }) => id === 'n2')?.peer, moved.peer)
    equal(cores.status('n1').role, 'leader')
  },
  'a member that answers where it is stays connected there, and is not asked elsewhere (E17)'(stage) {
    const cores = together(stage, three)
    const nowhere = { client: '127.0.0.1:9', peer: '127.0.0.1:10' }
    const request = cores.request('n1', adding('n2', nowhere))
    for (let tick = 0; tick < 4 * electionTicks; tick++) {
      same(cores.connected('n1')?.find(({ id }) => id === 'n2')?.peer, '127.0.0.1:102')
      pass(cores, 1, ['n1', 'n2'])
    }
    same(
      cores.heard.filter(({ type, to }) => type === 'Introduce' && to === 'n2'),
      [],
    )
    const answer = cores.answer('n1', request)
    ok(answer?.ok === false && answer.error.code === 'not_caught_up', JSON.stringify(answer))
    ok(/n2 answers at 127.0.0.1:102.*nothing was changed: stop it/.test(answer.error.message), answer.error.message)
    same([cores.status('n1').role, cores.status('n1').term, configurations(cores, 'n1').length], ['leader', 1, 0])
  },
  'a leader listens where it was started, and is not moved before it is started elsewhere (E17)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', adding('n1', { peer: '127.0.0.1:10' })), 'bad_request')
    equal(change(cores, 'n1', { command: 'reconfigure', voters: ['n1=a:1/a:2', 'n2', 'n3'] }), 'bad_request')
    same([cores.status('n1').role, configurations(cores, 'n1').length], ['leader', 0])
  },
  'who is a voter already is taken in at once, and nothing is written (E2)'(stage) {
    const cores = together(stage, three)
    for (const id of three) {
      const before = cores.log('n1').length
      equal(change(cores, 'n1', adding(id)), 'ok', id)
      equal(cores.log('n1').length, before, id)
    }
  },
  'a node counts once: a list that names it twice is refused'(stage) {
    const cores = together(stage, three)
    for (const voters of [
      ['n1', 'n2', 'n2'],
      ['n1', 'n4=a:1/a:2', 'n4=b:1/b:2'],
    ])
      equal(change(cores, 'n1', { command: 'reconfigure', voters }), 'bad_request')
    equal(counts(cores, 'n1'), 'n1 n2 n3')
  },
  'who is asked for by name must be known, or come with its addresses'(stage) {
    const cores = together(stage, three)
    for (const name of ['n4', 'n4=', 'n4=a:1', 'n4=a/b', '=a:1/b:2', 'n 4=a:1/b:2'])
      equal(change(cores, 'n1', { command: 'reconfigure', voters: ['n1', name] }), 'bad_request', name)
    const { client, peer } = addressesOf('n4')
    equal(change(cores, 'n1', { command: 'reconfigure', voters: [...three, `n4=${client}/${peer}`] }), 'ok')
    equal(counts(cores, 'n1'), four.join(' '))
  },
  'what a newcomer is asked, it is asked as often as a heartbeat, until it has said it'(stage) {
    const cores = together(stage, three)
    cores.request('n1', adding('n4'))
    for (let interval = 0; interval < 3; interval++) {
      cores.tick('n1', heartbeatTicks)
      equal(cores.take({ type: 'Introduce' }).length, 1)
      cores.take()
    }
    cores.receive({ type: 'Introduction', from: 'n4', to: 'n1', incarnation: 'n4', origin: '' })
    cores.run(three)
    cores.tick('n1', heartbeatTicks)
    equal(cores.take({ type: 'Introduce' }).length, 0)
  },
  'nobody is introduced who was not asked: a voter with another disk stays the voter that it was (E10)'(stage) {
    const cores = together(stage, three)
    const before = configurations(cores, 'n1').length
    cores.request('n1', adding('n4'))
    for (const from of ['n2', 'n5', 'n9'])
      cores.receive({ type: 'Introduction', from, to: 'n1', incarnation: 'another disk', origin: '' })
    cores.receive({ type: 'Introduction', from: 'n4', to: 'n2', incarnation: 'n4', origin: '' })
    pass(cores, 1, three)
    same([configurations(cores, 'n1').length, counts(cores, 'n1')], [before, 'n1 n2 n3'])
    equal(cores.status('n1').role, 'leader')
  },
}
