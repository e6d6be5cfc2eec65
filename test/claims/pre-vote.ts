import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { NodeId } from '../../src/contracts.js'
import { type AnyMessage, type Cores, electionTimeoutTicks, timing } from '../helpers/cores.js'
import { alike, apart, change, membersAre, pass, removing, somebodyLeads, together } from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asks } from './outsiders.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']
const five = [...three, 'n4', 'n5']

/** A question whether `to` would vote for `from`, whose log ends there. */
function wouldYou(from: NodeId, to: NodeId, nextTerm: number, lastLogIndex: number, lastLogTerm = 1): AnyMessage {
  return { type: 'PreVote', from, to, round: 7, nextTerm, lastLogIndex, lastLogTerm }
}

/** What a node answers to it: true or false, a type of message, or nothing. */
function said(cores: Cores, message: AnyMessage): unknown {
  cores.take()
  cores.receive(message)
  const [reply] = cores.take({ from: message.to, to: message.from })
  return reply?.type === 'PreVoteReply' ? reply.preVoteGranted : reply?.type
}

/** Ticks of a node alone, until it asks. @returns its question to one of the others, and all are out of the air */
function asked(cores: Cores, id: NodeId, to: NodeId): AnyMessage {
  cores.take()
  for (let tick = 0; tick < 2 * electionTicks && !cores.air.some(({ type }) => type === 'PreVote'); tick++)
    cores.tick(id)
  const question = cores.take({ type: 'PreVote', from: id }).find((one) => one.to === to)
  ok(question, `${id} asks ${to}`)
  return question
}

const reply = ({ from: to, to: from, round }: AnyMessage, fields: object = {}): AnyMessage => ({
  type: 'PreVoteReply',
  from,
  to,
  round,
  preVoteGranted: true,
  voterTerm: 1,
  leader: null,
  ...fields,
})

const seen = (cores: Cores, id: NodeId) => [cores.status(id), cores.onDisk(id), cores.unsynced(id)]
const placeOf = (cores: Cores, id: NodeId) => [cores.status(id).role, cores.status(id).leader, cores.status(id).term]

