import { connect, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { type Address, parseAddress } from '../../src/address.js'
import { systemClock } from '../../src/clock.js'
import type { Clock, Member, Message } from '../../src/contracts.js'
import { FaultyNetwork } from '../../src/network/faults.js'
import { encodeFrames, FrameDecoder } from '../../src/network/framing.js'
import type { NetworkOptions } from '../../src/network/options.js'
import { TcpNetwork } from '../../src/network/tcp.js'
import { members, Peer } from './peers.js'

const overTcp = (options: NetworkOptions) => new FaultyNetwork(new TcpNetwork(options))

class TcpPeer extends Peer<FaultyNetwork> {
  constructor(t: Test, self: string, members: readonly Member[]) {
    super(t, overTcp, self, members)
  }
}

const message = (from: string, to: string, write: number) => ({ type: 'Replicated', from, to, write }) as Message

t.test('messages arrive as they were sent, in order on one connection', async (t) => {
  const both = await members(2)
  const [n1, n2] = [new TcpPeer(t, 'n1', both), new TcpPeer(t, 'n2', both)]
  await Promise.all([n1.start(), n2.start()])
  await n1.linkedTo('n2')
  const sent = Array.from({ length: 1_000 }, (_, at) => message('n1', 'n2', at + 1))
  for (const one of sent) n1.network.send(one)
  await n2.until(() => n2.received.length === 1_000)
  t.same(n2.received, sent)
})

t.test('R2: zero, empty and absent arrive as what they were', async (t) => {
  const both = await members(2)
  const [n1, n2] = [new TcpPeer(t, 'n1', both), new TcpPeer(t, 'n2', both)]
  await Promise.all([n1.start(), n2.start()])
  await n1.linkedTo('n2')
  const commands = [
    { command: 'set', key: 'a', value: '' },
    { command: 'cas', key: 'a', expected: null, value: '' },
    { command: 'cas', key: 'a', expected: '', value: '0' },
  ]
  const sent = commands.map((command) => ({ ...message('n1', 'n2', 1), type: 'Replicate', command }))
  for (const one of sent) n1.network.send(one)
  await n2.until(() => n2.received.length === 3)
  t.same(n2.received, sent)
})

t.test('what is sent while nobody listens is lost; a peer that returns is found again', async (t) => {
  const both = await members(2)
  const n1 = new TcpPeer(t, 'n1', both)
  await n1.start()
  n1.network.send(message('n1', 'n2', 1))
  const first = new TcpPeer(t, 'n2', both)
  await first.start()
  await n1.linkedTo('n2')
  n1.network.send(message('n1', 'n2', 2))
  await first.until(() => first.received.length > 0)
  t.same(first.received, [message('n1', 'n2', 2)], 'the first was lost')
  await first.network.stop()
  await n1.until(() => n1.notices.some(({ event }) => event === 'link_down'))
  n1.network.send(message('n1', 'n2', 3))
  const second = new TcpPeer(t, 'n2', both)
  await second.start()
  await n1.linkedTo('n2', 2)
  n1.network.send(message('n1', 'n2', 4))
  await second.until(() => second.received.length > 0)
  t.same(second.received, [message('n1', 'n2', 4)])
})

t.test('a cut link loses what is sent that way, and only that way', async (t) => {
  const both = await members(2)
  const [n1, n2] = [new TcpPeer(t, 'n1', both), new TcpPeer(t, 'n2', both)]
  await Promise.all([n1.start(), n2.start()])
  await Promise.all([n1.linkedTo('n2'), n2.linkedTo('n1')])
  n1.network.cut('n1>n2')
  n1.network.send(message('n1', 'n2', 1))
  n2.network.send(message('n2', 'n1', 2))
  await n1.until(() => n1.received.length === 1)
  n1.network.heal()
  n2.network.cut('n1>n2')
  n1.network.send(message('n1', 'n2', 3))
  n2.network.send(message('n2', 'n1', 4))
  await n1.until(() => n1.received.length === 2)
  n2.network.heal()
  n1.network.send(message('n1', 'n2', 5))
  await n2.until(() => n2.received.some((one) => 'write' in one && one.write === 5))
  t.notMatch(n2.received, [{ write: 1 }], 'lost by the sender')
})

t.test('whoever is not a peer is turned away, with a reason, and nobody else notices', async (t) => {
  const three = await members(3)
  const [n1, n2] = [new TcpPeer(t, 'n1', three), new TcpPeer(t, 'n2', three)]
  await Promise.all([n1.start(), n2.start()])
  await n2.linkedTo('n1')
  const hello = { type: 'Hello', protocol: 3, cluster: 'test', from: 'n3', to: 'n1' }
  const text = (value: unknown) => JSON.stringify(value)
  const good = text(hello)
  const strangers: [string, Buffer, RegExp][] = [
    ['garbage', Buffer.from('\x7fELF garbage\r\n'), /a frame of \d+ bytes is announced/],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /it spoke HTTP/],
    ['a line of JSON', Buffer.from('{"command":"ping"}\n'), /a frame of \d+ bytes is announced/],
    ['no JSON', encodeFrames(['hello']), /first frame is not a Hello/],
    ['no Hello', encodeFrames([text({ ...hello, type: 'Hi' })]), /first frame is not a Hello/],
    ['another version', encodeFrames([text({ ...hello, protocol: 1 })]), /speaks protocol 1, not 3/],
    ['another cluster', encodeFrames([text({ ...hello, cluster: 'other' })]), /belongs to the cluster "other"/],
    ['a wrong number', encodeFrames([text({ ...hello, to: 'n2' })]), /looking for "n2"/],
    ['a stranger', encodeFrames([text({ ...hello, from: 'n9' })]), /"n9" is no peer of ours/],
    ['ourselves', encodeFrames([text({ ...hello, from: 'n1' })]), /"n1" is no peer of ours/],
    ['not a name', encodeFrames([text({ ...hello, from: 5 })]), /5 is no peer of ours/],
    ['another name later', encodeFrames([good, text(message('n2', 'n1', 1))]), /n3 sent a message from n2 to n1/],
    ['another receiver', encodeFrames([good, text(message('n3', 'n2', 1))]), /n3 sent a message from n3 to n2/],
    [
      'an unknown message',
      encodeFrames([good, text({ ...message('n3', 'n1', 1), type: '__proto__' })]),
      /no message "__proto__"/,
    ],
    ['a wrong shape', encodeFrames([good, text(message('n3', 'n1', 0))]), /a Replicated whose fields/],
    ['no object', encodeFrames([good, 'null']), /a message is a JSON object/],
    ['a torn message', encodeFrames([good, '{"type":']), /not JSON/],
  ]
  for (const [name, bytes, reason] of strangers) {
    const [host, port] = three[0]!.peer.split(':') as [string, string]
    const before = n1.notices.length
    const socket = connect({ host, port: Number(port) })
    socket.on('error', () => {})
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    socket.write(bytes)
    await closed
    const refused = n1.notices.slice(before).find(({ event }) => event === 'peer_refused')
    t.match(refused, { reason }, name)
  }
  t.same(n1.received, [], 'no message of theirs came through')
  n2.network.send(message('n2', 'n1', 7))
  await n1.until(() => n1.received.length > 0)
  t.same(n1.received, [message('n2', 'n1', 7)])
})

