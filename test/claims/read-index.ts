import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import type { Reading } from '../helpers/hand.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

const get = { command: 'get', key: 'k' }
const followers = ['n2', 'n3', 'n4', 'n5']

const ask = (cores: Cores, id: string, envelope?: object) => cores.request(id, get, { ...envelope })
const readingOf = (cores: Cores, id: string, request: number): Reading | undefined =>
  cores.acts(id).readings.find((one) => one.request === request)
const isAnswered = (cores: Cores, id: string, request: number) => readingOf(cores, id, request) !== undefined

function codeOf(cores: Cores, id: string, request: number) {
  const answer = cores.answer(id, request)
  return answer && !answer.ok ? [answer.error.code, answer.error.definite] : null
}

const commitOf = (cores: Cores, id: string) => cores.status(id).commit!

/** A heartbeat's time passes at the leader, and everything is said. */
function beat(cores: Cores, leader = 'n1', among: readonly string[] = cores.ids): void {
  cores.tick(leader, timing.heartbeatTicks)
  cores.run(among)
}

/** Confirmations of the round under way, from these, which are in the air then. */
function confirmations(cores: Cores, from: readonly string[]): void {
  for (const to of from) cores.deliver({ type: 'ConfirmLeader', to })
  cores.take({ type: 'ConfirmLeader' })
}

/** n1 has committed and performed a write of which the followers do not know yet that it is committed. */
function ahead(stage: Stage): Cores {
  const cores = led(stage)
  beat(cores)
  cores.request('n1')
  cores.deliver({ type: 'AppendEntries' })
  cores.deliver({ to: 'n1' })
  cores.take()
  ok(cores.status('n1').applied > cores.status('n2').applied)
  return cores
}

/** Messages of rounds that were heard. */
function roundsAsked({ heard }: Cores) {
  return heard.filter((message): message is AnyMessage & { round: number } => message.type === 'ConfirmLeader')
}

/** The answer to n2's question, which it has not heard yet. */
function answerOnItsWay(cores: Cores): AnyMessage {
  cores.deliver({ type: 'ReadIndex' })
  cores.deliver({ type: 'ConfirmLeader' })
  cores.deliver({ type: 'LeaderConfirmed' })
  const [reply] = cores.take({ type: 'ReadIndexReply' })
  ok(reply)
  return reply
}

