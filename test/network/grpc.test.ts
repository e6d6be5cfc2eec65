import dns from 'node:dns'
import { connect } from 'node:net'
import { Client, type ClientDuplexStream, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/clock.js'
import type { Clock, Member, Message } from '../../src/contracts.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { loadProtos, Protos } from '../../src/network/grpc-protos.js'
import { outboxBytes, packetBytes, speakPath } from '../../src/network/grpc-wire.js'
import stage from '../../stages/2-naive-replication/stage.js'
import { schemas } from '../../stages/schemas.js'
import { members, Peer } from './peers.js'

class GrpcPeer extends Peer<GrpcNetwork> {
  constructor(t: Test, self: string, members: readonly Member[], clock = systemClock) {
    super(t, (options) => new GrpcNetwork({ ...options, schemas }), self, members, {
      clock,
      codec: protobufCodec(stage, schemas),
    })
  }
}

async function pair(t: Test): Promise<[GrpcPeer, GrpcPeer, Member[]]> {
  const both = await members(2)
  const [n1, n2] = [new GrpcPeer(t, 'n1', both), new GrpcPeer(t, 'n2', both)]
  await Promise.all([n1.start(), n2.start()])
  await n1.linkedTo('n2')
  return [n1, n2, both]
}

const message = (from: string, to: string, write: number) => ({ type: 'Replicated', from, to, write }) as Message
const replicate = (command: object) => ({ ...message('n1', 'n2', 1), type: 'Replicate', command }) as Message

t.test('messages arrive as they were sent, in order on one stream', async (t) => {
  const [n1, n2] = await pair(t)
  const sent = Array.from({ length: 1_000 }, (_, at) => message('n1', 'n2', at + 1))
  for (const one of sent) n1.network.send(one)
  await n2.until(() => n2.received.length === 1_000)
  t.same(n2.received, sent)
})

t.test('R2: zero, empty and absent arrive as what they were', async (t) => {
  const [n1, n2] = await pair(t)
  const sent = [
    { command: 'set', key: 'a', value: '' },
    { command: 'cas', key: 'a', expected: null, value: '' },
    { command: 'cas', key: 'a', expected: '', value: '0' },
    { command: 'set', key: 'a', value: 'x'.repeat(1024 * 1024) },
  ].map(replicate)
  for (const one of sent) n1.network.send(one)
  await n2.until(() => n2.received.length === sent.length)
  t.same(n2.received, sent)
})

t.test('what cannot arrive unchanged is not sent, and said', async (t) => {
  const [n1, n2] = await pair(t)
  n1.network.send(message('n1', 'n2', 2 ** 53))
  n1.network.send(replicate({ command: 'set', key: 'a', value: 'x'.repeat(packetBytes) }))
  n1.network.send(message('n1', 'n2', 7))
  await n2.until(() => n2.received.length > 0)
  t.same(n2.received, [message('n1', 'n2', 7)])
  t.match(
    n1.notices.filter(({ event }) => event === 'message_unsent'),
    [
      { peer: 'n2', type: 'Replicated', reason: /Replicated\.write is over 2\^53 - 1/ },
      { peer: 'n2', type: 'Replicate', reason: /too many for one message/ },
    ],
  )
})

t.test('what is sent while nobody listens is lost; a peer that returns is found again', async (t) => {
  const both = await members(2)
  const n1 = new GrpcPeer(t, 'n1', both)
  await n1.start()
  n1.network.send(message('n1', 'n2', 1))
  for (const [life, write] of [2, 4, 6].entries()) {
    const n2 = new GrpcPeer(t, 'n2', both)
    await n2.start()
    await n1.linkedTo('n2', life + 1)
    n1.network.send(message('n1', 'n2', write))
    await n2.until(() => n2.received.length > 0)
    t.same(n2.received, [message('n1', 'n2', write)], 'what was sent before is lost')
    await n2.network.stop()
    await n1.until(() => n1.notices.filter(({ event }) => event === 'link_down').length > life)
    n1.network.send(message('n1', 'n2', write + 1))
  }
})

t.test('a peer that is known by a name is found, and found again; gRPC looks up no name itself', async (t) => {
  const asked: unknown[] = []
  const { lookup } = dns.promises
  dns.promises.lookup = ((...args: Parameters<typeof lookup>) => {
    asked.push(args[0])
    return lookup(...args)
  }) as typeof lookup
  t.teardown(() => {
    dns.promises.lookup = lookup
  })
  const both = await members(2)
  const named = both.map((member) => ({ ...member, peer: member.peer.replace('127.0.0.1', 'localhost') }))
  const n1 = new GrpcPeer(t, 'n1', [both[0]!, named[1]!])
  await n1.start()
  for (const life of [1, 2]) {
    const n2 = new GrpcPeer(t, 'n2', both)
    await n2.start()
    await n1.linkedTo('n2', life)
    await n1.deliver(n2, message('n1', 'n2', life))
    await n2.network.stop()
  }
  t.same(asked, [])
})

const packet = new Protos(loadProtos(schemas, [schemas.peer])).message('Packet')
const hello = { protocol: 3, cluster: 'test', from: 'n3', to: 'n1' }

/** Whoever speaks gRPC and says these packets; resolves when it is over, with the status. */
async function say(t: Test, address: string, packets: readonly Buffer[]) {
  const same = (bytes: Buffer) => bytes
  const client = new Client(address, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 })
  t.teardown(() => client.close())
  const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(speakPath, same, same)
  call.on('error', () => {})
  call.resume()
  for (const one of packets) call.write(one)
  return new Promise<{ code: number; details: string }>((resolve) => call.once('status', resolve))
}

