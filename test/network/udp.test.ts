import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type Address, parseAddress } from '../../src/address.js'
import { systemClock } from '../../src/clock.js'
import type { Clock, Member, Message } from '../../src/contracts.js'
import { clusterHash, type Datagram, decodeDatagram, encodeDatagram, pack } from '../../src/network/datagrams.js'
import type { Pace } from '../../src/network/pacing.js'
import { UdpNetwork } from '../../src/network/udp.js'
import type { Happened } from '../helpers/happened.js'
import { type Make, members, Peer, replicate } from './peers.js'

const udp: Make = (options) => new UdpNetwork(options)
const header = { cluster: clusterHash('test'), session: 7, kind: 'data', from: 'n2', to: 'n1' } as const
const whole = { number: 0, index: 0, count: 1 }

async function pairOf(t: Test, options: { clock?: Clock; pace?: Pace } = {}): Promise<[Peer, Peer]> {
  const all = await members(2)
  const [n1, n2] = all.map(({ id }) => new Peer(t, udp, id, all, options)) as [Peer, Peer]
  await Promise.all([n1.start(), n2.start()])
  await n1.deliver(n2, replicate('n1', 'n2'))
  return [n1, n2]
}

/** How many of 2,000 messages, sent at once, arrive. */
async function burst(t: Test, options: { pace?: Pace } = {}): Promise<number> {
  const [n1, n2] = await pairOf(t, options)
  const command = { command: 'set', key: 'k', value: 'x'.repeat(1_000) }
  const sent = Array.from({ length: 2_000 }, () => replicate('n1', 'n2', command))
  for (const message of sent) n1.network.send(message)
  await n1.deliver(n2, replicate('n1', 'n2'))
  return sent.length - n2.missingOf(sent).length
}

t.test('a burst is paced, so that loopback does not drop it', async (t) => {
  const unpaced = await burst(t, { pace: { perMs: 1e9, burst: 1e9 } })
  const paced = await burst(t)
  t.comment(`of 2,000 messages of 1,000 bytes ${paced} arrived; without pacing ${unpaced}`)
  t.ok(paced > unpaced || paced === 2_000, 'a busy machine may drop some of it, but far less')
})

/** Somebody with a socket: on a member's address, if it is given one. */
async function stranger(t: Test, at: Address = { host: '127.0.0.1', port: 0 }): Promise<Socket> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const listening = once(socket, 'listening')
  socket.bind(at.port, at.host)
  await listening
  return socket
}

const addressOf = (member: Member) => parseAddress(member.peer)!

