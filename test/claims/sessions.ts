import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Answer, Timing } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

const others = ['n2', 'n3', 'n4', 'n5']
const append = { command: 'append', key: 'k', value: 'x' }
const another = { command: 'append', key: 'k', value: 'y' }
const cas = { command: 'cas', key: 'k', expected: 'a', value: 'b' }
const open = { command: 'open_session' }

const numbered = (session: number, sequence: number, firstOutstanding = 1) => ({ session, sequence, firstOutstanding })

/** Everything is said, and everybody has heard how far all is committed. */
function rest(cores: Cores, leader = 'n1', among: readonly string[] = cores.ids): void {
  for (let interval = 0; interval < 2; interval++) {
    cores.run(among)
    cores.tick(leader, timing.heartbeatTicks)
  }
  cores.run(among)
}

const answerTo = (cores: Cores, request: number, id = 'n1'): Answer | null =>
  cores.acts(id).answers.get(request) ?? cores.answer(id, request)

/** Asks n1, or another, and waits. @returns the answer */
function asked(cores: Cores, command: typeof append | typeof cas | typeof open, envelope?: object, id = 'n1') {
  const request = cores.request(id, command, { ...envelope })
  rest(cores, id)
  return answerTo(cores, request, id)
}

function opened(cores: Cores, id = 'n1'): number {
  const answer = asked(cores, open, undefined, id)
  ok(answer?.ok)
  return Number(answer.session)
}

function started(stage: Stage, limits: Partial<Timing> = {}) {
  const cores = led(stage, {}, limits)
  return { cores, session: opened(cores) }
}

const codeOf = (answer: Answer | null) => (answer && !answer.ok ? [answer.error.code, answer.error.definite] : answer)
const sessionsOf = (cores: Cores, ids: readonly string[] = cores.ids) => ids.map((id) => cores.status(id).sessions)
/** The number of commands that each state machine has performed. */
const timesDone = (cores: Cores, ids: readonly string[] = cores.ids) => ids.map((id) => cores.acts(id).done.length)

/** Writes on until a node saves a snapshot, which it does then. */
function snapshotAt(cores: Cores, ids: readonly string[]): void {
  for (let count = 0; count < 40 && ids.some((id) => !cores.saving(id)); count++) asked(cores, append)
  for (const id of ids) cores.save(id)
}

/** A node leads after all have heard everything, and a client asks it for a copy. */
function copyAt(cores: Cores, id: string, envelope: object): Answer | null {
  ok(
    campaign(
      cores,
      id,
      cores.ids.filter((one) => one !== id),
    ),
  )
  rest(cores, id)
  return asked(cores, append, envelope, id)
}

