/** What earlier releases sent is understood, and what this one sends is what they understand, byte for byte. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Message } from '../src/contracts.js'
import { decodeDatagram } from '../src/network/datagrams.js'
import { FrameDecoder } from '../src/network/framing.js'
import { protobufCodec } from '../src/network/grpc-codec.js'
import { jsonCodec } from '../src/network/json-codec.js'
import { traceFormat } from '../src/trace/events.js'
import { stages } from '../stages/index.js'
import { schemas } from '../stages/schemas.js'
import { linesNow, protos, recordedStages } from './golden/lines.js'
import { datagrams, frames, messagesOf, packets } from './golden/samples.js'

const file = fileURLToPath(new URL('../../test/golden/wire.ndjson', import.meta.url))
const recorded = new Map(
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { name, base64 } = JSON.parse(line) as { name: string; base64: string }
      return [name, Buffer.from(base64, 'base64')] as const
    }),
)
const bytesOf = (name: string) => recorded.get(name) ?? Buffer.alloc(0)

const advice =
  'nodes of the last release could not read it: give it a new name and a version of its own (src/network/protocols.ts, ' +
  'test/golden/README.md), and keep what there was'

t.test('every form that travels is recorded, and is what it was', async (t) => {
  for (const [name, base64] of linesNow()) {
    const was = recorded.get(name)
    if (!was) t.fail(`${name} is new: record it with \`node dist/test/golden/write.js\``)
    else t.equal(base64, was.toString('base64'), `${name} has changed: ${advice}`)
  }
})

for (const number of recordedStages) {
  const stage = stages[number]!
  const codecs = { json: jsonCodec(stage), protobuf: protobufCodec(stage, schemas) }
  t.test(`stage ${number}: recorded messages are read as what they were`, async (t) => {
    for (const message of messagesOf(stage))
      for (const [codec, { decode }] of Object.entries(codecs)) {
        const name = `message ${message.type} stage ${number} ${codec}`
        t.same(decode(bytesOf(name)), message satisfies Message, name)
      }
  })
}

t.test('hellos are read: of this release and of 0.1', async (t) => {
  const packet = protos().message('Packet')
  for (const [name, value] of Object.entries(packets)) t.match(packet.decode(bytesOf(`packet ${name}`), true), value)
  for (const [name, datagram] of Object.entries(datagrams))
    t.match(decodeDatagram(bytesOf(`datagram ${name}`)), datagram, name)
})

t.test('frames of clients are read', async (t) => {
  for (const [at, frame] of frames.entries()) {
    const decoder = new FrameDecoder(1_000)
    decoder.push(bytesOf(`client frame ${at + 1}`))
    const decoded = decoder.next()
    t.same(decoded && 'bytes' in decoded && JSON.parse(decoded.bytes.toString()), frame)
  }
})

t.test('nothing that was recorded is forgotten', async (t) => {
  const now = linesNow()
  for (const name of recorded.keys()) t.ok(now.has(name), `${name} was sent once, and has no example any more`)
  t.equal(traceFormat, 2, 'a trace of another format needs a reader of all before it: src/trace/README.md')
})
