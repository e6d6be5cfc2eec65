import t from 'tap'
import { failure } from '../../src/contracts.js'
import { answered } from '../../stages/1-client/answer.js'
import { call } from '../../stages/1-client/call.js'
import { client, defaultClientOptions, take } from '../../stages/1-client/client.js'
import { connected, disconnected, elapsed } from '../../stages/1-client/link.js'
import { meet } from '../helpers/meet.js'

const write = { command: 'set', key: 'a', value: '1' }
const read = { command: 'get', key: 'a' }
const writing = { readOnly: false }
const reading = { readOnly: true }

function openClient(...addresses: string[]) {
  const open = client({ ...defaultClientOptions, addresses: addresses.length > 0 ? addresses : ['A', 'B', 'C'] })
  call(open, read, reading)
  meet(open, open.preferred)
  answered(open, open.preferred, 1, { ok: true })
  take(open)
  return open
}

const notLeader = (address: string) => failure('not_leader', 'not me', { leader: 'x', address })

t.test('the first call connects, and leaves once the node has said a word', async (t) => {
  const fresh = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
  const id = call(fresh, write, writing)
  t.same(take(fresh), { connect: ['A'], send: [], drop: [], settle: [] })
  call(fresh, read, reading)
  t.same(take(fresh).connect, [], 'one connection is enough')
  connected(fresh, 'A')
  t.same(take(fresh).send, [{ address: 'A', message: { id: id + 2, command: 'ping' } }], 'a greeting')
  answered(fresh, 'A', id + 2, { ok: true })
  t.same(take(fresh).send, [
    { address: 'A', message: { id, ...write } },
    { address: 'A', message: { id: id + 1, ...read } },
  ])
})

t.test('calls are pipelined, and answers find theirs by id in any order', async (t) => {
  const open = openClient()
  const [first, second] = [call(open, write, writing), call(open, read, reading)]
  t.equal(take(open).send.length, 2)
  answered(open, 'A', second, { ok: true, value: '1' })
  answered(open, 'A', first, { ok: true })
  t.match(take(open).settle, [
    { id: second, outcome: { outcome: 'done', answer: { value: '1' } } },
    { id: first, outcome: { outcome: 'done' } },
  ])
})

t.test('done, refused and unknown', async (t) => {
  const open = openClient()
  const ids = [call(open, write, writing), call(open, write, writing), call(open, write, writing)]
  answered(open, 'A', ids[0], { ok: true })
  answered(open, 'A', ids[1], failure('cas_mismatch', 'no', { actual: 'x' }))
  answered(open, 'A', ids[2], failure('timeout', 'who knows'))
  t.match(
    take(open).settle.map(({ outcome }) => outcome),
    [
      { outcome: 'done' },
      { outcome: 'refused', error: { code: 'cas_mismatch', actual: 'x' } },
      { outcome: 'unknown', error: { code: 'timeout' } },
    ],
  )
})

t.test('a deadline makes a sent call unknown, never failed; a later answer changes nothing', async (t) => {
  const open = openClient()
  const id = call(open, write, { readOnly: false, deadlineMs: 100 })
  take(open)
  elapsed(open, 99)
  t.same(take(open).settle, [])
  elapsed(open, 100)
  t.match(take(open).settle, [{ id, outcome: { outcome: 'unknown', error: { code: 'timeout', definite: false } } }])
  answered(open, 'A', id, { ok: true })
  t.same(take(open).settle, [], 'settled once')
})

t.test('a deadline of a call that was never sent is a refusal: nothing happened', async (t) => {
  const fresh = client({ ...defaultClientOptions, addresses: ['A'] })
  call(fresh, write, { readOnly: false, deadlineMs: 100 })
  elapsed(fresh, 100)
  t.match(take(fresh).settle, [{ outcome: { outcome: 'refused', error: { code: 'unreachable', definite: true } } }])
})

t.test('a broken connection makes a sent write unknown, and sends a read elsewhere', async (t) => {
  const open = openClient()
  const [writeId, readId] = [call(open, write, writing), call(open, read, reading)]
  take(open)
  disconnected(open, 'A', 'reset')
  const effects = take(open)
  t.match(effects.settle, [{ id: writeId, outcome: { outcome: 'unknown', error: { code: 'connection_lost' } } }])
  t.same(effects.connect, ['B'])
  meet(open, 'B')
  t.match(take(open).send, [{ address: 'B', message: { id: readId } }])
})

t.test('what was never sent tries every address, then waits before it knocks again', async (t) => {
  const fresh = client({ ...defaultClientOptions, addresses: ['A', 'B'], backoffMs: 25 })
  call(fresh, write, writing)
  t.same(take(fresh).connect, ['A'])
  disconnected(fresh, 'A', 'refused')
  t.same(take(fresh).connect, ['B'])
  disconnected(fresh, 'B', 'refused')
  t.same(take(fresh), { connect: [], send: [], drop: [], settle: [] }, 'both were tried just now')
  t.equal(fresh.wakeAt, 25)
  elapsed(fresh, 25)
  t.equal(take(fresh).connect.length, 1)
})

