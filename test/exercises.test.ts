/** The exercises of the lessons: their answers, asked of the rules that they are about. */
import t, { type Test } from 'tap'
import type { NodeId } from '../src/contracts.js'
import type { Stage } from '../src/stage.js'
import { quorumOf } from '../stages/8-membership/configuration.js'
import { stages } from '../stages/index.js'
import { campaign } from './claims/elections.js'
import { led } from './claims/replication.js'
import { asking } from './claims/votes.js'
import { Cores, entryOf, type Past, timing } from './helpers/cores.js'
import {
  alike,
  apart,
  change,
  configurations,
  counts,
  membersAre,
  outcome,
  pass,
  passUntil,
  removing,
  seven,
  together,
} from './helpers/members.js'

const [replication, heartbeats, elections, membership] = [4, 5, 6, 8].map((number) => stages[number]!) as [
  Stage,
  Stage,
  Stage,
  Stage,
]
const all = ['n1', 'n2', 'n3', 'n4', 'n5']

/** The walk of a leader back through the log of n2: each message as the index before its entries, and their count. */
function walk(stage: Stage, leader: readonly number[], follower: readonly number[], term: number) {
  const past = { log: leader, term }
  const cores = led(stage, { n1: past, n2: { log: follower, term }, n3: past, n4: past, n5: past })
  cores.request('n1')
  cores.run()
  const sent = cores.heard.filter(({ type, to, entries }) => type === 'AppendEntries' && to === 'n2' && entries?.length)
  const log = cores.log('n2')
  return { befores: sent.map(({ prevLogIndex }) => prevLogIndex), log: log.slice(0, leader.length) }
}

t.test('4: where two logs part, as the picture has it, and in exercise 1', async (t) => {
  const n1 = [1, 1, 2, 2, 4]
  const walked = (follower: number[]) => walk(replication, n1, follower, 4)
  t.same(walked([1, 1, 3, 3, 3]), { befores: [5, 2], log: n1 })
  t.same(walked([1, 1, 2, 2, 2, 2]), { befores: [5, 4], log: n1 })
  t.same(walked([1, 1]), { befores: [5, 2], log: n1 })
  t.same(walk(replication, [1, 1, 4, 4, 5], [1, 1, 2, 2, 3, 3, 3], 5), { befores: [5, 4, 2], log: [1, 1, 4, 4, 5] })
})

/** A message of n1 to n3, which leads this term. */
const append = (
  term: number,
  prevLogIndex: number,
  terms: readonly number[],
  leaderCommit: number,
  prevLogTerm = 1,
) => ({
  type: 'AppendEntries',
  from: 'n1',
  to: 'n3',
  term,
  sequence: 1,
  prevLogIndex,
  prevLogTerm,
  leaderCommit,
  entries: terms.map((one, at) => entryOf(prevLogIndex + at + 1, one)),
})

t.test('4: what a follower may call committed, and a late copy (exercise 5)', async (t) => {
  const cores = new Cores(replication, { n3: { log: [1, 1, 2, 2, 2], term: 3 } })
  cores.receive(append(3, 2, [2], 5))
  t.same([cores.log('n3'), cores.status('n3').commit], [[1, 1, 2, 2, 2], 3])
  const late = new Cores(replication, { n3: { log: [1, 1, 1, 1, 1] } })
  late.receive(append(1, 1, [1, 1], 1))
  t.same(late.log('n3'), [1, 1, 1, 1, 1])
  t.match(late.take({ from: 'n3' }), [{ type: 'AppendEntriesReply', matchIndex: 3 }])
})

/** Entries up to the seventh, of which n1's disk has three; n2 and n3 answer for seven, n4 for five. */
function withSlowLeader(stage: Stage): number {
  const cores = led(stage)
  for (let entry = cores.log('n1').length; entry < 3; entry++) cores.request('n1')
  cores.run()
  cores.slow('n1')
  for (let entry = 3; entry < 5; entry++) cores.request('n1')
  cores.run(['n1', 'n2', 'n3', 'n4'])
  for (let entry = 5; entry < 7; entry++) cores.request('n1')
  cores.run(['n1', 'n2', 'n3'])
  return cores.status('n1').commit!
}

t.test('4: exercise 2, the leader must be in the majority; from stage 6 on not', async (t) => {
  t.equal(withSlowLeader(replication), 3)
  t.equal(withSlowLeader(elections), 5)
})

t.test('4: exercise 4, an answer vouches for what was verified', async (t) => {
  const cores = led(replication)
  cores.request('n1')
  const [first] = cores.take({ type: 'AppendEntries', to: 'n2' })
  for (const _ of [5, 6]) cores.request('n1')
  cores.receive(first!)
  t.match(cores.take({ from: 'n2' }), [{ matchIndex: 1 }])
  t.equal(cores.log('n1').length, 3)
})

