/** A client that shows a token, lines typed by hand, and a port that demands one. */
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import type { ClientSettings } from '../../client/settings.js'
import { systemClock } from '../../src/clock.js'
import { type Answer, type Ask, failure, type Role } from '../../src/contracts.js'
import { Access } from '../../src/network/access.js'
import { ClientPort } from '../../src/network/client-port.js'
import { encodeFrames } from '../../src/network/framing.js'
import { makeToken, type TokenEntry } from '../../src/network/token.js'
import { latest } from '../../stages/index.js'
import { Raw } from '../helpers/running.js'

function held(role: Role, name: string = role) {
  const { token, ...kept } = makeToken()
  return { token, entry: { ...kept, name, role, prefixes: [] } satisfies TokenEntry }
}

/** A port before a node that knows one value. */
async function port(t: Test, entries: readonly TokenEntry[] | null, ask: Ask = node) {
  const asked: string[] = []
  const heard: unknown[] = []
  const access = entries ? new Access(latest, entries, systemClock, (event) => heard.push(event)) : undefined
  const clients = new ClientPort(
    (candidate, answer) => {
      asked.push(String(candidate.command))
      ask(candidate, answer)
    },
    (event) => heard.push(event),
    {},
    undefined,
    access,
  )
  await clients.listen('127.0.0.1', 0)
  t.teardown(() => clients.close())
  return { access: access!, asked, heard, address: `127.0.0.1:${clients.port}` }
}

const node: Ask = ({ command }, answer) =>
  answer(answers[String(command)] ?? failure('unknown_command', 'there is none'))

const answers: Readonly<Record<string, Answer>> = {
  ping: { ok: true },
  get: { ok: true, value: '1' },
  set: { ok: true },
  open_session: { ok: true, session: 6 },
  members: { ok: true, members: [], leader: null },
}

function clientOf(t: Test, address: string, settings: Partial<ClientSettings> = {}) {
  const client = new Client({ addresses: [address], ...settings })
  t.teardown(() => client.close())
  return client
}

const get = { command: 'get', key: 'a' }
const set = { command: 'set', key: 'a', value: '1' }
const line = (request: object) => `${JSON.stringify(request)}\n`

t.test('lines typed by hand: a token once a connection, and pings without one', async (t) => {
  const { token, entry } = held('read', 'shop')
  const { asked, address } = await port(t, [entry])
  const raw = new Raw(t, address)
  const auth = { command: 'auth', token }
  raw.socket.write([{ command: 'ping' }, get, auth, get, set, { ...get, id: 'x' }].map(line).join(''))
  t.match(await raw.answers(6), [
    { ok: true },
    { ok: false, error: { code: 'unauthenticated', definite: true } },
    { ok: true, name: 'shop', role: 'read' },
    { ok: true, value: '1' },
    { ok: false, error: { code: 'permission_denied', definite: true, takes: 'write' } },
    { id: 'x', ok: true, value: '1' },
  ])
  t.same(asked, ['ping', 'get', 'get'], 'nothing else has reached the node')
  const other = new Raw(t, address)
  other.socket.write(line(get))
  t.match(await other.answers(1), [{ error: { code: 'unauthenticated' } }], 'another connection has shown none')
})

t.test('frames: the same, and reads behind a token that is revoked are refused', async (t) => {
  const { token, entry } = held('admin')
  const later: (() => void)[] = []
  const { access, address } = await port(t, [entry], (candidate, answer) =>
    candidate.command === 'get' ? later.push(() => node(candidate, answer)) : node(candidate, answer),
  )
  const raw = new Raw(t, address)
  const frames = (requests: readonly object[]) => encodeFrames(requests.map((one) => JSON.stringify(one)))
  raw.socket.write(
    frames([
      { id: 1, command: 'auth', token },
      { id: 2, ...get },
      { id: 3, command: 'ping' },
    ]),
  )
  t.match(await raw.framedAnswers(2), [
    { id: 1, ok: true },
    { id: 3, ok: true },
  ])
  raw.forget()
  access.replace([])
  raw.socket.write(
    frames([
      { id: 4, ...set },
      { id: 5, ...get },
      { id: 6, ...get },
      { id: 7, command: 'ping' },
    ]),
  )
  const refused = { ok: false, error: { code: 'unauthenticated' } }
  t.match(await raw.framedAnswers(4), [{ id: 4, ...refused }, { id: 5, ...refused }, { id: 6, ...refused }, { id: 7 }])
  raw.forget()
  t.equal(later.length, 1, 'the read that was asked before')
  later[0]!()
  t.match(await raw.framedAnswers(1), [{ id: 2, ok: true, value: '1' }])
})