t.test('where members change, a stranger is heard if it says where it could be answered', async (t) => {
  const all = await members(2)
  const n1 = new Peer(t, overTcp, 'n1', all, { isOpen: true })
  await n1.start()
  const knock = (changes: object) => {
    const socket = connect(n1.address)
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    const hello = { type: 'Hello', protocol: 3, cluster: 'test', from: 'n9', to: 'n1', ...changes }
    socket.end(encodeFrames([JSON.stringify(hello), JSON.stringify(message('n9', 'n1', 1))]))
    return new Promise((resolve) => socket.resume().once('close', resolve))
  }
  const long = `${'x'.repeat(2_000)}:1`
  for (const address of [
    undefined,
    null,
    7,
    '',
    'nowhere',
    'a b:1',
    'a:99999',
    ['a:1'],
    '127.0.0.1:0',
    '0.0.0.0:1',
    long,
    '[::::]:1',
  ]) {
    await knock({ address })
    t.match(n1.notices.at(-1), { event: 'peer_refused', reason: /"n9" is no peer of ours, and does not say where/ })
  }
  await knock({ address: `${'x'.repeat(5_000)}:1` })
  t.match(n1.notices.at(-1), { event: 'peer_refused', reason: /a frame of 5\d+ bytes is announced; at most 4096/ })
  for (const from of ['', 5, null, 'n1']) {
    await knock({ from, address: '127.0.0.1:1' })
    t.match(n1.notices.at(-1), { event: 'peer_refused', reason: /is no peer of ours$/ })
  }
  for (const cluster of ['other', undefined]) {
    await knock({ cluster, address: '127.0.0.1:1' })
    t.match(n1.notices.at(-1), { event: 'peer_refused', reason: /belongs to the cluster/ })
  }
  t.same(n1.received, [])
  for (const address of ['127.0.0.1:1', '[::1]:1', 'no.such.host.invalid:1']) {
    const heard = n1.received.length
    await Promise.all([knock({ address }), n1.until(() => n1.received.length > heard)])
  }
  t.equal(n1.received.length, 3, 'whether it can be reached there is another matter, and harms nobody')
})

