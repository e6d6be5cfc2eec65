/**
 * Versions of the protocol between nodes: each hello tells a range, the highest common version is spoken, and two nodes
 * without one refuse each other and say why. A node of release 0.1 tells no range, and speaks version 3.
 */
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Codec, Greeting, Member } from '../../src/contracts.js'
import { decodeDatagram, encodeDatagram } from '../../src/network/datagrams.js'
import { FrameDecoder } from '../../src/network/framing.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import type { NetworkOptions } from '../../src/network/options.js'
import { highestCommon, protocols, type Release, releaseIn } from '../../src/network/protocols.js'
import { TcpNetwork } from '../../src/network/tcp.js'
import { UdpNetwork } from '../../src/network/udp.js'
import { schemas } from '../../stages/schemas.js'
import { type Make, members, Peer, replicate } from './peers.js'
import { stage } from './stage.js'

const kinds: Record<'tcp' | 'grpc' | 'udp', { make: Make; codec: Codec }> = {
  tcp: { make: (options: NetworkOptions) => new TcpNetwork(options), codec: jsonCodec(stage) },
  grpc: {
    make: (options: NetworkOptions) => new GrpcNetwork({ ...options, schemas }),
    codec: protobufCodec(stage, schemas),
  },
  udp: { make: (options: NetworkOptions) => new UdpNetwork(options), codec: jsonCodec(stage) },
}

const range = (from: number, to: number): Release => ({ protocols: { from, to } })

t.test('the highest common version of two ranges', async (t) => {
  t.equal(highestCommon({ from: 3, to: 5 }, { from: 4, to: 9 }), 5)
  t.equal(highestCommon({ from: 3, to: 3 }, { from: 3, to: 4 }), 3)
  t.equal(highestCommon({ from: 3, to: 4 }, { from: 5, to: 6 }), null)
  t.ok(protocols.from <= protocols.to)
})

t.test('what a stranger says of its release is read with care', async (t) => {
  t.same(releaseIn(null), {})
  t.same(releaseIn({ protocols: { from: 4, to: 3 }, stage: 'x', features: 'x' }), {})
  t.same(releaseIn({ protocols: { from: 0, to: 3 }, stage: -1, features: [1, null, 'x'.repeat(65)] }), {})
  t.same(releaseIn({ protocols: { from: 3, to: 4, more: 1 }, stage: 9, features: ['a', 7, 'b'] }), {
    protocols: { from: 3, to: 4 },
    stage: 9,
    features: ['a', 'b'],
  })
})