t.test('whoever is not a peer is turned away, with a reason, and nobody else notices', async (t) => {
  const three = await members(3)
  const [n1, n2] = three.map(({ id }) => new Peer(t, udp, id, three)) as [Peer, Peer]
  await Promise.all([n1.start(), n2.start()])
  const { host, port } = n1.address
  const [anybody, n3] = [await stranger(t), await stranger(t, addressOf(three[2]!))]
  const data = (changes: Partial<Datagram>, ...messages: Message[]) =>
    encodeDatagram({
      ...header,
      from: 'n3',
      ...whole,
      payload: pack(messages.map((m) => Buffer.from(JSON.stringify(m)))),
      ...changes,
    })
  const otherVersion = data({})
  otherVersion.writeUInt16BE(1, 2)
  const broken = data({})
  broken[30]! ^= 1
  const cases: [string, Socket, Buffer, RegExp][] = [
    ['nothing', anybody, Buffer.alloc(0), /no datagram of this protocol/],
    ['garbage', anybody, Buffer.from('GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n'), /no datagram of this protocol/],
    ['another version', anybody, otherVersion, /speaks protocol 1, not 3/],
    ['a damaged one', anybody, broken, /its checksum is wrong/],
    ['another cluster', n3, data({ cluster: clusterHash('other') }), /another cluster/],
    ['a wrong number', n3, data({ to: 'n2' }), /looking for "n2"/],
    ['a stranger', n3, data({ from: 'n9' }), /"n9" is no peer of ours/],
    ['ourselves', n3, data({ from: 'n1' }), /"n1" is no peer of ours/],
    ['a name that is none', n3, data({ from: '__proto__' }), /no peer of ours/],
    ['with the name of another', n3, data({ from: 'n2' }, replicate('n2', 'n1')), /n2 sends from .*, not from there/],
    ['from elsewhere', anybody, data({}, replicate('n3', 'n1')), /n3 sends from .*, not from there/],
    ['a fragment of nothing', n3, data({ count: 0 }), /header makes no sense/],
    ['a fragment too many', n3, data({ index: 2, count: 2 }), /header makes no sense/],
    ['a false length', n3, data({ payload: Buffer.from([1, 0, 7]) }), /messages do not fill it/],
    ['another sender inside', n3, data({}, replicate('n2', 'n1')), /n3 sent a message from n2 to n1/],
    ['another receiver inside', n3, data({}, replicate('n3', 'n2')), /n3 sent a message from n3 to n2/],
    ['an unknown message', n3, data({}, { ...replicate('n3', 'n1'), type: '__proto__' }), /no message "__proto__"/],
    ['a torn message', n3, data({ payload: pack([Buffer.from('{"type":')]) }), /not JSON/],
  ]
  for (const [name, socket, bytes, reason] of cases) {
    const refused = (): Happened | undefined => n1.notices.filter(({ event }) => event === 'peer_refused').at(-1)
    const before = refused()
    socket.send(bytes, port, host)
    await n1.until(() => refused() !== before)
    t.match(refused(), { reason, remote: `127.0.0.1:${socket.address().port}` }, name)
  }
  t.same(n1.received, [], 'no message of theirs came through')
  await n2.deliver(n1, replicate('n2', 'n1'))
})

t.test('a flood of garbage makes few words', async (t) => {
  let now = 0
  const [n1, n2] = await pairOf(t, { clock: { ...systemClock, now: () => now } })
  const refusals = () => n1.notices.filter(({ event }) => event === 'peer_refused')
  const socket = await stranger(t)
  const throwAt = async (count: number) => {
    const { host, port } = n1.address
    for (let at = 0; at < count; at++) await new Promise((done) => socket.send('garbage', port, host, done))
    await n2.deliver(n1, replicate('n2', 'n1'))
  }
  await throwAt(100)
  t.equal(refusals().length, 20)
  now += 1_000
  await throwAt(1)
  t.equal(refusals().length, 21)
  t.ok((refusals()[20]!.unnoticed as number) > 0, 'the rest is counted')
})

/** Time that goes by twenty times as fast. */
const hasty: Clock = {
  ...systemClock,
  now: () => systemClock.now() * 20,
  after: (ms, task) => systemClock.after(ms / 20, task),
}

t.test('a link is up while hellos are answered', async (t) => {
  const all = await members(2)
  const [n1, first] = all.map(({ id }) => new Peer(t, udp, id, all, { clock: hasty })) as [Peer, Peer]
  await n1.start()
  t.same(n1.links('n2'), [])
  await first.start()
  await n1.until(() => n1.links('n2').length === 1)
  await first.network.stop()
  await n1.until(() => n1.links('n2').length === 2)
  const second = new Peer(t, udp, 'n2', all, { clock: hasty })
  await second.start()
  await n1.until(() => n1.links('n2').length === 3)
  t.same(n1.links('n2'), ['up', 'down', 'up'])
  t.same(second.links('n1').slice(0, 1), ['up'])
})

t.test('a process that takes the place of another is noticed at once, without a silence', async (t) => {
  let now = 0
  // Nothing happens after a while here: what does happen, a datagram brought about.
  const clock: Clock = { ...systemClock, now: () => now++, after: () => () => {} }
  const all = await members(2)
  const n1 = new Peer(t, udp, 'n1', all, { clock })
  await n1.start()
  for (let life = 1; life <= 3; life++) {
    const n2 = new Peer(t, udp, 'n2', all)
    await n2.start()
    await n1.until(() => n1.links('n2').length === 2 * life - 1)
    await n2.network.stop()
  }
  t.same(n1.links('n2'), ['up', 'down', 'up', 'down', 'up'])
})

