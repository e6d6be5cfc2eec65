import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { saved } from './compaction.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

const set = { command: 'set', key: 'k', value: 'v' }

interface Place {
  readonly index: number
  readonly term: number
}

/** The last entry of a node's log. */
function lastOf(cores: Cores, id = 'n1'): Place {
  const { log, term } = cores.status(id)
  return { index: log!.last, term: cores.log(id).at(-1) ?? term! }
}

/** Asks for a command behind a place. */
function behind(cores: Cores, { index, term }: Place, id = 'n1', envelope = {}): number {
  return cores.request(id, set, { prevLogIndex: index, prevLogTerm: term, ...envelope })
}

/** The answer of the rules, or of the state machine; null while the request waits. */
function answerOf(cores: Cores, id: string, request: number) {
  return cores.answer(id, request) ?? cores.acts(id).answers.get(request) ?? null
}

function codeOf(cores: Cores, id: string, request: number) {
  const answer = answerOf(cores, id, request)
  return answer && !answer.ok ? [answer.error.code, answer.error.definite, answer.error.last] : answer
}

function isRefused(cores: Cores, id: string, request: number): void {
  const answer = answerOf(cores, id, request)
  equal(answer && !answer.ok && answer.error.code, 'guard_failed')
}

/** A command that is done. @returns its place */
function done(cores: Cores, id = 'n1'): Place {
  const request = cores.request(id, set)
  cores.run()
  ok(answerOf(cores, id, request)?.ok)
  return lastOf(cores, id)
}

/** A command stands behind the place that its client names: a log with compare-and-append. */
export const guardClaims: Claims = {
  'a command stands behind the entry that its client names, or it is refused, and the log stays as it is'(stage) {
    const cores = led(stage)
    const first = done(cores)
    const request = behind(cores, first)
    cores.run()
    same(answerOf(cores, 'n1', request), { ok: true, at: first.index + 1 })
    const last = lastOf(cores)
    for (const place of [first, { index: last.index + 1, term: last.term }]) {
      const refused = behind(cores, place)
      same(codeOf(cores, 'n1', refused), ['guard_failed', true, last])
    }
    same(lastOf(cores), last)
    const byIndex = cores.request('n1', set, { prevLogIndex: last.index })
    cores.run()
    ok(answerOf(cores, 'n1', byIndex)?.ok)
  },
  'of two clients that name one entry one is refused, also while the entry of the other is not committed'(stage) {
    const cores = led(stage)
    const place = done(cores)
    const requests = [behind(cores, place), behind(cores, place)] as const
    isRefused(cores, 'n1', requests[1])
    cores.run()
    ok(answerOf(cores, 'n1', requests[0])?.ok)
    equal(lastOf(cores).index, place.index + 1)
  },
  'entries of the cluster’s own do not count: a client that never sees them names the last command'(stage) {
    const cores = led(stage)
    const place = done(cores)
    cores.request('n1', { command: 'open_session' })
    cores.run()
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.run()
    equal(lastOf(cores, 'n2').index, place.index + 2, 'a session, and the first entry of an office')
    const request = behind(cores, place, 'n2')
    cores.run()
    same(answerOf(cores, 'n2', request), { ok: true, at: place.index + 3 })
    isRefused(cores, 'n2', behind(cores, place, 'n2'))
  },
  'the beginning is a place as well, for as long as the log has no command'(stage) {
    const cores = led(stage)
    const request = behind(cores, { index: 0, term: 0 })
    cores.run()
    ok(answerOf(cores, 'n1', request)?.ok)
    isRefused(cores, 'n1', behind(cores, { index: 0, term: 0 }))
  },
  'an index with another term is another entry: the one that the client names was taken back'(stage) {
    const cores = led(stage)
    cores.request('n1', set)
    const lost = lastOf(cores)
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.run()
    const first = lastOf(cores, 'n2')
    equal(first.index, lost.index)
    same(codeOf(cores, 'n2', behind(cores, lost, 'n2')), ['guard_failed', true, first])
    const request = behind(cores, first, 'n2')
    cores.run()
    ok(answerOf(cores, 'n2', request)?.ok)
  },
  'behind a place that a snapshot holds nobody can look: it is refused, and the end of the log is named'(stage) {
    const cores = saved(stage, 2)
    const edge = cores.status('n1').log!.first - 1
    ok(edge > 1, 'the log has let go of its beginning')
    const last = lastOf(cores)
    same(codeOf(cores, 'n1', behind(cores, { index: edge - 1, term: last.term })), ['guard_failed', true, last])
    const request = behind(cores, last)
    cores.run()
    ok(answerOf(cores, 'n1', request)?.ok)
  },
  'a node that passes a command on passes its place on, and the leader compares'(stage) {
    const cores = led(stage)
    const place = done(cores)
    const request = behind(cores, place, 'n2', { forward: true })
    const other = behind(cores, place, 'n3', { forward: true, withIndex: true })
    const messages = cores.take({ type: 'ForwardRequest' })
    equal(messages.length, 2)
    for (const message of messages.reverse()) cores.receive(message)
    cores.receive(messages[0]!)
    cores.run()
    same(answerOf(cores, 'n3', other), { ok: true, at: place.index + 1, index: place.index + 1 })
    same(codeOf(cores, 'n2', request), ['guard_failed', true, { index: place.index + 1, term: place.term }])
  },
  'a command that waits for the end of a hand-over is compared then'(stage) {
    const cores = led(stage)
    const place = done(cores)
    cores.request('n1', { command: 'transfer_leader', to: 'n3' })
    const requests = [behind(cores, place), behind(cores, place)]
    for (let tick = 0; tick <= 2 * timing.electionTicks; tick++) {
      cores.take({ to: 'n3' })
      cores.run(['n1', 'n2', 'n4', 'n5'])
      cores.tick('n1')
    }
    cores.run(['n1', 'n2', 'n4', 'n5'])
    const outcomes = requests.map((one) => answerOf(cores, 'n1', one)?.ok)
    same(outcomes, [true, false])
  },
}