t.test('an address whose pause is over is tried like any other', async (t) => {
  const open = openClient('A', 'B', 'C')
  disconnected(open, 'B', 'gone')
  elapsed(open, 25)
  call(open, write, writing)
  take(open)
  disconnected(open, 'A', 'gone')
  t.equal(open.preferred, 'B')
})

t.test('a call to a node that is left alone waits for the next knock, not for its deadline', async (t) => {
  const open = openClient('A', 'B')
  for (let failures = 0; failures < 4; failures++) disconnected(open, 'A', 'gone')
  disconnected(open, 'B', 'gone')
  elapsed(open, 25)
  call(open, read, { readOnly: true, at: 'A' })
  t.equal(open.wakeAt, 200)
  elapsed(open, 200)
  t.same(take(open).connect, ['A'])
})

t.test('the pause doubles up to its cap, and a node that answers ends it', async (t) => {
  const open = openClient('A')
  const pauses: number[] = []
  for (let failures = 0; failures < 8; failures++) {
    disconnected(open, 'A', 'gone')
    pauses.push(open.links.get('A')!.retryAt)
  }
  t.same(pauses, [25, 50, 100, 200, 400, 800, 1000, 1000])
  connected(open, 'A')
  disconnected(open, 'A', 'gone')
  t.equal(open.links.get('A')!.retryAt, 1_000, 'it accepts connections, and ends each')
  meet(open, 'A')
  disconnected(open, 'A', 'gone')
  t.equal(open.links.get('A')!.retryAt, 25)
})

t.test('a redirect is followed, and later calls go to the leader at once', async (t) => {
  const open = openClient()
  const id = call(open, write, writing)
  take(open)
  answered(open, 'A', id, notLeader('C'))
  t.same(take(open).connect, ['C'])
  meet(open, 'C')
  t.match(take(open).send, [{ address: 'C', message: { id } }])
  call(open, write, writing)
  t.match(take(open).send, [{ address: 'C' }])
  answered(open, 'A', id, { ok: true })
  t.same(take(open).settle, [], 'an answer from where it is no longer asked does not count')
})

t.test('W7: two nodes that name each other do not send a call in circles', async (t) => {
  const open = openClient('A')
  const id = call(open, write, writing)
  let hops = 0
  for (let settled = false; !settled; hops++) {
    const { send, connect, settle } = take(open)
    for (const address of connect) meet(open, address)
    for (const { address } of [...send, ...take(open).send])
      answered(open, address, id, notLeader(address === 'A' ? 'B' : 'A'))
    settled = settle.length > 0
    if (settled)
      t.match(settle, [
        { outcome: { outcome: 'refused', error: { code: 'not_leader', message: /5 redirects: A → B/ } } },
      ])
    t.ok(hops < 20)
  }
})

t.test('a redirect to a leader that is gone ends, and the path says so', async (t) => {
  const open = openClient('B')
  call(open, write, writing)
  take(open)
  for (let hops = 0; hops < 20 && open.calls.size > 0; hops++) {
    const [pending] = open.calls.values()
    if (pending!.sent) answered(open, 'B', pending!.id, notLeader('A'))
    else disconnected(open, pending!.address, 'ECONNREFUSED')
    if (open.links.get('B')?.state === 'connecting') meet(open, 'B')
  }
  t.match(take(open).settle, [{ outcome: { outcome: 'refused', error: { message: /B → A \(ECONNREFUSED\) → B/ } } }])
})

t.test('a redirect without an address is the answer', async (t) => {
  const open = openClient()
  const id = call(open, write, writing)
  answered(open, 'A', id, failure('not_leader', 'somebody else'))
  t.match(take(open).settle, [{ outcome: { outcome: 'refused', error: { code: 'not_leader' } } }])
})

t.test('a pinned call asks that node only', async (t) => {
  const open = openClient()
  const id = call(open, write, { readOnly: false, at: 'B' })
  connected(open, 'B')
  answered(open, 'B', id, notLeader('A'))
  t.match(take(open).settle, [{ outcome: { outcome: 'refused', error: { code: 'not_leader' } } }])
  call(open, read, { readOnly: true, at: 'D' })
  disconnected(open, 'D', 'refused')
  t.match(take(open).settle, [{ outcome: { outcome: 'refused', error: { code: 'unreachable' } } }])
})

t.test('an answer that belongs to nobody is dropped', async (t) => {
  const open = openClient()
  for (const id of [99, '1', null, undefined, {}]) answered(open, 'A', id, { ok: true })
  t.same(take(open), { connect: [], send: [], drop: [], settle: [] })
})

