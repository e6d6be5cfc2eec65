/**
 * What every implementation of `Network` must do, and what it may; `wires.ts` lists those it is run on. What they must do
 * when their peers change is in `changing-peers.ts`.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import type { Test } from 'tap'
import { type Address, parseAddress } from '../../src/address.js'
import { limits, type Message } from '../../src/contracts.js'
import { encodeFrames } from '../../src/network/framing.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { installPiece, members, numberOf, Peer, replicate } from './peers.js'
import type { Wire } from './wires.js'

/** @param name of the wire; of a real one, the name that it has in `wires.ts` */
export function networkConformance(t: Test, name: string, wire: Wire): void {
  t.test(`${name}: what is sent arrives as it was, and only where it was sent to`, (t) => faithful(t, wire))
  t.test(`${name}: bytes of a snapshot arrive as they are`, (t) => bytes(t, wire))
  t.test(`${name}: messages of one byte to the limit`, (t) => sizes(t, wire))
  t.test(`${name}: sending never throws nor waits`, (t) => carefree(t, wire))
  t.test(`${name}: a peer that returns is found again`, (t) => returning(t, wire))
  if (!wire.mayRepeat) t.test(`${name}: nothing arrives twice`, (t) => unrepeated(t, wire))
  if (!wire.isReal) return
  t.test(`${name}: garbage on the port harms nobody`, (t) => garbage(t, wire))
  t.test(`${name}: another cluster is not listened to`, (t) => strangers(t, wire))
  t.test(`${name}: a reader that stopped costs bounded memory, and is found again`, (t) => stopped(t, name, wire))
}

async function running(t: Test, wire: Wire, count: number): Promise<Peer[]> {
  const [make, all] = [wire.open(), await members(count)]
  const peers = all.map(({ id }) => new Peer(t, make, id, all))
  await Promise.all(peers.map((peer) => peer.start()))
  return peers
}

/** Of what was received, what nobody sent in this form. */
function foreign(received: readonly Message[], sent: readonly Message[]): Message[] {
  const byNumber = new Map(sent.map((message) => [numberOf(message), message]))
  return received.filter((message) => !isDeepStrictEqual(message, byNumber.get(numberOf(message))))
}

const text = fc.string({ unit: 'binary', maxLength: 300 })
const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })
const anyCommand = fc.oneof(
  fc.record({ command: fc.constantFrom('set', 'append'), key, value: text }, { noNullPrototype: true }),
  fc.record({ command: fc.constant('delete'), key }, { noNullPrototype: true }),
  fc.record({ command: fc.constant('cas'), key, expected: fc.option(text), value: text }, { noNullPrototype: true }),
)
/** What a wire may well confuse: zero, empty and absent; numbers with more digits; names that mean something to JavaScript. */
const trickyCommands = [
  { command: 'set', key: '0', value: '' },
  { command: 'set', key: '__proto__', value: 'constructor' },
  { command: 'set', key: '\0', value: '\u{1f600} \ufeff \u2028 \r\n \\ "' },
  { command: 'cas', key: 'a', expected: null, value: '' },
  { command: 'cas', key: 'a', expected: '', value: '0' },
  { command: 'cas', key: 'a', expected: 'null', value: 'undefined' },
]
const trickyNumbers = [2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER]

async function faithful(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3] = (await running(t, wire, 3)) as [Peer, Peer, Peer]
  const commands = [...trickyCommands, ...fc.sample(anyCommand, { seed: 1, numRuns: 200 })]
  const from = (sender: string, receiver: string) => [
    ...commands.map((command) => replicate(sender, receiver, command)),
    ...trickyNumbers.map((write) => ({ type: 'Replicated', from: sender, to: receiver, write }) as Message),
  ]
  const [toN2, toN3] = [from('n1', 'n2'), from('n2', 'n3')]
  await Promise.all([n1.deliver(n2, ...toN2), n2.deliver(n3, ...toN3)])
  t.same(n1.received, [], 'nobody sent anything to n1')
  t.same(foreign(n2.received, toN2), [], 'n2 got what n1 sent to it')
  t.same(foreign(n3.received, toN3), [], 'n3 got what n2 sent to it')
}