t.test('who is refused knocks less and less often', async (t) => {
  const both = await members(2)
  const pauses: number[] = []
  const clock: Clock = {
    ...systemClock,
    now: () => 0,
    after(ms, task) {
      if (ms > 500) return systemClock.after(ms, task)
      pauses.push(ms)
      return systemClock.after(0, task)
    },
  }
  const n1 = new Peer(t, (options) => new TcpNetwork({ ...options, clock }), 'n1', both, { electionMs: 10_000 })
  const n2 = new TcpPeer(t, 'n2', both.slice(1))
  await Promise.all([n1.start(), n2.start()])
  await n1.until(() => n1.links('n2').filter((change) => change === 'down').length >= 8)
  t.ok(pauses.at(-1)! >= 250, `the last pause is ${pauses.at(-1)} ms`)
})

t.test('a peer that does not read costs bounded memory: what does not fit is lost', async (t) => {
  const both = await members(2)
  const n1 = new TcpPeer(t, 'n1', both)
  const [host, port] = both[1]!.peer.split(':') as [string, string]
  const deaf = createServer((socket) => void socket.pause())
  await new Promise<void>((resolve) => deaf.listen(Number(port), host, resolve))
  t.teardown(() => deaf.close())
  await n1.start()
  await n1.linkedTo('n2')
  const before = process.memoryUsage().arrayBuffers
  const big = {
    ...message('n1', 'n2', 1),
    type: 'Replicate',
    command: { command: 'set', key: 'k', value: 'x'.repeat(1_000_000) },
  }
  for (let count = 0; count < 200; count++) {
    n1.network.send(big as Message)
    await new Promise(setImmediate)
  }
  const grownMiB = (process.memoryUsage().arrayBuffers - before) / 1024 / 1024
  t.ok(grownMiB < 64, `200 MB were sent; ${grownMiB.toFixed(0)} MiB are held`)
})

const probe = encodeFrames([''])

interface Acceptor {
  connections: number
  /** Frames that came, on all connections: probes are empty. */
  readonly frames: string[]
  /** True while each piece that comes is answered with a probe. */
  answers: boolean
}

/** Accepts a node's connections at a member's address, as a node of an earlier build does, or of this one. */
async function acceptor(t: Test, member: Member, answers: boolean): Promise<Acceptor> {
  const seen: Acceptor = { connections: 0, frames: [], answers }
  const server = createServer((socket) => {
    seen.connections++
    const decoder = new FrameDecoder()
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      for (let next = decoder.next(); next && 'bytes' in next; next = decoder.next()) {
        seen.frames.push(next.bytes.toString())
      }
      if (seen.answers) socket.write(probe)
    })
  })
  await new Promise<void>((resolve) => server.listen(parseAddress(member.peer)!, resolve))
  t.teardown(() => server.close())
  return seen
}

const swift = { electionMs: 100 }