t.test('a silent address is not waited for: the next is tried beside it, and who answers first is asked', async (t) => {
  const fresh = client({ ...defaultClientOptions, addresses: ['A', 'B', 'C'], attemptMs: 250 })
  const id = call(fresh, write, writing)
  t.same(take(fresh).connect, ['A'])
  elapsed(fresh, 249)
  t.same(take(fresh).connect, [])
  elapsed(fresh, 250)
  t.same(take(fresh).connect, ['B'], 'one more')
  elapsed(fresh, 499)
  t.same(take(fresh).connect, [], 'one at a time')
  elapsed(fresh, 500)
  t.same(take(fresh).connect, ['C'])
  meet(fresh, 'B')
  t.match(take(fresh).send, [{ address: 'B', message: { id } }])
  t.equal(fresh.preferred, 'B')
  const later = call(fresh, write, writing)
  t.match(take(fresh).send, [{ address: 'B', message: { id: later } }], 'at once')
  meet(fresh, 'A')
  t.same(take(fresh).send, [], 'nothing is asked twice')
})

t.test(
  'a node that accepts connections and never answers is not waited for, and is sent nothing but a greeting',
  async (t) => {
    const fresh = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
    const ids = [call(fresh, write, writing), call(fresh, read, reading)]
    connected(fresh, 'A')
    t.match(take(fresh).send, [{ address: 'A', message: { command: 'ping' } }])
    elapsed(fresh, 249)
    t.same(take(fresh).connect, [])
    elapsed(fresh, 250)
    t.same(take(fresh).connect, ['B'])
    meet(fresh, 'B')
    t.match(
      take(fresh).send,
      ids.map((id) => ({ address: 'B', message: { id } })),
    )
    answered(fresh, 'A', ids[0], { ok: true })
    t.same(take(fresh).settle, [], 'A was not asked')
  },
)

t.test('a node that falls silent: reads go elsewhere, and writes that were sent do not', async (t) => {
  const open = openClient('A', 'B')
  const [writeId, readId] = [call(open, write, writing), call(open, read, reading)]
  t.equal(take(open).send.length, 2)
  elapsed(open, 250)
  t.match(take(open), { send: [{ address: 'A', message: { command: 'ping' } }], connect: [] }, 'is it there?')
  const held = call(open, write, writing)
  t.same(take(open).send, [])
  elapsed(open, 500)
  t.same(take(open).connect, ['B'])
  meet(open, 'B')
  t.match(take(open), {
    send: [
      { address: 'B', message: { id: readId } },
      { address: 'B', message: { id: held } },
    ],
    settle: [],
  })
  t.equal(open.preferred, 'B')
  elapsed(open, 5_000)
  t.match(
    take(open).settle.find(({ id }) => id === writeId),
    { outcome: { outcome: 'unknown', error: { code: 'timeout' } } },
  )
})

t.test('a node that was not heard for a while is greeted before it is sent a call', async (t) => {
  const open = openClient('A', 'B')
  elapsed(open, 10_000)
  const id = call(open, write, writing)
  const [greeting] = take(open).send
  t.match(greeting, { address: 'A', message: { command: 'ping' } })
  call(open, read, { readOnly: true, at: 'A' })
  t.match(take(open).send, [{ address: 'A', message: read }], 'a pinned call has nowhere else to go')
  answered(open, 'A', greeting!.message.id, { ok: true })
  t.match(take(open).send, [{ address: 'A', message: { id } }])
})

t.test('a node that is slow, and says so when it is greeted, is not left', async (t) => {
  const open = openClient('A', 'B')
  const ids = [call(open, write, writing), call(open, read, reading)]
  take(open)
  for (let now = 250; now <= 4_750; now += 250) {
    elapsed(open, now)
    for (const { address, message } of take(open).send) answered(open, address, message.id, { ok: true })
  }
  answered(open, 'A', ids[0], { ok: true })
  answered(open, 'A', ids[1], { ok: true, value: '1' })
  t.match(
    take(open).settle.filter(({ id }) => ids.includes(id)),
    ids.map((id) => ({ id, outcome: { outcome: 'done' } })),
  )
  t.equal(open.links.has('B'), false)
})

t.test('a call goes to a connection that stands when the one it wants is silent; a pinned call stays', async (t) => {
  const open = openClient('A', 'B')
  const id = call(open, write, writing)
  take(open)
  answered(open, 'A', id, notLeader('B'))
  const pinned = call(open, read, { readOnly: true, at: 'B' })
  take(open)
  elapsed(open, 249)
  answered(open, 'A', 'any', { ok: true })
  elapsed(open, 250)
  t.match(take(open).send, [{ address: 'A', message: { id } }])
  disconnected(open, 'B', 'no answer')
  t.match(take(open).settle, [{ id: pinned, outcome: { outcome: 'refused', error: { code: 'unreachable' } } }])
})

t.test('an `id` among the fields of a command is not taken for that of the request', async (t) => {
  const open = openClient()
  const id = call(open, { ...read, id: 77 }, reading)
  t.match(take(open).send, [{ message: { ...read, id } }])
})
