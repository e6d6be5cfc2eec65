import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Answer } from '../../src/contracts.js'
import { payloadBytes } from '../../src/network/datagrams.js'
import { guestFragments, messageBytes, Reassembly } from '../../src/network/fragments.js'
import { encodeFrames } from '../../src/network/framing.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import type { CallBounds } from '../../src/network/grpc-wire.js'
import { TcpNetwork } from '../../src/network/tcp.js'
import membership from '../../stages/8-membership/stage.js'
import { schemas } from '../../stages/schemas.js'
import { members, Peer, replicate } from './peers.js'

const mebibyte = 1024 * 1024
const ok: Answer = { ok: true }

/** However it ends. */
const closing = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

async function listener(t: Test) {
  const all = await members(2)
  const n1 = new Peer(t, (options) => new TcpNetwork(options), 'n1', all, { isOpen: true })
  await n1.start()
  const open = () => {
    const socket = connect(n1.address)
    socket.on('error', () => {}).resume()
    t.teardown(() => socket.destroy())
    return socket
  }
  const speak = (from: string) => {
    const socket = open()
    const hello = { type: 'Hello', protocol: 3, cluster: 'test', from, to: 'n1', address: '127.0.0.1:1' }
    socket.write(encodeFrames([JSON.stringify(hello), JSON.stringify(replicate(from, 'n1'))]))
    return socket
  }
  const reasons = () => n1.notices.filter(({ event }) => event === 'peer_refused').map(({ reason }) => String(reason))
  return { n1, open, speak, reasons }
}

const announced = Buffer.from([0, 0xff, 0xff, 0xff])

t.test('tcp: before a hello nothing longer than a hello is taken, and few may be silent', async (t) => {
  const { n1, open, reasons } = await listener(t)
  const loud = open()
  const refused = closing(loud)
  loud.write(Buffer.concat([announced, Buffer.alloc(mebibyte)]))
  await refused
  t.match(reasons(), [/a frame of 16777215 bytes is announced; at most 4096/])
  const silent: Socket[] = []
  for (let count = 0; count < 100; count++) {
    const socket = open()
    silent.push(socket)
    await once(socket, 'connect')
  }
  await until(() => silent.filter(({ destroyed }) => destroyed).length >= 36)
  t.ok(silent.at(-1)!.destroyed === false, 'the oldest made room')
  const n2 = new Peer(t, (options) => new TcpNetwork(options), 'n2', [
    { id: 'n1', client: '127.0.0.1:1', peer: `${n1.address.host}:${n1.address.port}` },
    ...(await members(2)).slice(1),
  ])
  await n2.start()
  await n2.linkedTo('n1')
})

t.test('tcp: one connection of a node is heard, the last', async (t) => {
  const { n1, speak } = await listener(t)
  for (const from of ['n2', 'guest']) {
    const first = speak(from)
    await until(() => n1.received.some((message) => message.from === from))
    const heard = n1.received.length
    const ended = closing(first)
    const second = speak(from)
    await ended
    await until(() => n1.received.length > heard)
    t.notOk(second.destroyed, from)
  }
})

t.test('tcp: unfinished frames of guests are bounded over all of them', async (t) => {
  const { n1, speak, reasons } = await listener(t)
  const before = process.memoryUsage().arrayBuffers
  const guests: Socket[] = []
  let most = 0
  for (let count = 0; count < 12; count++) {
    const socket = speak(`guest${count}`)
    guests.push(socket)
    await until(() => n1.received.length > count)
    const piece = Buffer.alloc(mebibyte)
    socket.write(announced)
    for (let sent = 0; sent < 15 && !socket.destroyed; sent++) {
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()))
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
  }
  await until(() => guests.filter(({ destroyed }) => destroyed).length >= 8)
  t.ok(reasons().every((reason) => /unfinished frames of those that are no peers/.test(reason)))
  t.ok(
    most < 192 * mebibyte,
    `180 MiB were sent; ${(most / mebibyte).toFixed(0)} MiB were held at most, garbage included`,
  )
})

t.test('udp: fragments of guests are bounded over all of them, those of a member are not lost for it', async (t) => {
  const tally = guestFragments()
  const guests = Array.from({ length: 16 }, () => new Reassembly(tally))
  const member = new Reassembly(tally)
  const payload = Buffer.alloc(payloadBytes - 2)
  member.add({ session: 1, number: 1, index: 0, count: 2, payload }, 0, false)
  for (let index = 0; index < 10_000; index++) {
    for (const guest of guests) guest.add({ session: 1, number: index, index: 0, count: 2, payload }, 0, true)
  }
  const held = guests.reduce((sum, guest) => sum + guest.held, 0)
  t.ok(held <= 3 * messageBytes, `${held} bytes`)
  t.equal(held, tally.held)
  t.equal(member.add({ session: 1, number: 1, index: 1, count: 2, payload }, 0, false)?.length, 2 * payload.length)
  for (const guest of guests) guest.clear()
  t.equal(tally.held, 0)
})