/** Requests that are more than a command, or none of the application, at any node. */
export const passedOnClaims: Claims = {
  'a call of a session is passed on with its number: a copy at another node has the answer of the first'(stage) {
    const cores = led(stage)
    const opening = cores.request('n2', { command: 'open_session' }, { forward: true })
    cores.run()
    const answer = answerOf(cores, 'n2', opening) as { session?: number } | null
    ok(answer?.session)
    const call = { session: answer.session, sequence: 1, firstOutstanding: 1, forward: true }
    const calls = ['n2', 'n3', 'n1'].map((id) => {
      const request = cores.request(id, set, call)
      cores.run()
      return answerOf(cores, id, request)
    })
    ok(calls[0]?.ok)
    same(calls[1], calls[0])
    same(calls[2], calls[0])
  },
  'a change of members may be asked of any node, and so may a hand-over'(stage) {
    const cores = led(stage)
    const leaving = cores.request('n2', { command: 'remove_node', node: 'n5' }, { forward: true })
    for (let tick = 0; tick < 4 * timing.heartbeatTicks && !answerOf(cores, 'n2', leaving); tick++) {
      cores.run()
      for (const id of ['n1', 'n2', 'n3', 'n4']) cores.tick(id)
    }
    ok(answerOf(cores, 'n2', leaving)?.ok, JSON.stringify(answerOf(cores, 'n2', leaving)))
    const handing = cores.request('n3', { command: 'transfer_leader', to: 'n4' }, { forward: true })
    for (let tick = 0; tick < 4 * timing.heartbeatTicks && !answerOf(cores, 'n3', handing); tick++) {
      cores.run()
      for (const id of ['n1', 'n2', 'n3', 'n4']) cores.tick(id)
    }
    equal(cores.status('n4').role, 'leader')
    ok(answerOf(cores, 'n3', handing), 'its client hears of it')
  },
  'a node has another part in the cluster, whichever node was asked for it'(stage) {
    const cores = led(stage)
    for (const [command, voters] of [
      ['demote', 4],
      ['promote', 5],
    ] as const) {
      const asked = cores.request('n2', { command, node: 'n5' }, { forward: true })
      for (let tick = 0; tick < 4 * timing.heartbeatTicks && !answerOf(cores, 'n2', asked); tick++) {
        cores.run()
        for (const id of ['n1', 'n2', 'n3', 'n4', 'n5']) cores.tick(id)
      }
      const answer = answerOf(cores, 'n2', asked) as { voters?: string[] } | null
      equal(answer?.voters?.length, voters, JSON.stringify(answer))
    }
  },
  'a change that is passed on is waited for longer than a write'(stage) {
    const cores = led(stage)
    const change = cores.request('n2', { command: 'remove_node', node: 'n5' }, { forward: true })
    const write = cores.request('n2', set, { forward: true })
    for (let tick = 0; tick <= timing.requestTimeoutTicks; tick++) {
      cores.tick('n2')
      cores.tick('n1')
      cores.take({ from: 'n2', to: 'n1', type: 'Forward' })
      cores.take({ from: 'n2', to: 'n1', type: 'ForwardRequest' })
      cores.run()
    }
    same(codeOf(cores, 'n2', write), ['timeout', false, undefined])
    equal(answerOf(cores, 'n2', change), null)
  },
}