/** Whoever speaks something else; resolves when the connection is closed. */
async function shout(address: string, bytes: Buffer): Promise<void> {
  const [host, port] = address.split(':') as [string, string]
  const socket = connect({ host, port: Number(port) })
  socket.on('error', () => {})
  socket.resume()
  socket.write(bytes)
  await new Promise((resolve) => socket.once('close', resolve))
}

t.test('whoever is not a peer is turned away, with a reason, and nobody else notices', async (t) => {
  const three = await members(3)
  const [n1, n2] = [new GrpcPeer(t, 'n1', three), new GrpcPeer(t, 'n2', three)]
  await Promise.all([n1.start(), n2.start()])
  await n2.linkedTo('n1')
  const refusal = (from: number) => n1.notices.slice(from).find(({ event }) => event === 'peer_refused')
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

  for (const [name, text, reason] of [
    ['HTTP/1', 'GET / HTTP/1.1\r\n\r\n', /does not speak HTTP\/2/],
    ['a line of JSON', '{"command":"ping"}\n', /does not speak HTTP\/2/],
    ['a frame of JSON', '\0\0\0\u0012{"command":"ping"}', /does not speak HTTP\/2/],
    ['garbage after a good beginning', `${preface}${'\xff'.repeat(64)}`, /broke the rules of HTTP\/2/],
  ] as const) {
    const before = n1.notices.length
    await shout(three[0]!.peer, Buffer.from(text, 'latin1'))
    await n1.until(() => refusal(before) !== undefined)
    t.match(refusal(before), { reason, peer: null, remote: '127.0.0.1' }, name)
  }

  const first = (changes: object = {}) => packet.encode({ hello: { ...hello, ...changes } })
  const codec = protobufCodec(stage, schemas)
  const batch = (...messages: Uint8Array[]) => packet.encode({ batch: { messages } })
  const good = codec.encode(message('n3', 'n1', 1))
  const strangers: [string, Buffer[], RegExp][] = [
    ['no protobuf', [Buffer.from('hello')], /cut short|wire type/],
    ['an empty packet', [Buffer.alloc(0)], /first packet is not a Hello/],
    ['no Hello', [batch(good)], /first packet is not a Hello/],
    ['another version', [first({ protocol: 1 })], /speaks protocol 1, not 3/],
    ['another cluster', [first({ cluster: 'other' })], /belongs to the cluster "other"/],
    ['a wrong number', [first({ to: 'n2' })], /looking for "n2"/],
    ['a stranger', [first({ from: 'n9' })], /"n9" is no peer of ours/],
    ['ourselves', [first({ from: 'n1' })], /"n1" is no peer of ours/],
    ['another name later', [first(), batch(codec.encode(message('n2', 'n1', 1)))], /n3 sent a message from n2 to n1/],
    ['another receiver', [first(), batch(codec.encode(message('n3', 'n2', 1)))], /n3 sent a message from n3 to n2/],
    ['a second Hello', [first(), first()], /a packet without messages/],
    ['a torn message', [first(), batch(good.subarray(0, -1))], /cut short/],
    ['a wrong shape', [first(), batch(codec.encode(message('n3', 'n1', 0)))], /a Replicated whose fields/],
    ['too long', [first(), Buffer.alloc(packetBytes * 2)], /larger than max/],
  ]
  for (const [name, packets, reason] of strangers) {
    const before = n1.notices.length
    const { code, details } = await say(t, three[0]!.peer, packets)
    t.not(code, 0, name)
    t.match(details, reason, `${name}: the stranger is told`)
    t.match(refusal(before), { reason, remote: '127.0.0.1' }, `${name}: and we are`)
  }

  t.same(n1.received, [], 'no message of theirs came through')
  n2.network.send(message('n2', 'n1', 7))
  await n1.until(() => n1.received.length > 0)
  t.same(n1.received, [message('n2', 'n1', 7)])
})

