import fc from 'fast-check'
import t from 'tap'
import { systemClock } from '../../src/clock.js'
import { clusterHash, decodeDatagram, encodeDatagram, pack, unpack } from '../../src/network/datagrams.js'
import { messageBytes, Outbox, Reassembly } from '../../src/network/fragments.js'
import { TokenBucket } from '../../src/network/pacing.js'

const header = { cluster: clusterHash('test'), session: 7, kind: 'data', from: 'n2', to: 'n1' } as const
const whole = { number: 0, index: 0, count: 1 }

/** Messages of any size, with many about as long as a datagram. */
const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 1_150, max: 1_250 }), fc.nat(20_000)), { maxLength: 20 })

/** A message of a size, of which no two are alike, and no two parts either. */
function filled(size: number, salt: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) * 7 + salt * 101) & 0xff))
}

/** The datagrams of some messages, as they leave. */
function datagrams(messages: readonly Buffer[], session = 7): Buffer[] {
  const outbox = new Outbox()
  for (const message of messages) outbox.push(message)
  const all: Buffer[] = []
  for (let parcel = outbox.next(); parcel; parcel = outbox.next())
    all.push(encodeDatagram({ ...header, session, ...parcel }))
  return all
}

function receiver() {
  const reassembly = new Reassembly()
  const take = (bytes: Buffer, now = 0): Buffer[] => {
    const datagram = decodeDatagram(bytes)
    if (datagram.count === 1) return unpack(datagram.payload)
    const message = reassembly.add(datagram, now)
    return message ? [message] : []
  }
  return { reassembly, take }
}

t.test('whatever is lost, repeated and overtaken, what arrives was sent', async (t) => {
  const run = fc.property(
    sizes,
    fc.infiniteStream(fc.nat(5)),
    fc.infiniteStream(fc.double()),
    (sizes, copies, order) => {
      const messages = sizes.map(filled)
      const sent = new Set(messages.map((message) => message.toString('hex')))
      const { reassembly, take } = receiver()
      // An earlier process numbered its messages alike: nothing of it may get into those of this one.
      const earlier = datagrams(
        sizes.map((size, at) => filled(size, at + 100)),
        6,
      ).filter((_, at) => at % 2 === 0)
      const before = new Set(sizes.map((size, at) => filled(size, at + 100).toString('hex')))
      // Of five datagrams, about three arrive, one of them twice.
      const onTheWay = [...earlier, ...datagrams(messages)]
        .flatMap((bytes) => [[], [], [bytes], [bytes], [bytes, bytes], [bytes]][copies.next().value as number]!)
        .map((bytes) => ({ bytes, at: order.next().value as number }))
        .sort((a, b) => a.at - b.at)
      const arrived = onTheWay.flatMap(({ bytes }) => take(bytes)).map((message) => message.toString('hex'))
      reassembly.expire(10_000)
      return arrived.every((message) => sent.has(message) || before.has(message)) && reassembly.held === 0
    },
  )
  fc.assert(run, { numRuns: 100 })
  t.pass()
})

t.test('without loss everything arrives, in as few datagrams as it fits', async (t) => {
  fc.assert(
    fc.property(sizes, (sizes) => {
      const messages = sizes.map(filled)
      const { reassembly, take } = receiver()
      const arrived = datagrams(messages).flatMap((bytes) => take(bytes))
      return (
        Buffer.concat(arrived).equals(Buffer.concat(messages)) &&
        arrived.length === messages.length &&
        reassembly.held === 0
      )
    }),
    { numRuns: 100 },
  )
  t.equal(datagrams(Array.from({ length: 100 }, () => filled(98, 1))).length, 9, '12 messages of 100 bytes share one')
  t.ok(datagrams([filled(50_000, 1)]).every((bytes) => bytes.length <= 1_250))
})

t.test('a datagram with flipped bits, cut short or made longer is dropped', async (t) => {
  const sent = encodeDatagram({ ...header, ...whole, payload: pack([filled(600, 1), filled(200, 2)]) })
  const isDropped = (bytes: Buffer) => {
    try {
      decodeDatagram(bytes)
      return false
    } catch {
      return true
    }
  }
  const survivors = Array.from({ length: sent.length * 8 }, (_, bit) => {
    const bytes = Buffer.from(sent)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    return bytes
  }).filter((bytes) => !isDropped(bytes))
  t.equal(survivors.length, 0, 'any one bit')
  const cuts = sent.map((_, length) => Number(isDropped(sent.subarray(0, length))))
  t.ok(cuts.every(Boolean), 'any cut')
  t.ok(isDropped(Buffer.concat([sent, Buffer.from('x')])))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => isDropped(Buffer.from(noise))),
    { numRuns: 1_000 },
  )
})

t.test('what is kept of unfinished messages is bounded, and what is oldest goes first', async (t) => {
  const { reassembly } = receiver()
  const payload = filled(1_198, 1)
  const piece = (number: number, index: number) => reassembly.add({ session: 1, number, index, count: 2, payload }, 0)
  for (let number = 0; number < 30_000; number++) piece(number, 0)
  t.ok(reassembly.held <= 2 * messageBytes)
  t.equal(piece(0, 1), null, 'the first was given up')
  t.equal(piece(29_999, 1)?.length, 2 * payload.length, 'the last was not')
  reassembly.expire(10_000)
  t.equal(reassembly.held, 0)
  const tiny = { session: 1, index: 1, count: 65_535, payload: Buffer.alloc(0) }
  for (let number = 0; number < 300_000; number++) reassembly.add({ ...tiny, number }, 0)
  t.ok(reassembly.held <= 2 * messageBytes, 'empty fragments count too')
})

t.test('a bucket lets through its burst and its rate, however it is asked', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 50 }))), (steps) => {
      let now = 0
      let passed = 0
      const bucket = new TokenBucket({ perMs: 10, burst: 100 }, { ...systemClock, now: () => now })
      return steps.every(([pause, amount]) => {
        now += pause
        if (!bucket.isEmpty) {
          bucket.take(amount)
          passed += amount
        }
        return passed <= 100 + 10 * now + 50
      })
    }),
  )
  t.pass()
})