/** Thesis §6.4: how a leader answers a read without an entry. */
export const readClaims: Claims = {
  'a read is no entry, and waits for no disk'(stage) {
    const cores = led(stage)
    const before = cores.ids.map((id) => cores.log(id))
    for (const id of cores.ids) cores.slow(id)
    const request = ask(cores, 'n1')
    cores.run()
    ok(isAnswered(cores, 'n1', request))
    same(
      cores.ids.map((id) => [cores.log(id), cores.unsynced(id)]),
      before.map((log) => [log, 0]),
    )
  },
  'no read is answered before an entry of the own term is committed (step 1)'(stage) {
    const cores = led(stage)
    cores.request('n1')
    cores.deliver({ type: 'AppendEntries' })
    cores.deliver({ to: 'n1' })
    cores.take()
    const committed = commitOf(cores, 'n1')
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.take()
    ok(commitOf(cores, 'n2') < committed, 'it has the entry, and does not know that it is committed')
    const request = ask(cores, 'n2')
    confirmations(cores, ['n3', 'n4', 'n5'])
    cores.deliver({ type: 'LeaderConfirmed' })
    equal(isAnswered(cores, 'n2', request), false)
    for (let interval = 0; interval < 4; interval++) beat(cores, 'n2', followers)
    const { behind } = readingOf(cores, 'n2', request)!
    ok(behind >= committed)
  },
  'a read sees all that was committed when it came (steps 2 and 4)'(stage) {
    const cores = ahead(stage)
    const request = ask(cores, 'n1')
    cores.run()
    equal(readingOf(cores, 'n1', request)!.behind, commitOf(cores, 'n1'))
  },
  'a leader answers a read when a majority has said since that it leads (step 3)'(stage) {
    const cores = led(stage)
    const request = ask(cores, 'n1')
    equal(cores.air.filter(({ type }) => type === 'ConfirmLeader').length, 4)
    confirmations(cores, ['n2', 'n3'])
    equal(isAnswered(cores, 'n1', request), false, 'nobody has answered yet')
    cores.deliver({ type: 'LeaderConfirmed', from: 'n2' })
    equal(isAnswered(cores, 'n1', request), false, 'two of five')
    cores.deliver({ type: 'LeaderConfirmed', from: 'n3' })
    ok(isAnswered(cores, 'n1', request))
  },
  'one that confirms twice is one'(stage) {
    const cores = led(stage)
    const request = ask(cores, 'n1')
    confirmations(cores, ['n2'])
    const [said] = cores.take({ type: 'LeaderConfirmed' }) as [AnyMessage]
    for (let time = 0; time < 3; time++) cores.receive(said)
    equal(isAnswered(cores, 'n1', request), false)
  },
  'an answer to an earlier round says nothing of this one'(stage) {
    const cores = led(stage)
    ask(cores, 'n1')
    confirmations(cores, followers)
    const late = cores.take({ type: 'LeaderConfirmed' })
    for (const message of late) cores.receive(message)
    const request = ask(cores, 'n1')
    cores.take()
    for (const message of late) cores.receive(message)
    equal(isAnswered(cores, 'n1', request), false)
  },
  'a read that comes while a round is under way waits for the next'(stage) {
    const cores = led(stage)
    const first = ask(cores, 'n1')
    const late = ask(cores, 'n1')
    confirmations(cores, followers)
    cores.deliver({ type: 'LeaderConfirmed' })
    same([isAnswered(cores, 'n1', first), isAnswered(cores, 'n1', late)], [true, false])
    cores.run()
    ok(isAnswered(cores, 'n1', late))
  },
  'reads that wait share one round'(stage) {
    const cores = led(stage)
    const requests = Array.from({ length: 20 }, () => ask(cores, 'n1'))
    cores.run()
    for (const request of requests) ok(isAnswered(cores, 'n1', request))
    equal(new Set(roundsAsked(cores).map(({ round }) => round)).size, 2, 'one for the first, one for all others')
  },
  'a round asks a majority, and at the next tick all others if one of them is silent'(stage) {
    const cores = led(stage)
    ask(cores, 'n1')
    confirmations(cores, ['n4', 'n5'])
    cores.run()
    const asked = () => cores.air.filter(({ type }) => type === 'ConfirmLeader').map(({ to }) => to)
    const request = ask(cores, 'n1')
    same(asked(), ['n4', 'n5'], 'those that confirmed the last round')
    confirmations(cores, ['n4'])
    cores.deliver({ type: 'LeaderConfirmed' })
    cores.tick('n1')
    same(asked(), ['n2', 'n3', 'n5'])
    confirmations(cores, ['n2'])
    cores.deliver({ type: 'LeaderConfirmed' })
    ok(isAnswered(cores, 'n1', request))
    ask(cores, 'n1')
    same(asked(), ['n2', 'n4'], 'n5 is left out from now on')
  },
  'what is lost of a round is made good after a heartbeat'(stage) {
    const cores = led(stage)
    const request = ask(cores, 'n1')
    cores.take()
    beat(cores)
    ok(isAnswered(cores, 'n1', request))
  },
  'a leader that was deposed, and does not know it, answers no read'(stage) {
    const cores = led(stage)
    ok(campaign(cores, 'n3', ['n2', 'n4', 'n5']))
    cores.request('n3')
    for (let interval = 0; interval < 2; interval++) beat(cores, 'n3', followers)
    const request = ask(cores, 'n1')
    equal(cores.status('n1').role, 'leader')
    for (let tick = 0; tick < 2 * timing.requestTimeoutTicks; tick++) {
      cores.tick('n1')
      cores.take({ from: 'n1' })
    }
    equal(isAnswered(cores, 'n1', request), false)
    equal(codeOf(cores, 'n1', request)?.[1], true)
  },
  'a leader that loses its office refuses the reads that wait, for certain: they did no harm'(stage) {
    const cores = led(stage)
    const request = ask(cores, 'n1')
    cores.take()
    ok(campaign(cores, 'n3', ['n2', 'n4', 'n5']))
    cores.run()
    equal(cores.status('n1').role, 'follower')
    same(codeOf(cores, 'n1', request), ['no_leader', true])
    equal(isAnswered(cores, 'n1', request), false)
  },
}