t.test('a client shows its token first, on each connection', async (t) => {
  const { token, entry } = held('write')
  const { asked, address } = await port(t, [entry])
  for (const one of [token, () => token, async () => token]) {
    const client = clientOf(t, address, { token: one })
    t.equal(await client.get('a'), '1')
    await client.set('a', '1')
    t.match(await client.call({ command: 'transfer_leader' }), {
      outcome: 'refused',
      error: { code: 'permission_denied', takes: 'admin' },
    })
  }
  t.notOk(asked.includes('transfer_leader'))
})

t.test('a token that is refused, or none: a coded error at once, and nothing is sent', async (t) => {
  const { asked, heard, address } = await port(t, [held('admin').entry])
  const wrong = makeToken().token
  const odd: ClientSettings['token'][] = [
    wrong,
    'no token',
    () => wrong,
    () => Promise.reject(new Error('the vault is shut')),
    (() => 7) as never,
  ]
  for (const token of [undefined, ...odd]) {
    const client = clientOf(t, address, { token, deadlineMs: 600_000 })
    for (const command of [get, set, get])
      t.match(await client.call(command), { outcome: 'refused', error: { code: 'unauthenticated', definite: true } })
    client.close()
  }
  const shut = clientOf(t, address, { token: () => Promise.reject(new Error('the vault is shut')) })
  t.match(await shut.call(get), { error: { message: /the vault is shut/ } })
  t.same(
    asked.filter((command) => command !== 'ping' && command !== 'members'),
    [],
  )
  t.notMatch(JSON.stringify(heard), wrong)
  t.throws(() => new Client({ addresses: [address], token: 7 as never }), { name: 'ConfigError', message: /token is/ })
})

t.test('who is refused for many wrong tokens gets a coded error as well', async (t) => {
  const { token, entry } = held('admin')
  const { address } = await port(t, [entry])
  const raw = new Raw(t, address)
  raw.socket.write(Array.from({ length: 2_000 }, () => line({ command: 'auth', token: makeToken().token })).join(''))
  const codes = (await raw.answers(2_000)).map((answer) => (answer as { error: { code: string } }).error.code)
  t.same([...new Set(codes)], ['unauthenticated', 'overloaded'])
  const client = clientOf(t, address, { token: makeToken().token, deadlineMs: 600_000 })
  t.match(await client.call(get), { outcome: 'refused', error: { code: 'overloaded', definite: true } })
  t.equal(await clientOf(t, address, { token }).get('a'), '1', 'nobody else is kept out')
})

t.test('a token that is revoked and one that comes in its place, while the client is connected', async (t) => {
  const [first, second] = [held('write', 'first'), held('write', 'second')]
  const { access, address } = await port(t, [first.entry])
  let current = first.token
  const client = clientOf(t, address, { token: () => current })
  t.equal(await client.get('a'), '1')
  access.replace([second.entry])
  t.match(await client.call(set), { outcome: 'refused', error: { code: 'unauthenticated' } })
  current = second.token
  // The token is shown again a second after it was shown last, when a call has been refused.
  for (let outcome = 'refused'; outcome !== 'done'; ) outcome = (await client.call(get)).outcome
  t.match(await client.call(set), { outcome: 'done' })
})

t.test('a token that the node learns of later', async (t) => {
  const { token, entry } = held('write')
  const { access, address } = await port(t, [])
  const client = clientOf(t, address, { token })
  t.match(await client.call(get), { outcome: 'refused', error: { code: 'unauthenticated' } })
  access.replace([entry])
  for (let outcome = 'refused'; outcome !== 'done'; ) outcome = (await client.call(get)).outcome
  t.match(await client.call(set), { outcome: 'done' })
})

t.test('a node that demands none is asked as if there were no token', async (t) => {
  const { address, asked } = await port(t, null)
  const client = clientOf(t, address, { token: makeToken().token })
  t.equal(await client.get('a'), '1')
  t.equal(asked[0], 'auth')
  const plain = await port(t, null)
  t.equal(await clientOf(t, plain.address).get('a'), '1')
  t.notOk(plain.asked.includes('auth'), 'and without a token nothing is shown')
})

t.test('a node that does not answer is left for another', async (t) => {
  const { token, entry } = held('write')
  const silent = new ClientPort(() => {})
  await silent.listen('127.0.0.1', 0)
  t.teardown(() => silent.close())
  const { address } = await port(t, [entry])
  const client = new Client({ addresses: [`127.0.0.1:${silent.port}`, address], token, deadlineMs: 60_000 })
  t.teardown(() => client.close())
  t.equal(await client.get('a'), '1')
  t.match(await client.call(get, { at: `127.0.0.1:${silent.port}`, deadlineMs: 100 }), { outcome: 'refused' })
})
