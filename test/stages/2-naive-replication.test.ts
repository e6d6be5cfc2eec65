import t from 'tap'
import type { Core, Message } from '../../src/contracts.js'
import { majority } from '../../stages/2-naive-replication/quorum.js'
import stage from '../../stages/2-naive-replication/stage.js'
import { five, nodeOptions } from '../helpers/core.js'

const set = { command: 'set', key: 'a', value: '1' }
/** The first number of a leader whose chance is always one half. */
const firstWrite = 2 ** 47 + 1

function leaderWithWrite(): Core {
  const leader = stage.create(nodeOptions('n1'))
  leader.request({ id: 9, command: set })
  return leader
}

function replicated(from: string, write = firstWrite): Message {
  return { type: 'Replicated', from, to: 'n1', write } as Message
}

t.test('the leader sends a write to every follower and answers nobody yet', async (t) => {
  const { send, apply, replies } = leaderWithWrite().take()
  t.same(
    send,
    ['n2', 'n3', 'n4', 'n5'].map((to) => ({ type: 'Replicate', from: 'n1', to, write: firstWrite, command: set })),
  )
  t.same([apply, replies], [[], []])
})

t.test('at the third of five, itself counted, it performs the write and answers: not before, not again', async (t) => {
  const leader = leaderWithWrite()
  leader.take()
  leader.receive(replicated('n2'))
  t.same(leader.take().apply, [], 'two of five')
  leader.receive(replicated('n2'))
  t.same(leader.take().apply, [], 'the same follower twice is one follower')
  leader.receive(replicated('n3'))
  t.match(leader.take().apply, [{ index: 1, payload: { kind: 'command', command: set }, request: 9 }], 'three of five')
  leader.receive(replicated('n4'))
  leader.receive(replicated('n5'))
  t.same(leader.take().apply, [], 'the rest changes nothing')
})

t.test('a follower performs at once and says so', async (t) => {
  const follower = stage.create(nodeOptions('n3'))
  follower.receive({ type: 'Replicate', from: 'n1', to: 'n3', write: 4, command: set } as Message)
  const { apply, send } = follower.take()
  t.match(apply, [{ index: 1, payload: { kind: 'command', command: set }, request: null }])
  t.same(send, [{ type: 'Replicated', from: 'n3', to: 'n1', write: 4 }])
})

t.test('a follower sends writers to the leader and answers readers itself', async (t) => {
  const follower = stage.create(nodeOptions('n3'))
  for (const [id, command] of ['set', 'delete', 'append', 'cas'].entries())
    follower.request({ id, command: { command } })
  const { replies } = follower.take()
  t.equal(replies.length, 4)
  for (const { answer } of replies) {
    t.match(answer, { ok: false, error: { code: 'not_leader', definite: true, leader: 'n1', address: '127.0.0.1:1' } })
  }
  follower.request({ id: 5, command: { command: 'get', key: 'a' } })
  t.match(follower.take().query, [{ request: 5, command: { command: 'get' } }])
})

t.test('a write that finds no majority is answered "timeout", an unknown outcome, and forgotten', async (t) => {
  const leader = leaderWithWrite()
  leader.receive(replicated('n2'))
  leader.take()
  leader.tick()
  leader.tick()
  t.same(leader.take().replies, [])
  leader.tick()
  t.match(leader.take().replies, [
    { request: 9, answer: { ok: false, error: { code: 'timeout', definite: false, message: /2 of 5/ } } },
  ])
  leader.receive(replicated('n3'))
  t.same(leader.take().apply, [], 'a late majority does not bring it back')
})

t.test('a message to somebody else, or from oneself, is no message', async (t) => {
  const follower = stage.create(nodeOptions('n3'))
  follower.receive({ type: 'Replicate', from: 'n1', to: 'n2', write: 1, command: set } as Message)
  follower.receive({ type: 'Replicate', from: 'n3', to: 'n3', write: 1, command: set } as Message)
  t.same(follower.take().apply, [])
})

t.test('a cluster of one is its own majority', async (t) => {
  const alone = stage.create(nodeOptions('n1', five.slice(0, 1)))
  alone.request({ id: 1, command: set })
  t.match(alone.take(), { send: [], apply: [{ request: 1 }] })
})

t.test('majority: more than half, for every size, and only members count', async (t) => {
  for (let size = 1; size <= 7; size++) {
    const members = Array.from({ length: size }, (_, at) => `n${at}`)
    for (let present = 0; present <= size; present++) {
      const nodes = new Set([...members.slice(0, present), 'stranger', 'other'])
      t.equal(majority(members).has(nodes), present * 2 > size, `${present} of ${size}`)
    }
  }
})

t.test('what a peer may send: every field is checked', async (t) => {
  const Replicate = stage.messages.Replicate!.check
  const Replicated = stage.messages.Replicated!.check
  t.ok(Replicate({ write: 1, command: set }))
  t.ok(Replicate({ write: 1, command: { command: 'set', key: 'a', value: '' } }), 'an empty value is a value')
  for (const write of [0, -1, 1.5, '1', null, undefined, 2 ** 53, Number.NaN]) t.notOk(Replicated({ write }))
  for (const command of [
    null,
    [],
    'set',
    {},
    { command: 'get', key: 'a' },
    { command: 'toString' },
    { ...set, value: 1 },
  ]) {
    t.notOk(Replicate({ write: 1, command }), JSON.stringify(command))
  }
})