/** Thesis §6.3: how a call that is asked again is performed once. */
export const sessionClaims: Claims = {
  'a session is opened by an entry, and the index of that entry is its name; all nodes know it'(stage) {
    const cores = led(stage)
    equal(opened(cores), cores.log('n1').length)
    same(sessionsOf(cores), [1, 1, 1, 1, 1])
  },
  'a call that is asked twice is performed once, and both answers are the same'(stage) {
    const { cores, session } = started(stage)
    const first = asked(cores, append, numbered(session, 1))
    ok(first?.ok)
    same(asked(cores, append, numbered(session, 1)), first)
    same(timesDone(cores), [1, 1, 1, 1, 1])
  },
  'copies are found where the log is performed: two may be in it before either is committed'(stage) {
    const { cores, session } = started(stage)
    const requests = [1, 2].map(() => cores.request('n1', append, numbered(session, 1)))
    rest(cores)
    same(timesDone(cores), [1, 1, 1, 1, 1])
    const [first, second] = requests.map((request) => answerTo(cores, request))
    ok(first?.ok)
    same(second, first)
  },
  'a new leader takes a copy of what its predecessor left in the log, and has not performed it yet'(stage) {
    const { cores, session } = started(stage)
    cores.request('n1', append, numbered(session, 1))
    cores.deliver({ type: 'AppendEntries' })
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    const copy = cores.request('n2', append, numbered(session, 1))
    rest(cores, 'n2', others)
    same(timesDone(cores, others), [1, 1, 1, 1])
    ok(answerTo(cores, copy, 'n2')?.ok)
  },
  'the sessions are in the snapshot: who starts from one answers a copy as it was answered before'(stage) {
    const { cores, session } = started(stage)
    const first = asked(cores, append, numbered(session, 1))
    snapshotAt(cores, ['n2'])
    ok(cores.snapshot('n2')!.index > session + 1)
    cores.crash('n2')
    const done = cores.acts('n2').done.length
    equal(cores.status('n2').sessions, 1)
    same(copyAt(cores, 'n2', numbered(session, 1)), first)
    ok(cores.acts('n2').done.length <= done + cores.log('n2').length)
    equal(cores.acts('n2').done.includes(cores.log('n2').length), false)
  },
  'an installed snapshot brings the sessions along, and the answers in them'(stage) {
    const { cores, session } = started(stage)
    const without = ['n1', 'n2', 'n3', 'n4']
    const request = cores.request('n1', append, numbered(session, 1))
    cores.take({ to: 'n5' })
    for (let count = 0; count < 60 && cores.status('n1').log!.first <= session + 1; count++) {
      cores.request('n1', another)
      rest(cores, 'n1', without)
      if (cores.saving('n1')) cores.save('n1')
    }
    ok(cores.status('n1').log!.first > session + 1)
    for (let interval = 0; interval < 20 && cores.restored('n5').length === 0; interval++) rest(cores)
    ok(cores.restored('n5').length > 0)
    equal(cores.status('n5').sessions, 1)
    same(copyAt(cores, 'n5', numbered(session, 1)), answerTo(cores, request))
    equal(cores.acts('n5').done.includes(cores.status('n5').log!.last), false)
  },
  'equal tables make equal snapshots: nothing in them is of one node alone'(stage) {
    const { cores, session } = started(stage)
    for (let sequence = 1; sequence <= 3; sequence++)
      asked(cores, append, numbered(session, sequence, Math.min(sequence, 2)))
    cores.tick('n3', 5)
    snapshotAt(cores, ['n1', 'n2', 'n3'])
    const [first, ...rests] = ['n1', 'n2', 'n3'].map((id) => cores.snapshot(id)!.sha256)
    for (const one of rests) equal(one, first)
  },
  'several calls may be under way, and come in any order: each is performed once'(stage) {
    const { cores, session } = started(stage)
    for (const sequence of [3, 1, 2, 3, 1]) ok(asked(cores, append, numbered(session, sequence))?.ok)
    same(timesDone(cores), [3, 3, 3, 3, 3])
  },
  'a call has one outcome: a refusal is remembered like any answer'(stage) {
    const { cores, session } = started(stage)
    const first = asked(cores, cas, numbered(session, 1))
    same(codeOf(first), ['cas_mismatch', true])
    same(asked(cores, cas, numbered(session, 1)), first)
    same(timesDone(cores), [1, 1, 1, 1, 1])
  },
  'a number that is too far ahead is refused, and so are all copies, wherever the others are by then'(stage) {
    const { cores, session } = started(stage)
    const far = 1_025
    for (const firstOutstanding of [1, far, 1]) {
      const answer = asked(cores, append, numbered(session, far, firstOutstanding))
      same(codeOf(answer), ['bad_sequence', true])
    }
    same(timesDone(cores), [0, 0, 0, 0, 0])
  },
  'an answer that the client waits for no more is forgotten, and a late copy is not done again'(stage) {
    const { cores, session } = started(stage)
    ok(asked(cores, append, numbered(session, 1))?.ok)
    ok(asked(cores, append, numbered(session, 2, 2))?.ok)
    same(codeOf(asked(cores, append, numbered(session, 1))), ['answer_forgotten', false])
    same(timesDone(cores), [2, 2, 2, 2, 2])
  },
  'the same number in another session is another call'(stage) {
    const { cores, session } = started(stage)
    const [first, second] = [session, opened(cores)].map((one) => asked(cores, append, numbered(one, 1)))
    ok(first?.ok && second?.ok && first.at !== second.at)
    same(timesDone(cores), [2, 2, 2, 2, 2])
  },
  'another command under a number that was used is a mistake: it is refused, and not done'(stage) {
    const { cores, session } = started(stage)
    ok(asked(cores, append, numbered(session, 1))?.ok)
    same(codeOf(asked(cores, another, numbered(session, 1))), ['bad_sequence', true])
    same(timesDone(cores), [1, 1, 1, 1, 1])
  },
  'a write of no session is performed each time that it is asked, as before'(stage) {
    const { cores } = started(stage)
    for (let time = 0; time < 3; time++) ok(asked(cores, append)?.ok)
    same(timesDone(cores), [3, 3, 3, 3, 3])
  },
}