/** A node that answers gRPC calls, and a client of HTTP/2 that does with them what it likes. */
async function caller(t: Test, ask: GrpcAsk, callBounds: Partial<CallBounds> = {}) {
  const all = await members(1)
  const n1 = new Peer(
    t,
    (options) => new GrpcNetwork({ ...options, schemas, served: { ask, stage: membership }, callBounds }),
    'n1',
    all,
  )
  await n1.start()
  const open = () => {
    const session = connectHttp2(`http://${all[0]!.peer}`)
    session.on('error', () => {})
    t.teardown(() => session.destroy())
    const call = (rpc: string, headers: object = {}) => {
      const path = `/raftroadmap.${rpc === 'Reconfigure' ? 'MembershipService' : 'AppService'}/${rpc}`
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      stream.on('error', () => {})
      return stream
    }
    return { session, call }
  }
  return { n1, open }
}
type GrpcAsk = (candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void) => void

/** A message as gRPC has it: whether it is compressed, its length, itself. */
function packet(bytes: Buffer, length = bytes.length): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(length, 1)
  return Buffer.concat([head, bytes])
}

const text = (field: number, bytes: Buffer) => Buffer.concat([Buffer.from([field * 8 + 2, bytes.length]), bytes])
const key = packet(text(1, Buffer.from('k')))

t.test('gRPC: what would change silently is said instead', async (t) => {
  const asked: unknown[] = []
  const { open } = await caller(t, (candidate, answer) => {
    asked.push(candidate)
    answer(ok)
  })
  const { call } = open()
  const say = async (rpc: string, bytes: Buffer) => {
    const stream = call(rpc)
    let came = ''
    stream.on('data', (chunk) => (came += chunk))
    stream.end(packet(bytes))
    await once(stream, 'end')
    return came
  }
  for (const [rpc, bytes, reason] of [
    ['Get', text(1, Buffer.from([0x61, 0xff])), /bad_request.*key is not UTF-8/s],
    ['Set', text(2, Buffer.from([0xed, 0xa0, 0x80])), /bad_request.*value is not UTF-8/s],
    ['Get', Buffer.concat([text(1, Buffer.from('a')), text(1, Buffer.from('b'))]), /GetRequest.key is there twice/],
    ['Get', text(9, Buffer.from('a')), /GetRequest has no field number 9/],
    ['Scan', Buffer.from([0x18, 0x81, 0x80, 0x80, 0x80, 0x10]), /limit is over 2\^32 - 1/],
    ['Reconfigure', Buffer.alloc(200_000, Buffer.from([0x0a, 0x00])), /more than 65536 fields/],
    ['Get', Buffer.from([0x0a, 0x05, 0x61]), /it is cut short/],
  ] as const) {
    t.match(await say(rpc, bytes), reason, rpc)
  }
  t.same(asked, [])
  t.notMatch(await say('Get', text(1, Buffer.from('é'))), /error/)
  t.same(asked, [{ command: 'get', key: 'é' }])
})

t.test('gRPC: a client that does not take its answers gets no more, and is dropped', async (t) => {
  const value = 'x'.repeat(mebibyte)
  const { n1, open } = await caller(t, (_, answer) => answer({ ok: true, value }), {
    answerBytes: 8 * mebibyte,
    slowestMs: 500,
    sweepMs: 20,
  })
  const { session, call } = open()
  // However it ends: Node 22 and later tell an error first.
  const closed = new Promise((resolve) => session.on('error', () => {}).once('close', resolve))
  for (let count = 0; count < 100; count++) call('Get').end(key)
  await closed
  t.match(n1.notices, [{ event: 'client_dropped', reason: /took nothing of its answers/ }])
})

t.test('gRPC: packets that do not arrive whole are bounded, in bytes and in time', async (t) => {
  const { open } = await caller(t, (_, answer) => answer(ok), { unfinishedBytes: 2 * mebibyte })
  const { call } = open()
  const refused: unknown[] = []
  for (let count = 0; count < 40; count++) {
    const stream = call('Set')
    stream.on('trailers', (headers) => refused.push(headers['grpc-message']))
    stream.on('response', (headers) => refused.push(headers['grpc-message']))
    stream.write(packet(Buffer.alloc(mebibyte / 4), 8 * mebibyte))
  }
  await until(() => refused.length > 20)
  t.match(decodeURI(String(refused[0])), /too many unfinished packets are held/)
  const patient = await caller(t, (_, answer) => answer(ok), { slowestMs: 100, sweepMs: 20 })
  const slow = patient.open().call('Set')
  slow.write(packet(Buffer.alloc(10), 1_000))
  const [headers] = (await once(slow, 'response')) as [Record<string, string>]
  t.match(decodeURI(headers['grpc-message']!), /did not arrive whole in time/)
})

t.test('gRPC: calls and requests are bounded, and compressed packets not taken', async (t) => {
  let waiting = 0
  const { open } = await caller(t, () => waiting++, { calls: 10 })
  const { call } = open()
  for (let count = 0; count < 10; count++) call('Get').end(key)
  await until(() => waiting === 10)
  const eleventh = call('Get')
  eleventh.end(key)
  const [headers] = (await once(eleventh, 'response')) as [Record<string, string>]
  t.match(headers, { 'grpc-status': '8', 'grpc-message': /10%20calls/ })
  const packed = (await caller(t, (_, answer) => answer(ok))).open().call('Get', { 'grpc-encoding': 'gzip' })
  packed.end(key)
  const [refused] = (await once(packed, 'response')) as [Record<string, string>]
  t.match(decodeURI(refused['grpc-message']!), /compressed packets are not taken/)
})
