import t from 'tap'
import { failure } from '../../src/contracts.js'
import { call } from '../../stages/1-client/call.js'
import { type Client, client, defaultClientOptions, take } from '../../stages/1-client/client.js'
import { disconnected, elapsed } from '../../stages/1-client/link.js'
import { answeredDuringElection, elapsedDuringElection } from '../../stages/6-leader-election/follow-leader.js'
import { meet } from '../helpers/meet.js'

const write = { command: 'set', key: 'a', value: '1' }
const writing = { readOnly: false }
const namesA = failure('not_leader', 'A leads', { leader: 'a', address: 'A' })

/** A client for which A has gone away, at moment 0, and to which B stands. */
function withoutA(): Client {
  const open = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
  call(open, { command: 'ping' }, { readOnly: true, at: 'A' })
  disconnected(open, 'A', 'gone')
  call(open, { command: 'ping' }, { readOnly: true })
  meet(open, 'B')
  answeredDuringElection(open, 'B', 2, { ok: true })
  take(open)
  return open
}

t.test('whoever names a node that cannot be reached is asked again after a pause', async (t) => {
  const open = withoutA()
  const id = call(open, write, writing)
  answeredDuringElection(open, 'B', id, namesA)
  t.match(take(open), { connect: [], settle: [] })
  elapsed(open, 50)
  t.match(take(open).send, [{ address: 'B', message: { id } }])
})

t.test('a leader that has come back is found again, although its connection broke once', async (t) => {
  const open = withoutA()
  elapsed(open, 10_000)
  const id = call(open, write, writing)
  answeredDuringElection(open, 'B', id, namesA)
  t.same(take(open).connect, ['A'], 'the pause is long over: it is tried')
  meet(open, 'A')
  t.match(take(open).send, [{ address: 'A', message: { id } }])
  t.equal(open.preferred, 'A')
})

t.test('a leader that is silent, or has no majority, is not asked first again', async (t) => {
  const stopped = client({ ...defaultClientOptions, addresses: ['A', 'B'], deadlineMs: 100 })
  call(stopped, write, writing)
  meet(stopped, 'A')
  elapsedDuringElection(stopped, 99)
  t.equal(stopped.preferred, 'A')
  elapsedDuringElection(stopped, 100)
  t.match(take(stopped).settle, [{ outcome: { outcome: 'unknown', error: { code: 'timeout' } } }])
  t.equal(stopped.preferred, 'B')

  const cutOff = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
  const id = call(cutOff, write, writing)
  meet(cutOff, 'A')
  answeredDuringElection(cutOff, 'A', id, failure('timeout', 'no majority yet'))
  t.match(take(cutOff).settle, [{ outcome: { outcome: 'unknown' } }])
  t.equal(cutOff.preferred, 'B')
})

t.test('whoever names a node that is silent is asked again after a pause', async (t) => {
  const open = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
  call(open, { command: 'ping' }, { readOnly: true, at: 'A' })
  const id = call(open, write, { readOnly: false, at: undefined })
  meet(open, 'B')
  elapsedDuringElection(open, defaultClientOptions.attemptMs)
  for (let round = 1; round <= 20; round++) {
    answeredDuringElection(open, 'B', 'any', { ok: true })
    const { send } = take(open)
    t.match(
      send.filter(({ message }) => message.command !== 'ping'),
      [{ address: 'B', message: { id } }],
    )
    answeredDuringElection(open, 'B', id, namesA)
    t.match(take(open), { send: [], settle: [] })
    elapsedDuringElection(open, open.wakeAt)
  }
})

t.test('a node that is about to stop has done nothing: the next one is asked, and first from then on', async (t) => {
  const stopping = failure('shutting_down', 'the node is stopping')
  for (const readOnly of [false, true]) {
    const open = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
    const id = call(open, write, { readOnly })
    meet(open, 'A')
    answeredDuringElection(open, 'A', id, stopping)
    t.match(take(open).settle, [], 'nobody is told yet')
    t.equal(open.preferred, 'B')
    elapsed(open, 50)
    t.same(take(open).connect, ['B'])
    meet(open, 'B')
    t.match(take(open).send, [{ address: 'B', message: { id } }])
  }
  const open = withoutA()
  const pinned = call(open, { command: 'ping' }, { readOnly: true, at: 'B' })
  answeredDuringElection(open, 'B', pinned, stopping)
  t.match(take(open).settle, [{ outcome: { error: { code: 'shutting_down' } } }], 'a call for one node is told')
})

t.test('a read that a node did not answer before it stopped is asked again; a write is unknown', async (t) => {
  const open = withoutA()
  const tooLate = failure('connection_lost', 'the node stopped before it knew the outcome')
  const read = call(open, { command: 'get', key: 'a' }, { readOnly: true })
  answeredDuringElection(open, 'B', read, tooLate)
  t.match(take(open).settle, [])
  const id = call(open, write, { ...writing, at: 'B' })
  answeredDuringElection(open, 'B', id, tooLate)
  t.match(take(open).settle, [{ outcome: { outcome: 'unknown' } }])
})