t.test('where members change, a stranger is heard if it says where it could be answered', async (t) => {
  const all = await members(2)
  const codec = protobufCodec(stage, schemas)
  const n1 = new Peer(t, (options) => new GrpcNetwork({ ...options, schemas }), 'n1', all, { codec, isOpen: true })
  await n1.start()
  const knock = (changes: object) => {
    const batch = { messages: [codec.encode(message('n9', 'n1', 1))] }
    const packets = [{ hello: { ...hello, from: 'n9', ...changes } }, { batch }].map((one) => packet.encode(one))
    return say(t, all[0]!.peer, packets)
  }
  const wrong = ['', 'nowhere', '127.0.0.1:0', '0.0.0.0:1', `${'x'.repeat(2_000)}:1`, '[::::]:1', 'a/b%c?d:1']
  for (const changes of [{}, ...wrong.map((address) => ({ address }))]) {
    t.match((await knock(changes)).details, /"n9" is no peer of ours, and does not say where/)
  }
  for (const from of ['', 'n1']) t.match((await knock({ from, address: '127.0.0.1:1' })).details, /no peer of ours$/)
  t.match((await knock({ address: `${'x'.repeat(5_000)}:1` })).details, /first packet is longer than a Hello/)
  t.match((await knock({ cluster: 'other', address: '127.0.0.1:1' })).details, /belongs to the cluster/)
  t.same(n1.received, [])
  for (const address of ['127.0.0.1:1', '[::1]:1', 'no.such.host.invalid:1']) {
    const heard = n1.received.length
    void knock({ address })
    await n1.until(() => n1.received.length > heard)
  }
  t.equal(n1.received.length, 3, 'whether it can be reached there is another matter, and harms nobody')
})

t.test(
  'whoever says nothing is turned away after a while, and a peer that says no Welcome is asked again',
  async (t) => {
    const both = await members(2)
    let pace = 50
    const hasty: Clock = { ...systemClock, after: (ms, task) => systemClock.after(ms / pace, task) }
    const n1 = new GrpcPeer(t, 'n1', both, hasty)
    const asked: unknown[] = []
    const mute = new Server()
    t.teardown(() => mute.forceShutdown())
    const { Speak } = new Protos(loadProtos(schemas, [schemas.peer])).service('RaftService')
    mute.addService({ Speak: Speak! }, { Speak: (call: unknown) => void asked.push(call) })
    await new Promise((resolve) => mute.bindAsync(both[1]!.peer, ServerCredentials.createInsecure(), resolve))
    await n1.start()
    const cases = [
      [50, () => shout(both[0]!.peer, Buffer.alloc(0)), /did not say what it wants/],
      [50, () => shout(both[0]!.peer, Buffer.from('PRI * HTTP/2.0')), /did not say what it wants/],
      // The connection and its stream are there long before the time is up, also on a busy machine.
      [1, () => say(t, both[0]!.peer, []), /did not say who it is/],
    ] as const
    for (const [quicker, stay, reason] of cases) {
      pace = quicker
      const before = n1.notices.length
      await stay()
      t.match(n1.notices.slice(before), [{ event: 'peer_refused', reason }])
    }
    pace = 50
    await new Promise<void>((resolve) => {
      const look = () => (asked.length > 2 ? resolve() : setImmediate(look))
      look()
    })
    t.notOk(n1.notices.some(({ event }) => event === 'link_up'))
  },
)

t.test('a peer that does not read costs bounded memory: what does not fit is lost', async (t) => {
  const both = await members(2)
  const n1 = new GrpcPeer(t, 'n1', both)
  const deaf = new Server()
  t.teardown(() => deaf.forceShutdown())
  const same = (bytes: Buffer) => bytes
  const { Speak } = new Protos(loadProtos(schemas, [schemas.peer])).service('RaftService')
  deaf.addService(
    { Speak: { ...Speak!, responseSerialize: same } },
    {
      Speak: (call: { once(event: 'data', listener: () => void): void; pause(): void; write(bytes: Buffer): void }) => {
        call.once('data', () => {
          call.pause()
          call.write(Buffer.alloc(0))
        })
      },
    },
  )
  await new Promise((resolve) => deaf.bindAsync(both[1]!.peer, ServerCredentials.createInsecure(), resolve))
  await n1.start()
  await n1.linkedTo('n2')
  const before = process.memoryUsage().arrayBuffers
  const big = replicate({ command: 'set', key: 'k', value: 'x'.repeat(1_000_000) })
  for (let count = 0; count < 200; count++) {
    n1.network.send(big)
    await new Promise(setImmediate)
  }
  const grownMiB = (process.memoryUsage().arrayBuffers - before) / 1024 / 1024
  t.notOk(n1.notices.some(({ event }) => event === 'link_down'))
  t.ok(grownMiB < (4 * outboxBytes) / 1024 / 1024, `200 MB were sent; ${grownMiB.toFixed(0)} MiB are held`)
})
