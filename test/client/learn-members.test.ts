import t from 'tap'
import { failure } from '../../src/contracts.js'
import { call } from '../../stages/1-client/call.js'
import { type Client, client, defaultClientOptions, take } from '../../stages/1-client/client.js'
import { elapsed } from '../../stages/1-client/link.js'
import {
  answeredByMember,
  connectedToMember,
  disconnectedFromMember,
  learnMembers,
} from '../../stages/8-membership/learn-members.js'
import { meet } from '../helpers/meet.js'

const write = { command: 'set', key: 'a', value: '1' }
const writing = { readOnly: false }
const voters = (...addresses: string[]) => ({
  ok: true as const,
  members: addresses.map((address) => ({ id: address.toLowerCase(), client: address, role: 'voter' })),
})

/** A client that was named A, and has connected to it; the internal call is the second. */
function connectedToA(): Client {
  const open = client({ ...defaultClientOptions, addresses: ['A'] })
  call(open, { command: 'ping' }, { readOnly: true })
  connectedToMember(open, 'A')
  return open
}

t.test('it greets each new connection with the question who the members are, before anything else', async (t) => {
  const open = connectedToA()
  t.match(take(open).send, [{ address: 'A', message: { id: 2, command: 'members' } }])
  answeredByMember(open, 'A', 2, failure('unknown_command', 'an earlier stage'))
  t.match(take(open), {
    send: [{ address: 'A', message: { id: 1, command: 'ping' } }],
    connect: [],
    settle: [{ id: 2, outcome: { outcome: 'refused' } }],
  })
  t.same(open.addresses, ['A'])
})

t.test('when the one node that it was named is gone, it turns to those that it has learnt of', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, voters('A', 'B', 'C'))
  answeredByMember(open, 'A', 1, { ok: true })
  take(open)
  disconnectedFromMember(open, 'A', 'gone')
  const id = call(open, write, writing)
  t.same(take(open).connect, ['B'])
  connectedToMember(open, 'B')
  t.match(take(open).send, [{ address: 'B', message: { command: 'members' } }])
  answeredByMember(open, 'B', id + 1, voters('B', 'C', 'D'))
  t.match(take(open).send, [{ address: 'B', message: { id } }])
  t.same(open.addresses, ['B', 'C', 'D'], 'A is no member any more')
})

t.test('when none of those can be reached, it tries those that it was named', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, voters('B', 'C'))
  answeredByMember(open, 'A', 1, { ok: true })
  disconnectedFromMember(open, 'A', 'gone')
  take(open)
  call(open, write, writing)
  for (const address of ['B', 'C']) {
    t.same(take(open).connect, [address])
    disconnectedFromMember(open, address, 'refused')
  }
  elapsed(open, 1_000)
  t.same(take(open).connect, ['A'])
})

t.test('when those accept connections and say nothing, it tries those that it was named', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, voters('B', 'C'))
  answeredByMember(open, 'A', 1, { ok: true })
  disconnectedFromMember(open, 'A', 'gone')
  take(open)
  const id = call(open, write, writing)
  for (const address of ['B', 'C', 'A']) {
    t.same(take(open).connect, [address])
    if (address !== 'A') connectedToMember(open, address)
    learnMembers.elapsed(open, open.now + defaultClientOptions.attemptMs)
  }
  meet(open, 'A', learnMembers)
  t.match(take(open).send, [{ address: 'A', message: { id } }])
})

t.test('removed nodes that name each other are left, for a node that was named at first', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, voters('B', 'C', 'D'))
  answeredByMember(open, 'A', 1, { ok: true })
  disconnectedFromMember(open, 'A', 'gone')
  elapsed(open, 100)
  take(open)
  const id = call(open, write, writing)
  const leaders = { B: 'C', C: 'D', D: 'B' }
  for (const [at, leader] of Object.entries(leaders)) {
    t.same(take(open).connect, [at])
    meet(open, at, learnMembers)
    answeredByMember(open, at, id, failure('not_leader', 'not me', { leader: 'x', address: leader }))
  }
  t.match(open.calls.get(id)!.refusal, { code: 'not_leader', message: /B → C → D → B/ })
  elapsed(open, 1_000)
  t.same(take(open).connect, ['A'])
})

t.test('a circle of all nodes that it knows of is given up', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, { ok: true })
  take(open)
  const id = call(open, write, writing)
  for (let count = 0; count < 6; count++)
    answeredByMember(open, 'A', id, failure('not_leader', 'not me', { leader: 'x', address: 'A' }))
  t.match(take(open).settle, [{ id, outcome: { outcome: 'refused', error: { message: /gave up after 5 redirects/ } } }])
})

t.test('nodes that know of no leader are left in turn, for a node that was named at first', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, voters('B', 'C'))
  open.preferred = 'B'
  const id = call(open, write, writing)
  for (const at of ['B', 'C']) {
    meet(open, at, learnMembers)
    answeredByMember(open, at, id, failure('no_leader', 'nobody leads'))
    elapsed(open, open.wakeAt)
  }
  t.equal(open.calls.get(id)!.address, 'A')
})

t.test('learners and nonsense are nobody to turn to', async (t) => {
  const open = connectedToA()
  answeredByMember(open, 'A', 2, { ok: true, members: [{ client: 'B', role: 'learner' }, null, { role: 'voter' }] })
  t.same(open.addresses, ['A'])
  answeredByMember(open, 'A', 1, voters('B'))
  t.same(open.addresses, ['A'], 'an answer to another question')
})