for (const [name, kind] of Object.entries(kinds)) {
  const pair = async (t: Test, one: Release, other: Release, order: readonly Member[] | null = null) => {
    const both = order ?? (await members(2))
    const peer = (self: string, release: Release) =>
      new Peer(t, kind.make, self, both, { codec: kind.codec, release, electionMs: 200 })
    const nodes = [peer('n1', one), peer('n2', other)] as const
    await Promise.all(nodes.map((node) => node.start()))
    return nodes
  }

  t.test(`${name}: two nodes whose ranges overlap talk, both ways`, async (t) => {
    const [n1, n2] = await pair(t, range(3, 4), range(4, 5))
    await n1.deliver(n2, replicate('n1', 'n2'))
    await n2.deliver(n1, replicate('n2', 'n1'))
    t.notOk([...n1.notices, ...n2.notices].some(({ event }) => event.endsWith('_mismatch')))
  })

  t.test(`${name}: two nodes without a common version refuse each other, and both say which they speak`, async (t) => {
    const [n1, n2] = await pair(t, range(3, 4), range(5, 6))
    const mismatch = ({ event }: { event: string }) => event === 'protocol_mismatch'
    await n1.until(() => n1.notices.some(mismatch))
    await n2.until(() => n2.notices.some(mismatch))
    t.match(n1.notices.find(mismatch), { peer: 'n2', own: '3 to 4', theirs: '5 to 6' })
    t.match(n2.notices.find(mismatch), { peer: 'n1', own: '5 to 6', theirs: '3 to 4' })
    n1.network.send(replicate('n1', 'n2'))
    t.equal(n1.notices.filter(mismatch).length, 1, 'once, however often they meet')
    t.equal(n2.received.length, 0)
  })

  t.test(`${name}: two nodes of different stages refuse each other`, async (t) => {
    const [n1, n2] = await pair(t, { stage: 8 }, { stage: 9 })
    const mismatch = ({ event }: { event: string }) => event === 'stage_mismatch'
    await n1.until(() => n1.notices.some(mismatch))
    await n2.until(() => n2.notices.some(mismatch))
    t.match(n1.notices.find(mismatch), { peer: 'n2', own: 8, theirs: 9 })
    t.match(n2.notices.find(mismatch), { peer: 'n1', own: 9, theirs: 8 })
  })

  t.test(`${name}: a node that comes back with other versions is found again`, async (t) => {
    const both = await members(2)
    const [n1, n2] = await pair(t, range(3, 4), range(3, 4), both)
    await n1.deliver(n2, replicate('n1', 'n2'))
    await n2.network.stop()
    const older = new Peer(t, kind.make, 'n2', both, { codec: kind.codec, release: range(3, 3), electionMs: 200 })
    await older.start()
    await n1.deliver(older, replicate('n1', 'n2'))
    await older.deliver(n1, replicate('n2', 'n1'))
  })

  t.test(`${name}: a node hears which features its peers know, and when they are gone`, async (t) => {
    const both = await members(2)
    const heard: Greeting[] = []
    const watch = (release: Release) => (options: NetworkOptions) => kind.make({ ...options, release })
    const n2 = new Peer(t, watch({ features: ['a', 'b'] }), 'n2', both, { codec: kind.codec, electionMs: 200 })
    const n1 = kind.make({
      ...{ self: 'n1', members: both, cluster: 'test', isOpen: false, codec: kind.codec, electionMs: 200 },
      ...{ notice() {}, clock: systemClock, random: systemRandom },
    })
    t.teardown(() => n1.stop())
    let told = () => {}
    const until = async (condition: () => boolean) => {
      while (!condition())
        await new Promise<void>((resolve) => {
          told = resolve
        })
    }
    await n1.start(
      () => {},
      () => {},
      (peer) => {
        heard.push(peer)
        told()
      },
    )
    await n2.start()
    await until(() => heard.some(({ features }) => features?.join() === 'a,b'))
    t.match(heard.at(-1), { id: 'n2', features: ['a', 'b'] })
    await n2.network.stop()
    await until(() => heard.at(-1)!.features === null)
  })
}

t.test('tcp: a node of release 0.1 reads the hello, and is spoken to in its version', async (t) => {
  const both = await members(2)
  const hellos: Record<string, unknown>[] = []
  const decoder = new FrameDecoder(4_096)
  const old = createServer((socket) => {
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      const decoded = decoder.next()
      if (decoded && 'bytes' in decoded && decoded.bytes.length > 0) hellos.push(JSON.parse(decoded.bytes.toString()))
      socket.destroy()
    })
  })
  const [, port] = both[1]!.peer.split(':')
  await new Promise<void>((resolve) => void old.listen(Number(port), '127.0.0.1', resolve))
  t.teardown(() => old.close())
  const n1 = new Peer(t, kinds.tcp.make, 'n1', both, { release: range(3, 9), electionMs: 100 })
  await n1.start()
  while (hellos.length < 2) await new Promise((resolve) => old.once('connection', resolve))
  for (const hello of hellos) t.match(hello, { type: 'Hello', protocol: 3, from: 'n1', to: 'n2' })
  t.same(hellos[0]!.protocols, { from: 3, to: 9 })
})

t.test('udp: a greeting is read in any later version, a message only in a version that is spoken', async (t) => {
  const header = { cluster: '0'.repeat(16), session: 1, number: 1, index: 0, count: 1, from: 'n1', to: 'n2' }
  const hello = encodeDatagram({ ...header, protocol: 9, kind: 'hello', payload: Buffer.alloc(0) })
  t.match(decodeDatagram(hello, { from: 3, to: 4 }), { protocol: 9, kind: 'hello' })
  const data = encodeDatagram({ ...header, protocol: 9, kind: 'data', payload: Buffer.alloc(0) })
  t.throws(() => decodeDatagram(data, { from: 3, to: 4 }), /speaks protocol 9, not 3 to 4/)
  t.equal(decodeDatagram(data, { from: 9, to: 9 }).kind, 'data')
})