/** Thesis §6.4: how followers answer reads, and stale answers. */
export const followerReadClaims: Claims = {
  'any node answers: it asks its leader for the read index, and performs that much before it reads'(stage) {
    const cores = ahead(stage)
    const commit = commitOf(cores, 'n1')
    const request = ask(cores, 'n2')
    cores.receive(answerOnItsWay(cores))
    equal(isAnswered(cores, 'n2', request), false, 'n2 has not performed it yet')
    beat(cores)
    beat(cores)
    ok(readingOf(cores, 'n2', request)!.behind >= commit)
  },
  'its own commit index is not enough: cut off from its leader it answers nothing'(stage) {
    const cores = ahead(stage)
    const request = ask(cores, 'n2')
    for (let tick = 0; tick < timing.heartbeatTicks * 2; tick++) {
      cores.tick('n2')
      cores.take()
    }
    equal(isAnswered(cores, 'n2', request), false)
  },
  'the leader answers such a question when it is confirmed, as for its own reads'(stage) {
    const cores = ahead(stage)
    ask(cores, 'n2')
    cores.deliver({ type: 'ReadIndex' })
    equal(cores.air.filter(({ type }) => type === 'ReadIndexReply').length, 0)
    confirmations(cores, ['n2'])
    cores.deliver({ type: 'LeaderConfirmed' })
    equal(cores.air.filter(({ type }) => type === 'ReadIndexReply').length, 0)
  },
  'a follower that asks while a round is under way waits for the next'(stage) {
    const cores = ahead(stage)
    ask(cores, 'n1')
    ask(cores, 'n2')
    cores.deliver({ type: 'ReadIndex' })
    confirmations(cores, followers)
    cores.deliver({ type: 'LeaderConfirmed' })
    equal(cores.take({ type: 'ReadIndexReply' }).length, 0)
    confirmations(cores, followers)
    cores.deliver({ type: 'LeaderConfirmed' })
    equal(cores.take({ type: 'ReadIndexReply' }).length, 1)
  },
  'an answer to another question counts for nothing'(stage) {
    const cores = led(stage)
    beat(cores)
    ask(cores, 'n2')
    const late = answerOnItsWay(cores)
    cores.receive(late)
    const request = ask(cores, 'n2')
    cores.take()
    cores.receive(late)
    equal(isAnswered(cores, 'n2', request), false)
  },
  'an answer to a question of an earlier life counts for nothing'(stage) {
    const cores = led(stage)
    ask(cores, 'n2')
    const late = answerOnItsWay(cores)
    cores.chance = 0.25
    cores.crash('n2')
    beat(cores)
    beat(cores)
    const request = ask(cores, 'n2')
    equal(cores.take({ type: 'ReadIndex' }).length, 1)
    cores.take()
    cores.receive(late)
    equal(isAnswered(cores, 'n2', request), false)
  },
  'a lost question is asked again after a heartbeat, and so it is when another leads'(stage) {
    const cores = led(stage)
    beat(cores)
    const [first, second] = [ask(cores, 'n2'), ask(cores, 'n4')]
    cores.take()
    cores.tick('n2', timing.heartbeatTicks)
    cores.run()
    ok(isAnswered(cores, 'n2', first))
    ok(campaign(cores, 'n3', ['n2', 'n5']))
    cores.take({ type: 'RequestVote' })
    for (let interval = 0; interval < 2; interval++) beat(cores, 'n3', followers)
    ok(isAnswered(cores, 'n4', second))
  },
  'where nobody leads a read is refused for certain'(stage) {
    const cores = led(stage)
    cores.crash('n2')
    same(codeOf(cores, 'n2', ask(cores, 'n2')), ['no_leader', true])
  },
  'a stale read is answered by whoever is asked, and says what it holds and how old that may be'(stage) {
    const cores = led(stage)
    beat(cores)
    cores.tick('n2', 2)
    const request = ask(cores, 'n2', { consistency: 'stale' })
    const { behind, fields } = readingOf(cores, 'n2', request)!
    same([behind, fields.index], [cores.status('n2').applied, behind])
    equal(fields.ageMs, 2 * timing.tickMs)
    cores.crash('n5')
    same(readingOf(cores, 'n5', ask(cores, 'n5', { consistency: 'stale' }))?.fields, { index: 0 })
  },
  'what a follower has not performed yet makes its answers older, however often it hears of it'(stage) {
    const cores = ahead(stage)
    cores.tick('n1', timing.heartbeatTicks)
    const beats = cores.take({ type: 'AppendEntries', to: 'n2' })
    const request = ask(cores, 'n2', { consistency: 'stale' })
    ok(beats.length > 0)
    ok(readingOf(cores, 'n2', request)!.behind < commitOf(cores, 'n1'))
  },
  'a read waits until as much is performed as its client asks for, and is refused for certain if never'(stage) {
    const cores = led(stage)
    const next = commitOf(cores, 'n1') + 1
    for (const consistency of ['stale', 'linearizable']) {
      const waits = ask(cores, 'n1', { consistency, atLeast: next + 50 })
      for (let tick = 0; tick <= timing.requestTimeoutTicks + timing.heartbeatTicks; tick += timing.heartbeatTicks) {
        cores.run()
        equal(isAnswered(cores, 'n1', waits), false)
        cores.tick('n1', timing.heartbeatTicks)
      }
      same(codeOf(cores, 'n1', waits), ['timeout', true])
    }
    const request = ask(cores, 'n2', { consistency: 'stale', atLeast: next })
    equal(isAnswered(cores, 'n2', request), false)
    cores.request('n1')
    cores.run()
    beat(cores)
    ok(readingOf(cores, 'n2', request)!.behind >= next)
  },
  'who asks for it is told the index of a write, and up to where a read has looked'(stage) {
    const cores = led(stage)
    const write = cores.request('n1', { command: 'set', key: 'k', value: 'v' }, { withIndex: true })
    cores.run()
    const answer = cores.acts('n1').answers.get(write)
    ok(answer?.ok)
    equal(answer.index, cores.log('n1').length)
    const read = ask(cores, 'n1', { withIndex: true })
    cores.run()
    equal(readingOf(cores, 'n1', read)!.fields.index, cores.log('n1').length)
    const plain = ask(cores, 'n1')
    cores.run()
    same(readingOf(cores, 'n1', plain)!.fields, {})
  },
}