const logsOfExercise: Readonly<Record<NodeId, Past>> = {
  n1: { log: [1, 1, 1], term: 2 },
  n2: { log: [1, 1, 2], term: 2 },
  n3: { log: [1, 1, 1, 1, 1], term: 2 },
  n4: { log: [1, 1], term: 2 },
  n5: { log: [1, 1, 2, 2], term: 2 },
}

t.test('6: exercise 1, who can be elected with which logs', async (t) => {
  const winners = all.filter((id) => {
    const others = all.filter((other) => other !== id)
    return campaign(new Cores(elections, logsOfExercise), id, others)
  })
  t.same(winners, ['n2', 'n3', 'n5'])
})

t.test('6: exercise 3, which votes count', async (t) => {
  const cores = new Cores(elections, { n1: { term: 6 } })
  cores.stand('n1')
  cores.take()
  t.equal(cores.status('n1').term, 7)
  const yes = { type: 'RequestVoteReply', to: 'n1', voteGranted: true }
  cores.receive({ ...yes, from: 'n2', term: 7 })
  cores.receive({ ...yes, from: 'n2', term: 7 })
  cores.receive({ ...yes, from: 'n3', term: 6 })
  cores.receive({ ...yes, from: 'n4', term: 7, voteGranted: false })
  t.equal(cores.status('n1').role, 'candidate')
  cores.receive({ ...yes, from: 'n5', term: 7 })
  t.equal(cores.status('n1').role, 'leader')
})

/** Time passes; what is sent to these is lost. */
function deafen(cores: Cores, deaf: readonly NodeId[], ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    for (const id of cores.ids) cores.tick(id)
    for (let round = 0; round < 3; round++) {
      for (const to of deaf) cores.take({ to })
      cores.deliver()
    }
  }
}

t.test('6: exercise 4, a leader that is heard and hears nothing stays, and commits nothing', async (t) => {
  const cores = led(elections)
  const { term, commit } = cores.status('n1')
  cores.request('n1')
  deafen(cores, ['n1'], 5 * timing.electionTicks)
  t.match(cores.status('n1'), { role: 'leader', term, commit })
  t.same(
    all.map((id) => cores.status(id).leader),
    all.map(() => 'n1'),
  )
})

/** Figure 8 (c), with the entry of term 4 at these as well as n1. @returns whether n5 can still win */
function canWinIn8(withFour: readonly NodeId[]): boolean {
  const had = (id: NodeId) => (withFour.includes(id) ? [1, 2, 4] : [1, 2])
  const logs = { n1: [1, 2, 4], n2: had('n2'), n3: withFour.includes('n3') ? [1, 2, 4] : [1, 2], n4: [1], n5: [1, 3] }
  const pasts = Object.fromEntries(Object.entries(logs).map(([id, log]) => [id, { log, term: 4 }]))
  return campaign(new Cores(elections, pasts), 'n5', ['n2', 'n3', 'n4'])
}

t.test('6: exercise 5, figure 8 with the empty entry', async (t) => {
  t.same([canWinIn8([]), canWinIn8(['n3']), canWinIn8(['n2', 'n3'])], [true, true, false])
})

t.test('6: what starts an election timer anew, and what does not', async (t: Test) => {
  /** Ticks until n3 stands, when it is asked for its vote in the middle of its time-out. */
  const patience = (asked: readonly number[], log: readonly number[]) => {
    const cores = new Cores(elections, { n3: { log: [1, 1] } })
    let ticks = 0
    for (; cores.status('n3').role === 'follower' && ticks < 10 * timing.electionTicks; ticks++) {
      if (asked.includes(ticks)) cores.receive(asking('n1', 2 + ticks, { index: log.length, term: log.at(-1) ?? 0 }))
      cores.tick('n3')
    }
    return ticks
  }
  const alone = patience([], [])
  t.equal(patience([5], []), alone, 'a refusal')
  t.equal(patience([5], [1, 1]), alone + 5, 'a vote')
})

/** Times of the product, in ticks. */
const usual = { heartbeatTicks: 10, electionTicks: 100 }

t.test('5: exercise 1, how many heartbeats may be lost', async (t) => {
  /** Checks whether n3 still believes in n1 when so many heartbeats were lost and the next one has come. */
  const believes = (lost: number) => {
    const cores = led(heartbeats, {}, usual)
    cores.tick('n1', usual.heartbeatTicks)
    cores.run()
    for (let tick = 0; tick < (lost + 1) * usual.heartbeatTicks; tick++) {
      cores.tick('n1')
      cores.tick('n3')
      if (cores.status('n3').leader === null) return false
      if (tick < lost * usual.heartbeatTicks) cores.take()
    }
    return true
  }
  t.same([believes(8), believes(10)], [true, false])
  const asleep = led(heartbeats, {}, usual)
  for (let second = 0; second < 10; second++) asleep.tick('n1', 100)
  asleep.run()
  t.equal(asleep.status('n3').leader, 'n1', 'exercise 2: it has lived through no tick')
})