t.test('only an answer to our own hello shows that a peer hears us', async (t) => {
  const all = await members(2)
  const n1 = new Peer(t, udp, 'n1', all)
  const n2 = await stranger(t, addressOf(all[1]!))
  const { host, port } = n1.address
  const heard = (kind: string) =>
    new Promise<Datagram>((resolve) => {
      n2.on('message', (bytes) => {
        const datagram = decodeDatagram(bytes)
        if (datagram.kind === kind) resolve(datagram)
      })
    })
  const say = (changes: Partial<Datagram>) =>
    n2.send(encodeDatagram({ ...header, ...whole, payload: Buffer.alloc(0), ...changes }), port, host)
  const sessionBytes = (session: number) => Buffer.from(Uint32Array.of(session).buffer).swap32()
  const [hello, answer] = [heard('hello'), heard('answer')]
  await n1.start()
  const { session, number } = await hello
  say({ kind: 'hello', number: 5 })
  t.match(await answer, { number: 5, payload: sessionBytes(header.session) }, 'a hello is answered')
  say({ kind: 'answer', number, payload: sessionBytes(session ^ 1) })
  say({ kind: 'answer', number: number + 1_000, payload: sessionBytes(session) })
  say({ kind: 'answer', number })
  say({ payload: pack([Buffer.from(JSON.stringify(replicate('n2', 'n1')))]) })
  await n1.until(() => n1.received.length === 1)
  t.same(n1.links('n2'), [], 'neither an answer to somebody else nor a message does')
  say({ kind: 'answer', number, payload: sessionBytes(session) })
  await n1.until(() => n1.links('n2').length === 1)
})

t.test('where members change, a hello makes a guest, at the address from where it came', async (t) => {
  const all = await members(2)
  const n1 = new Peer(t, udp, 'n1', all, { isOpen: true })
  await n1.start()
  const [n9, elsewhere] = [await stranger(t), await stranger(t)]
  const { host, port } = n1.address
  const say = (socket: Socket, changes: Partial<Datagram>) =>
    socket.send(encodeDatagram({ ...header, from: 'n9', ...whole, payload: Buffer.alloc(0), ...changes }), port, host)
  const refused = (reason: RegExp) =>
    n1.until(() => n1.notices.some((notice) => notice.peer === null && reason.test(String(notice.reason))))
  const data = { payload: pack([Buffer.from(JSON.stringify(replicate('n9', 'n1')))]) }
  const greetings: Datagram[] = []
  n9.on('message', (bytes) => greetings.push(decodeDatagram(bytes)))
  say(n9, data)
  await refused(/"n9" is no peer of ours, and does not say where/)
  say(n9, { kind: 'callback', from: 'n8' })
  await refused(/"n8" is no peer of ours, and does not say where/)
  say(n9, { kind: 'hello', from: 'n1' })
  await refused(/"n1" is no peer of ours$/)
  say(n9, { kind: 'hello', from: 'n2' })
  await refused(/n2 sends from .*, not from there/)
  t.same(n1.received, [])
  say(n9, { kind: 'hello' })
  while (!greetings.some(({ kind }) => kind === 'callback')) await once(n9, 'message')
  t.notOk(
    greetings.some(({ kind }) => kind === 'hello'),
    'we do not call it a peer',
  )
  say(n9, data)
  await n1.until(() => n1.received.length === 1)
  say(elsewhere, data)
  await refused(/n9 sends from .*, not from there/)
  t.equal(n1.received.length, 1)
})

t.test('a port that is taken is said so', async (t) => {
  const all = await members(2)
  await stranger(t, addressOf(all[0]!))
  await t.rejects(new Peer(t, udp, 'n1', all).start(), { code: 'EADDRINUSE' })
})
