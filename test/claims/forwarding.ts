import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

const set = { command: 'set', key: 'k', value: 'v' }
const cas = { command: 'cas', key: 'k', expected: 'x', value: 'v' }
const followers = ['n2', 'n3', 'n4', 'n5']

const forward = (cores: Cores, id = 'n2', envelope = {}) => cores.request(id, set, { forward: true, ...envelope })

function codeOf(cores: Cores, id: string, request: number) {
  const answer = cores.answer(id, request)
  return answer && !answer.ok ? [answer.error.code, answer.error.definite] : answer
}

const entriesOf = (cores: Cores) => cores.status('n1').log!.last

/** A command that n2 has passed on, and that n1 has not heard yet. */
function onItsWay(cores: Cores): { request: number; message: AnyMessage } {
  const request = forward(cores)
  const [message] = cores.take({ type: 'Forward' })
  ok(message, 'n2 passes it on')
  return { request, message }
}

/** Time passes at n2, which hears nothing meanwhile. */
const wait = (cores: Cores, ticks: number) => cores.tick('n2', ticks)

/** All messages arrive but those that the leader answers with. */
function runWithoutReplies(cores: Cores): void {
  for (cores.take({ type: 'ForwardReply' }); cores.air.length > 0; cores.take({ type: 'ForwardReply' }))
    cores.receive(cores.air.shift()!)
}

/** Thesis §6.2: a node passes a client's command on to the leader. */
export const forwardClaims: Claims = {
  'a follower passes a command on to its leader, whose answer it gives to the client'(stage) {
    for (const id of followers) {
      const cores = led(stage)
      const before = entriesOf(cores)
      const request = forward(cores, id)
      cores.run()
      same(cores.answer(id, request), { ok: true, at: before + 1 })
      equal(entriesOf(cores), before + 1)
      const wantsIndex = forward(cores, id, { withIndex: true })
      cores.run()
      same(cores.answer(id, wantsIndex), { ok: true, at: before + 2, index: before + 2 })
      const refused = cores.request(id, cas, { forward: true, withIndex: true })
      cores.run()
      same(codeOf(cores, id, refused), ['cas_mismatch', true])
    }
  },
  'it does so only for a client that has asked for it, and a leader proposes itself'(stage) {
    const cores = led(stage)
    const request = cores.request('n2', set)
    cores.run()
    same(codeOf(cores, 'n2', request), ['not_leader', true])
    forward(cores, 'n1')
    equal(cores.take({ type: 'Forward' }).length, 0)
  },
  'a copy of a passed on command is no second entry, also when the first is answered, and when later ones have come'(
    stage,
  ) {
    const cores = led(stage)
    const { request, message } = onItsWay(cores)
    cores.receive(message)
    cores.receive(message)
    const before = entriesOf(cores)
    cores.run()
    same(cores.answer('n2', request), { ok: true, at: before })
    for (let later = 0; later < 3; later++) {
      forward(cores)
      cores.run()
      cores.receive(message)
    }
    cores.run()
    equal(entriesOf(cores), before + 3)
  },
  'commands that overtake each other are all proposed, each once'(stage) {
    const cores = led(stage)
    const before = entriesOf(cores)
    const requests = [forward(cores), forward(cores), forward(cores)]
    const messages = cores.take({ type: 'Forward' })
    for (const message of messages.reverse()) cores.receive(message)
    cores.run()
    for (const request of requests) ok(cores.answer('n2', request)?.ok)
    equal(entriesOf(cores), before + 3)
  },
  'no node leads: nothing is passed on, and the client is refused'(stage) {
    const cores = led(stage)
    wait(cores, 2 * timing.electionTicks)
    cores.take()
    const request = forward(cores)
    equal(cores.take({ type: 'Forward' }).length, 0)
    same(codeOf(cores, 'n2', request), ['no_leader', true])
  },
  'a command is passed on once: when another node leads, its outcome is unknown'(stage) {
    const cores = led(stage)
    const { request, message } = onItsWay(cores)
    ok(campaign(cores, 'n3', ['n2', 'n4', 'n5']))
    cores.run(followers)
    equal(cores.answer('n2', request), null, 'the old leader has a moment to answer')
    wait(cores, timing.heartbeatTicks + 1)
    cores.run(followers)
    same(codeOf(cores, 'n2', request), ['leadership_lost', false])
    cores.receive(message)
    cores.run()
    equal(cores.heard.filter(({ type }) => type === 'Forward').length, 1, 'nor does the next leader hear of it')
    equal(entriesOf(cores), cores.status('n3').log!.last)
  },
  'a leader that is deposed tells the node that asked: it does not know the outcome'(stage) {
    const cores = led(stage)
    const { request, message } = onItsWay(cores)
    cores.receive(message)
    cores.take()
    ok(campaign(cores, 'n3', ['n2', 'n4', 'n5']))
    cores.run()
    same(codeOf(cores, 'n2', request), ['leadership_lost', false])
  },
  'a message that is lost on the way, there or back, is an unknown outcome in time'(stage) {
    for (const isHeard of [false, true]) {
      const cores = led(stage)
      const { request, message } = onItsWay(cores)
      if (isHeard) cores.receive(message)
      for (let tick = 0; tick <= timing.requestTimeoutTicks && !cores.answer('n2', request); tick++) {
        wait(cores, 1)
        cores.tick('n1')
        runWithoutReplies(cores)
      }
      same(codeOf(cores, 'n2', request), ['timeout', false])
    }
  },
  'an answer that comes twice or late, or to another life of the node, is for nobody'(stage) {
    const cores = led(stage)
    const { request, message } = onItsWay(cores)
    cores.receive(message)
    for (let round = 0; round < 10 && !cores.air.some(({ type }) => type === 'ForwardReply'); round++) {
      const replies = cores.take({ type: 'ForwardReply' })
      cores.air.push(...replies)
      if (replies.length === 0) cores.deliver()
    }
    const [reply] = cores.take({ type: 'ForwardReply' })
    ok(reply)
    cores.receive(reply)
    cores.receive(reply)
    equal(cores.replies('n2').filter((one) => one.request === request).length, 1)
    cores.chance = 0.25
    cores.crash('n2')
    cores.tick('n1', timing.heartbeatTicks)
    cores.run()
    const next = forward(cores)
    const [again] = cores.take({ type: 'Forward' })
    equal(again?.number, reply.number, 'the new life counts from one again')
    cores.receive(reply)
    equal(cores.answer('n2', next), null)
    cores.receive(again!)
    cores.run()
    ok(cores.answer('n2', next)?.ok, 'and its command is no copy')
  },
  'a node that does not lead says nothing to a command that is passed on to it'(stage) {
    const cores = led(stage)
    const { message } = onItsWay(cores)
    cores.receive({ ...message, to: 'n3' })
    equal(cores.take({ type: 'ForwardReply' }).length, 0)
  },
  'a client that asked a leader that hands over is answered, as the clients of the leader are'(stage) {
    const cores = led(stage)
    const { request, message } = onItsWay(cores)
    cores.request('n1', { command: 'transfer_leader', to: 'n3' })
    cores.receive(message)
    for (let tick = 0; tick < timing.heartbeatTicks && cores.status('n3').role !== 'leader'; tick++) {
      cores.run()
      cores.tick('n1')
    }
    cores.run()
    equal(cores.status('n3').role, 'leader')
    same(codeOf(cores, 'n2', request), ['not_leader', true])
  },
}