/** What looks like the end of a line, of a text or of a message; none at all; and a chunk and more of every byte there is. */
async function bytes(t: Test, wire: Wire): Promise<void> {
  const [n1, n2] = (await running(t, wire, 2)) as [Peer, Peer]
  const every = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 7) & 0xff))
  const tricky = ['', '\n', '\n\n{"index":1}\n', '\0', '"', '\ud83d\ude00'].map((text) => Buffer.from(text))
  const invalid = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x0d, 0x0a, 0xfe, 0]].map((bytes) => Buffer.from(bytes))
  const arbitrary = fc.sample(fc.uint8Array({ maxLength: 2_000 }), { seed: 1, numRuns: 50 })
  const pieces = [...tricky, ...invalid, ...arbitrary, every(256 * 1024), every(1024 * 1024)]
  const sent = pieces.map((data, at) => installPiece('n1', 'n2', Buffer.from(data), at * 2 ** 32))
  await n1.deliver(n2, ...sent)
  t.same(foreign(n2.received, sent), [])
  const [first] = sent.slice(-1) as [Message]
  const plain = { ...first, sequence: numberOf(first) + 1_000_000, data: Uint8Array.of(0, 10, 255) } as Message
  await n1.deliver(n2, plain)
  const { data } = n2.received.find((message) => numberOf(message) === numberOf(plain))!
  t.same([...data!], [0, 10, 255], 'and it need not be a Buffer')
}

async function sizes(t: Test, wire: Wire): Promise<void> {
  const [n1, n2] = (await running(t, wire, 2)) as [Peer, Peer]
  // Every size around that of a datagram; and a value whose every byte takes six when it is escaped.
  const values = Array.from({ length: 300 }, (_, at) => 'x'.repeat(1_000 + at))
  values.push('x', 'x'.repeat(65_536), 'é'.repeat(limits.valueBytes / 2), '\u0001'.repeat(limits.valueBytes))
  const sent = values.map((value) => replicate('n1', 'n2', { command: 'set', key: 'k', value }))
  await n1.deliver(n2, ...sent)
  t.same(foreign(n2.received, sent), [])
}

async function carefree(t: Test, wire: Wire): Promise<void> {
  const [make, all] = [wire.open(), await members(3)]
  const [n1, n2, n3] = all.map(({ id }) => new Peer(t, make, id, all)) as [Peer, Peer, Peer]
  const flood = (when: string) => {
    for (const to of ['n1', 'n2', 'n9', '', '__proto__'])
      for (let count = 0; count < 2_000; count++) {
        const returned: unknown = n1.network.send(replicate('n1', to))
        if (returned !== undefined) t.fail(`${when}: send returned ${String(returned)}`)
      }
    t.pass(when)
  }
  flood('before the start')
  await Promise.all([n1.start(), n3.start()])
  flood('while the peer is not there')
  await n2.start()
  await n1.deliver(n2, replicate('n1', 'n2'))
  flood('while it is there')
  await n2.network.stop()
  flood('after it has gone')
  await n1.deliver(n3, replicate('n1', 'n3'))
  const before = n2.received.length
  await n1.network.stop()
  flood('after the stop')
  const never = new Peer(t, make, 'n2', all)
  never.network.send(replicate('n2', 'n1'))
  await never.network.stop()
  t.equal(n2.received.length, before, 'a stopped peer hears no more')
  t.equal(n3.received.filter(({ to }) => to !== 'n3').length, 0)
}

async function returning(t: Test, wire: Wire): Promise<void> {
  const [make, all] = [wire.open(), await members(3)]
  const [n1, n3] = [new Peer(t, make, 'n1', all), new Peer(t, make, 'n3', all)]
  await Promise.all([n1.start(), n3.start()])
  for (let life = 1; life <= 3; life++) {
    const n2 = new Peer(t, make, 'n2', all)
    await n2.start()
    await Promise.all([
      n1.deliver(n2, replicate('n1', 'n2')),
      n2.deliver(n1, replicate('n2', 'n1')),
      n3.deliver(n2, replicate('n3', 'n2')),
    ])
    await n2.network.stop()
    const before = n2.received.length
    n1.network.send(replicate('n1', 'n2'))
    await n1.deliver(n3, replicate('n1', 'n3'))
    t.equal(n2.received.length, before, `life ${life}: both ways while it lasts, nothing after it`)
  }
}