t.test('5: a lost message is made good by the answer to the next heartbeat, as the picture has it', async (t) => {
  const cores = led(heartbeats)
  cores.request('n1')
  t.ok(cores.take({ type: 'AppendEntries', to: 'n3' }).length > 0)
  cores.run()
  cores.tick('n1', timing.heartbeatTicks)
  const [heartbeat] = cores.deliver({ type: 'AppendEntries', to: 'n3' })
  t.match(heartbeat, { entries: [], prevLogIndex: 0, leaderCommit: 1 })
  t.match(cores.deliver({ from: 'n3' }), [{ matchIndex: 0 }])
  const [again] = cores.deliver({ type: 'AppendEntries', to: 'n3' })
  t.match([again?.prevLogIndex, again?.entries?.length], [0, 1])
  t.match(cores.status('n3'), { commit: 1 })
})

const three = ['n1', 'n2', 'n3']
const joint = membersAre(['n1', 'n4', 'n5'], { outgoing: three })

t.test('8: exercise 1, which sets commit half-way', async (t) => {
  const commits = (set: string) => quorumOf(joint).has(new Set(set.split(' ')))
  const sets = ['n1 n2 n4', 'n1 n4 n5', 'n1 n2 n3', 'n2 n3 n4 n5', 'n1 n2 n5', 'n2 n3 n4']
  t.same(sets.map(commits), [true, false, false, true, true, false])
})

/** n1 has appended the joint entry, and died; only n4 has got it. */
function halfWay(): Cores {
  const before = { log: [1], commands: { 1: membersAre(three, { learners: ['n4', 'n5'] }) } }
  const half = { log: [1, 1], commands: { ...before.commands, 2: joint } }
  return apart(membership, { ...alike(['n2', 'n3', 'n5'], before), ...alike(['n1', 'n4'], half) })
}

t.test('8: exercise 2, who is elected in the middle of a change', async (t) => {
  const alive = ['n2', 'n3', 'n4', 'n5']
  const back = halfWay()
  t.ok(campaign(back, 'n2', ['n3']))
  pass(back, 3 * timing.heartbeatTicks, alive)
  t.equal(counts(back, 'n4'), 'n1 n2 n3 + n4 n5', 'the joint entry is taken back')
  const on = halfWay()
  t.ok(campaign(on, 'n4', ['n2', 'n3', 'n5']))
  pass(on, 5 * timing.heartbeatTicks, alive)
  t.equal(counts(on, 'n4'), 'n1 n4 n5', 'the change goes on')
  t.notOk(campaign(halfWay(), 'n4', ['n2', 'n5']), 'two of the old voters are needed')
  t.notOk(campaign(halfWay(), 'n5', ['n2', 'n3', 'n4']), 'a learner does not stand')
})

t.test('8: exercise 3, a leader that goes counts itself half-way, and not in the end', async (t) => {
  const cores = together(membership, three)
  const request = cores.request('n1', removing('n1'))
  passUntil(cores, () => counts(cores, 'n1') === 'n2 n3', three)
  pass(cores, timing.heartbeatTicks, ['n1', 'n2'])
  t.same([outcome(cores.answer('n1', request)), cores.status('n1').role], [null, 'leader'], 'n1 and n2 are one of two')
  pass(cores, 3 * timing.heartbeatTicks, three)
  t.same([outcome(cores.answer('n1', request)), cores.status('n1').role], ['ok', 'follower'])
})

t.test('8: exercise 4, a leader that was cut off a moment ago begins a change, and cannot end it', async (t) => {
  const cores = together(membership, all)
  const request = cores.request('n1', removing('n5'))
  pass(cores, 1, ['n1'])
  t.equal(configurations(cores, 'n1').length, 1)
  pass(cores, 2 * timing.electionTicks, ['n1'])
  t.equal(outcome(cores.answer('n1', request)), 'leadership_lost')
  t.equal(change(cores, 'n1', removing('n5'), ['n1']), 'no_leader')
})

/** Changes of two leaders, neither with an entry of its own term committed: which of two joint entries commit. */
t.test('8: two joint entries from the same old voters cannot both be committed', async (t) => {
  const ids = seven.map(({ id }) => id)
  const subsets = Array.from({ length: 2 ** ids.length }, (_, bits) => ids.filter((_, at) => bits & (2 ** at)))
  const first = quorumOf(membersAre(['n1', 'n4', 'n5'], { outgoing: three }))
  const second = quorumOf(membersAre(['n2', 'n6', 'n7'], { outgoing: three }))
  const [ofFirst, ofSecond] = [first, second].map((quorum) => subsets.filter((set) => quorum.has(new Set(set))))
  const areApart = ofFirst!.filter((set) => ofSecond!.some((other) => !other.some((id) => set.includes(id))))
  t.same(areApart, [])
})