t.test('a peer that stopped to answer probes is given up; one of an earlier build is not probed', async (t) => {
  const [first, second, third] = await members(3)
  const n1 = new Peer(t, overTcp, 'n1', [first!, second!, third!], swift)
  const old = await acceptor(t, second!, false)
  const present = await acceptor(t, third!, true)
  await n1.start()
  await Promise.all([n1.linkedTo('n2'), n1.linkedTo('n3')])
  while (present.frames.length < 12) await new Promise((resolve) => setImmediate(resolve))
  t.same(n1.links('n3'), ['up'])
  t.same([...new Set(present.frames.slice(1))], [''], 'after the hello there were only probes')
  present.answers = false
  await n1.until(() => n1.links('n3').includes('down'))
  while (present.connections < 3) await new Promise((resolve) => setImmediate(resolve))
  t.same(n1.links('n3'), ['up', 'down'], 'a connection on which nobody speaks is no link')
  t.equal(old.connections, 1)
  t.equal(old.frames.length, 1, 'nothing but a hello')
  t.same(n1.links('n2'), ['up'])
})

t.test('a caller that probes is answered, and given up when it is silent; others are left alone', async (t) => {
  const three = await members(3)
  const n1 = new Peer(t, overTcp, 'n1', three)
  await n1.start()
  const call = (from: string, changes: object) => {
    const socket = connect(n1.address)
    t.teardown(() => socket.destroy())
    const said: Buffer[] = []
    socket.on('data', (chunk) => void said.push(chunk as Buffer))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const hello = { type: 'Hello', protocol: 3, cluster: 'test', from, to: 'n1', ...changes }
    socket.write(encodeFrames([JSON.stringify(hello), JSON.stringify(message(from, 'n1', 1))]))
    return { socket, said, closed }
  }
  const earlier = call('n2', {})
  await n1.until(() => n1.received.length === 1)
  const present = call('n3', { probeMs: 10 })
  await present.closed
  t.same(Buffer.concat(present.said).subarray(0, probe.length), probe)
  for (const probeMs of [0, -1, 1e12, '10', null, [10]]) {
    const odd = call('n3', { probeMs })
    await n1.until(() => n1.received.length > 1)
    n1.received.splice(1)
    t.same(odd.said, [], `probes every ${JSON.stringify(probeMs)} ms are not believed`)
  }
  t.same(earlier.said, [])
  t.notOk(earlier.socket.destroyed)
})

/** Passes on to another port what comes to this one, at a few megabytes a second. */
async function slowRelay(t: Test, from: Address, to: Address): Promise<void> {
  const server = createServer((socket) => {
    const onward = connect(to)
    for (const one of [socket, onward])
      one.on('error', () => {}).on('close', () => [socket, onward].map((end) => end.destroy()))
    onward.pipe(socket)
    const pass = () => {
      const piece = socket.read(Math.min(16 * 1024, socket.readableLength)) as Buffer | null
      if (piece) onward.write(piece)
      if (!onward.destroyed) setTimeout(pass, 5)
    }
    pass()
  })
  await new Promise<void>((resolve) => server.listen(from, resolve))
  t.teardown(() => server.close())
}

t.test('a long message that takes many probes to arrive is no dead link', async (t) => {
  const [first, second, relay] = await members(3)
  const far = { ...second!, peer: relay!.peer }
  const [n1, n2] = [
    new Peer(t, overTcp, 'n1', [first!, far], swift),
    new Peer(t, overTcp, 'n2', [first!, second!], swift),
  ]
  await slowRelay(t, parseAddress(far.peer)!, parseAddress(second!.peer)!)
  await Promise.all([n1.start(), n2.start()])
  await n1.linkedTo('n2')
  const command = { command: 'set', key: 'k', value: 'x'.repeat(1_000_000) }
  const long = { ...message('n1', 'n2', 1), type: 'Replicate', command }
  n1.network.send(long)
  await n2.until(() => n2.received.length > 0)
  t.same(n2.received, [long])
  t.same(n1.links('n2'), ['up'])
})

t.test('a peer that is heard again is called at once, not after a pause', async (t) => {
  const both = await members(2)
  let now = 0
  const timeless: Clock = { ...systemClock, now: () => (now += 1_000), after: () => () => {} }
  const n1 = new Peer(t, (options) => new TcpNetwork({ ...options, clock: timeless }), 'n1', both)
  await n1.start()
  const knock = connect(parseAddress(both[1]!.peer)!)
  await new Promise((resolve) => knock.once('error', resolve))
  const n2 = new TcpPeer(t, 'n2', both)
  await n2.start()
  await n1.linkedTo('n2')
  t.pass('although no timer of its own ever ran out')
})