/** Thesis §9.6: a node asks before it stands for election. */
export const preVoteClaims: Claims = {
  'a node that hears no leader asks all others whether they would vote for it, and stays in its term, however long'(
    stage,
  ) {
    const cores = together(stage, five)
    const { term, votedFor, entries } = cores.onDisk('n3')
    cores.tick('n3', longTicks)
    same(placeOf(cores, 'n3'), ['follower', null, 1])
    same([cores.onDisk('n3').term, cores.onDisk('n3').votedFor, cores.onDisk('n3').entries], [term, votedFor, entries])
    const questions = cores.take({ from: 'n3' })
    same(new Set(questions.map(({ type }) => type)), new Set(['PreVote']))
    same(new Set(questions.map(({ to }) => to)), new Set(['n1', 'n2', 'n4', 'n5']))
    ok(questions.length <= (4 * longTicks) / electionTicks, 'once an election time-out')
    const { lastLogIndex, lastLogTerm, nextTerm } = questions[0]!
    same([lastLogIndex, lastLogTerm, nextTerm], [cores.log('n3').length, 1, 2])
  },
  'it stands for election once a majority would vote for it, itself counted, and each voter once'(stage) {
    const cores = together(stage, five)
    const question = asked(cores, 'n3', 'n2')
    for (let copy = 0; copy < 3; copy++) cores.receive(reply(question))
    cores.receive(reply(question, { from: 'n4', preVoteGranted: false }))
    same(placeOf(cores, 'n3'), ['follower', null, 1], 'two of five')
    cores.receive(reply(question, { from: 'n5' }))
    same(placeOf(cores, 'n3'), ['candidate', null, 2])
    same(
      cores.take({ type: 'RequestVote' }).map(({ to, term }) => [to, term]),
      ['n1', 'n2', 'n4', 'n5'].map((to) => [to, 2]),
    )
    cores.receive(reply(question, { from: 'n1' }))
    equal(cores.status('n3').term, 2, 'and once')
  },
  'a node that is asked changes nothing: it enters no term, promises nothing, and writes nothing'(stage) {
    const cores = together(stage, three)
    const end = cores.log('n2').length
    for (const [ticks, last, answer] of [
      [0, end, false],
      [electionTicks, end, true],
      [0, end - 1, false],
    ] as const) {
      cores.tick('n2', ticks)
      const before = seen(cores, 'n2')
      equal(said(cores, wouldYou('n3', 'n2', 9, last)), answer)
      same(seen(cores, 'n2'), before)
      cores.slow('n2')
      equal(said(cores, wouldYou('n3', 'n2', 9, last)), answer, 'and waits for no disk')
      cores.quick('n2')
    }
    equal(said(cores, wouldYou('n1', 'n2', 9, end)), true, 'another one may be told the same')
  },
  'being asked starts no election timer anew, whatever the answer'(stage) {
    for (const last of [99, 0]) {
      const cores = together(stage, three)
      cores.take()
      for (let tick = 0; tick < electionTimeoutTicks && cores.air.length === 0; tick++) {
        cores.receive(wouldYou('n3', 'n2', 2, last, Math.min(1, last)))
        cores.take()
        cores.tick('n2')
      }
      same(new Set(cores.air.map(({ type, from }) => `${from} ${type}`)), new Set(['n2 PreVote']))
    }
  },
  'a voter says no while it hears a leader, for the time of an election, and names the leader; so does the leader'(
    stage,
  ) {
    const cores = together(stage, three)
    const end = cores.log('n2').length
    for (const voter of two) {
      cores.take()
      cores.receive(wouldYou('n3', voter, 2, end + 5))
      const [answer] = cores.take({ from: voter })
      same([answer?.type, answer?.preVoteGranted, answer?.leader], ['PreVoteReply', false, 'n1'], voter)
    }
    same(placeOf(cores, 'n1'), ['leader', 'n1', 1])
    cores.tick('n2', electionTicks - 1)
    equal(said(cores, wouldYou('n3', 'n2', 2, end)), false)
    cores.tick('n2')
    equal(said(cores, wouldYou('n3', 'n2', 2, end)), true)
  },
  'a voter says no to a log that is not as good as its own: the later term wins, then the longer log'(stage) {
    const commands = { 1: membersAre(three) }
    const cores = apart(stage, alike(three, { log: [1, 2, 2], term: 4, commands }))
    for (const [index, term, answer] of [
      [3, 2, true],
      [2, 2, false],
      [9, 1, false],
      [1, 3, true],
      [4, 2, true],
    ] as const)
      equal(said(cores, wouldYou('n3', 'n2', 5, index, term)), answer, `${index} of term ${term}`)
  },
  'a node that was cut off comes back in the term in which it left, hears the leader, and deposes nobody (E16)'(stage) {
    const cores = together(stage, five)
    const others = ['n1', 'n2', 'n3', 'n4']
    for (let tick = 0; tick < longTicks; tick++) {
      pass(cores, 1, others)
      cores.tick('n5')
      cores.take()
    }
    asked(cores, 'n5', 'n1')
    pass(cores, longTicks, five)
    same(
      five.map((id) => placeOf(cores, id)),
      five.map((id) => [id === 'n1' ? 'leader' : 'follower', 'n1', 1]),
    )
  },
  'an answer to an earlier question counts for nothing, nor does one to a question of an earlier life'(stage) {
    const cores = together(stage, three)
    const earlier = asked(cores, 'n3', 'n2')
    const now = asked(cores, 'n3', 'n2')
    ok(now.round !== earlier.round)
    cores.receive(reply(earlier))
    equal(cores.status('n3').role, 'follower')
    cores.chance = 0.25
    cores.crash('n3')
    const anew = asked(cores, 'n3', 'n2')
    for (const one of [earlier, now]) cores.receive(reply(one))
    equal(cores.status('n3').role, 'follower')
    cores.receive(reply(anew))
    equal(cores.status('n3').role, 'candidate')
  },
  'an answer that comes late elects nobody: a leader was heard since, or another candidate got the vote (A10)'(stage) {
    const cores = together(stage, three)
    const late = asked(cores, 'n3', 'n2')
    pass(cores, heartbeatTicks, three)
    cores.receive(reply(late))
    same(placeOf(cores, 'n3'), ['follower', 'n1', 1])
    cores.tick('n3', electionTicks)
    cores.receive(reply(late))
    same(placeOf(cores, 'n3').toString(), ['follower', 'n1', 1].toString(), 'nor when it is silent again')
    const question = asked(cores, 'n3', 'n1')
    cores.receive(asks('n2', 'n3', 2, 99))
    same([cores.onDisk('n3').votedFor, cores.status('n3').term], ['n2', 2])
    cores.receive(reply(question))
    equal(cores.status('n3').term, 2, 'n2 was elected with its vote, perhaps')
  },
  'a node that is told meanwhile that it does not count any more stands no more'(stage) {
    for (const told of [
      { type: 'Removed', from: 'n1', to: 'n3', index: 99 },
      { type: 'Displaced', from: 'n1', to: 'n3', index: 99, disk: 'n3', why: 'replaced' },
    ]) {
      const cores = together(stage, three)
      const question = asked(cores, 'n3', 'n2')
      cores.receive(told)
      cores.receive(reply(question))
      same([cores.status('n3').role, cores.status('n3').term], ['follower', 1], told.type)
    }
  },
  'a refusal tells the node who leads: it sends its clients there, if that is a leader of its term, and another node'(
    stage,
  ) {
    for (const [fields, leader] of [
      [{ leader: 'n1' }, 'n1'],
      [{ leader: 'n3' }, null],
      [{ leader: 'n1', voterTerm: 0 }, null],
      [{ leader: null }, null],
    ] as const) {
      const cores = together(stage, three)
      const question = asked(cores, 'n3', 'n2')
      cores.receive(reply(question, { preVoteGranted: false, ...fields }))
      same(placeOf(cores, 'n3'), ['follower', leader, 1], JSON.stringify(fields))
      const answer = cores.answer('n3', cores.request('n3'))
      equal(answer?.ok === false && answer.error.code, leader === null ? 'no_leader' : 'not_leader')
    }
  },
  'a leader of which a node was only told is not one that it hears: it would vote for another, and asks again'(stage) {
    const cores = together(stage, three)
    const question = asked(cores, 'n3', 'n2')
    cores.receive(reply(question, { preVoteGranted: false, leader: 'n1' }))
    equal(said(cores, wouldYou('n2', 'n3', 2, 99)), true)
    equal(asked(cores, 'n3', 'n2').nextTerm, 2)
    equal(cores.status('n3').leader, null)
  },
  'a node whose next term is over is told the term by now, and can be elected in a later one (A8)'(stage) {
    const commands = { 1: membersAre(three) }
    const cores = apart(stage, {
      n1: { log: [1], term: 1, commands },
      n2: { log: [1, 1], term: 1, commands },
      n3: { log: [1], term: 6, commands },
    })
    equal(said(cores, wouldYou('n2', 'n3', 2, 2)), 'StaleTerm')
    pass(cores, longTicks, ['n2', 'n3'])
    same([somebodyLeads(cores, ['n2', 'n3']), cores.status('n2').term! > 6], ['n2', true])
  },
  'a voter whose disk the members do not know says no, and its answer would not be counted (E10)'(stage) {
    const cores = together(stage, three)
    cores.crash('n2')
    equal(said(cores, wouldYou('n3', 'n2', 2, 99)), true)
    cores.receive({ type: 'Displaced', from: 'n1', to: 'n2', index: 99, disk: 'n2', why: 'older' })
    equal(said(cores, wouldYou('n3', 'n2', 2, 99)), false)
    cores.wipe('n2')
    equal(said(cores, wouldYou('n3', 'n2', 2, 99)), false)
    const question = asked(cores, 'n3', 'n2')
    cores.receive(reply(question, { incarnation: 'n2 disk 2' }))
    equal(cores.status('n3').role, 'follower')
    cores.receive(reply(question))
    equal(cores.status('n3').role, 'candidate')
  },
  'half-way between two sets of voters it needs a majority of each, and no learner counts'(stage) {
    const joint = membersAre(['n1', 'n4', 'n5'], { outgoing: three, learners: ['n6'] })
    for (const [yes, role] of [
      [['n2', 'n3', 'n6'], 'follower'],
      [['n4', 'n5', 'n6'], 'follower'],
      [['n2', 'n4'], 'candidate'],
    ] as const) {
      const past = { log: [1, 1], commands: { 1: membersAre(three), 2: joint } }
      const cores = apart(stage, alike([...five, 'n6'], past))
      const question = asked(cores, 'n1', 'n2')
      for (const from of yes) cores.receive(reply(question, { from }))
      equal(cores.status('n1').role, role, yes.join(' '))
    }
  },
  'a node that was removed and has not heard of it asks, is told, and rests; nobody is disturbed (E5)'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n3'), two), 'ok')
    pass(cores, 2 * electionTicks, two)
    pass(cores, longTicks)
    same([cores.status('n3').member, cores.status('n3').term], ['removed', 1])
    same(placeOf(cores, 'n1'), ['leader', 'n1', 1])
  },
  'a node that is alone asks nobody, and leads the next term at once'(stage) {
    const cores = apart(stage, { n1: { log: [1], commands: { 1: membersAre(['n1']) } } })
    cores.tick('n1')
    same(placeOf(cores, 'n1'), ['leader', 'n1', 2])
    ok(!cores.air.some(({ type }) => type === 'PreVote'))
  },
  'when the leader is lost, the first that asks leads the next term'(stage) {
    const cores = together(stage, five)
    const rest = five.slice(1)
    pass(cores, electionTicks, rest)
    cores.tick('n2', electionTicks)
    cores.run(rest)
    same(placeOf(cores, 'n2'), ['leader', 'n2', 2])
    pass(cores, longTicks, rest)
    equal(somebodyLeads(cores, rest), 'n2')
  },
  'a candidate that was not elected asks again before it stands in another term'(stage) {
    const cores = together(stage, three)
    cores.stand('n3')
    same(placeOf(cores, 'n3'), ['candidate', null, 2])
    cores.tick('n3', longTicks)
    same(placeOf(cores, 'n3'), ['follower', null, 2])
    cores.take()
    cores.bearSilence(two)
    ok(campaign(cores, 'n3', two))
    equal(cores.status('n3').term, 3)
  },
}