async function unrepeated(t: Test, wire: Wire): Promise<void> {
  const [n1, n2] = (await running(t, wire, 2)) as [Peer, Peer]
  await n1.deliver(n2, replicate('n1', 'n2'))
  const before = n2.received.length
  const sent = Array.from({ length: 1_000 }, () => replicate('n1', 'n2'))
  for (const message of sent) n1.network.send(message)
  await n1.deliver(n2, replicate('n1', 'n2'))
  const numbers = n2.received.slice(before).map(numberOf)
  const ofSent = numbers.filter((number) => sent.some((message) => numberOf(message) === number))
  t.equal(ofSent.length, new Set(ofSent).size)
}

/** Throws bytes at whatever listens on an address, by TCP and by UDP, and waits until it has turned them away. */
async function strike({ host, port }: Address, bytes: Buffer): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.send(bytes, port, host, () => resolve()))
  socket.close()
  const connection = connect({ host, port })
  connection.on('error', () => {})
  connection.resume()
  connection.end(bytes)
  await new Promise((resolve) => connection.once('close', resolve))
}

async function garbage(t: Test, wire: Wire): Promise<void> {
  const all = await members(2)
  const [n1, n2] = all.map(({ id }) => new Peer(t, wire.open(), id, all)) as [Peer, Peer]
  await Promise.all([n1.start(), n2.start()])
  const address = parseAddress(all[0]!.peer)!
  const random = new SeededRandom(1)
  const noise = (length: number) => Buffer.from(Array.from({ length }, () => random.between(0, 255)))
  const hello = JSON.stringify({ type: 'Hello', protocol: 3, cluster: 'test', from: 'n2', to: 'n1' })
  const thrown = [
    ...[0, 1, 3, 8, 40, 1_500, 60_000, 200_000].map(noise),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), noise(500)]),
    Buffer.from('{"command":"ping"}\n'),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    encodeFrames([hello, noise(100)]),
    encodeFrames([hello]).subarray(0, 20),
  ]
  const sent: Message[] = []
  for (const bytes of thrown) {
    await strike(address, bytes)
    sent.push(replicate('n2', 'n1'))
    await n2.deliver(n1, sent.at(-1)!)
  }
  t.same(foreign(n1.received, sent), [], `${thrown.length} kinds of garbage, and the peer was served on`)
}

async function strangers(t: Test, wire: Wire): Promise<void> {
  const all = await members(2)
  const n1 = new Peer(t, wire.open(), 'n1', all)
  const other = new Peer(t, wire.open(), 'n2', all, { cluster: 'other' })
  await Promise.all([n1.start(), other.start()])
  other.network.send(replicate('n2', 'n1'))
  await n1.until(() => n1.notices.some(({ event }) => event === 'peer_refused'))
  other.network.send(replicate('n2', 'n1'))
  await other.network.stop()
  const n2 = new Peer(t, wire.open(), 'n2', all)
  await n2.start()
  const sent = replicate('n2', 'n1')
  await n2.deliver(n1, sent)
  t.same(foreign(n1.received, [sent]), [], 'refused with a reason, and the member whose name it bore is not')
}

/** A thread of its own that runs a node and sends everything back, until it is told to stop in its tracks. */
async function reader(t: Test, options: object) {
  const woken = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./stopped-reader.js', import.meta.url), { workerData: { ...options, woken } })
  const wake = () => {
    Atomics.store(woken, 0, 1)
    Atomics.notify(woken, 0)
  }
  t.teardown(() => {
    wake()
    return worker.terminate()
  })
  await once(worker, 'message')
  const stop = async () => {
    worker.postMessage('stop')
    await once(worker, 'message')
  }
  return { stop, wake }
}

/** Bytes that this thread holds, when what is garbage has been collected. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function stopped(t: Test, name: string, wire: Wire): Promise<void> {
  const all = await members(2)
  const n1 = new Peer(t, wire.open(), 'n1', all)
  const { stop, wake } = await reader(t, { wire: name, self: 'n2', members: all })
  await n1.start()
  // The reader sends back what it gets.
  await n1.deliver(n1, replicate('n1', 'n2'))
  await stop()
  const before = heldBytes()
  const command = { command: 'set', key: 'k', value: 'x'.repeat(1_000_000) }
  for (let count = 0; count < 200; count++) {
    n1.network.send(replicate('n1', 'n2', command))
    await new Promise(setImmediate)
  }
  const grownMiB = (heldBytes() - before) / 1024 / 1024
  t.ok(grownMiB < 64, `200 MB were sent to it; ${grownMiB.toFixed(0)} MiB are held`)
  wake()
  await n1.deliver(n1, replicate('n1', 'n2'))
}