/** Lets time pass at the leader, which hears its followers. */
function pass(cores: Cores, ticks: number, leader = 'n1', among: readonly string[] = cores.ids): void {
  for (let tick = 0; tick < ticks; tick += timing.heartbeatTicks) {
    cores.tick(leader, timing.heartbeatTicks)
    cores.run(among)
  }
}

/** Thesis §6.3: how sessions end. */
export const sessionEndClaims: Claims = {
  'a session ends by an entry of the log, at the same place on all nodes, and by no clock of its own'(stage) {
    const { cores, session } = started(stage, { sessionTicks: 60 })
    const most = ['n1', 'n2', 'n3', 'n4']
    cores.tick('n5', 100)
    cores.take()
    equal(cores.status('n5').sessions, 1, 'time alone ends none')
    for (let tick = 0; tick < 100 && cores.log('n1').length === session; tick++) {
      cores.tick('n1')
      if (tick % timing.heartbeatTicks === 0) cores.run(most)
    }
    equal(cores.log('n1').length, session + 1)
    same(sessionsOf(cores, most), [1, 1, 1, 1], 'it is not committed yet')
    cores.run(most)
    cores.tick('n1', timing.heartbeatTicks)
    cores.run(most)
    same(sessionsOf(cores, most), [0, 0, 0, 0])
  },
  'a call of a session that has ended is not performed; nobody knows any more what became of its copies'(stage) {
    const { cores, session } = started(stage, { sessionTicks: 30 })
    ok(asked(cores, append, numbered(session, 1))?.ok)
    pass(cores, 60)
    rest(cores)
    same(sessionsOf(cores), [0, 0, 0, 0, 0])
    same(codeOf(asked(cores, append, numbered(session, 1))), ['session_expired', false])
    same(timesDone(cores), [1, 1, 1, 1, 1])
  },
  'a session that never was is one that has ended'(stage) {
    const cores = led(stage)
    same(codeOf(asked(cores, append, numbered(4_711, 1))), ['session_expired', false])
    same(timesDone(cores), [0, 0, 0, 0, 0])
  },
  'the time of sessions stands still while nobody leads: an election ends none'(stage) {
    const { cores } = started(stage, { sessionTicks: 100 })
    for (let tick = 0; tick < 300; tick++) {
      for (const id of others) cores.tick(id)
      cores.take()
    }
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5'], 50))
    rest(cores, 'n2', others)
    same(sessionsOf(cores, others), [1, 1, 1, 1])
    pass(cores, 120, 'n2', others)
    rest(cores, 'n2', others)
    same(sessionsOf(cores, others), [0, 0, 0, 0], 'and goes on with the next leader')
  },
  'where there are as many sessions as may be, a new one takes the place of that unused for longest'(stage) {
    const { cores, session } = started(stage, { sessionTicks: 300 })
    const later = [2, 3, 4].map(() => opened(cores))
    same(codeOf(asked(cores, open)), ['overloaded', true], 'all are in use')
    pass(cores, 60)
    ok(asked(cores, append, numbered(later[0]!, 1))?.ok)
    ok(asked(cores, open)?.ok)
    same(sessionsOf(cores), [4, 4, 4, 4, 4])
    same(codeOf(asked(cores, append, numbered(session, 1))), ['session_expired', false])
    same(asked(cores, append, numbered(later[0]!, 2))?.ok, true)
  },
  'where answers take too much room, the session that has the most of them ends, by an entry'(stage) {
    const { cores, session } = started(stage, { sessionBytes: 600 })
    const other = opened(cores)
    ok(asked(cores, append, numbered(other, 1))?.ok)
    for (let sequence = 1; sequence <= 3; sequence++) ok(asked(cores, append, numbered(session, sequence))?.ok)
    for (let sequence = 4; sequence <= 8; sequence++) asked(cores, append, numbered(session, sequence))
    rest(cores)
    same(sessionsOf(cores), [1, 1, 1, 1, 1])
    same(codeOf(asked(cores, append, numbered(session, 1))), ['session_expired', false])
    ok(asked(cores, append, numbered(other, 1))?.ok)
  },
}
