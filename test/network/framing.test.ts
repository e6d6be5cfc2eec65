import fc from 'fast-check'
import t from 'tap'
import { type Decoder, encodeFrames, FrameDecoder, LineDecoder, parseJson } from '../../src/network/framing.js'

const texts = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), { maxLength: 8 })
/** Where to cut a stream of bytes: any places, many or none. */
const cuts = fc.array(fc.nat(400), { maxLength: 30 })

function pieces(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...sorted, bytes.length].map((end, at) => bytes.subarray(at === 0 ? 0 : sorted[at - 1], end))
}

function decodeAll(decoder: Decoder, chunks: readonly Buffer[]): string[] {
  const messages: string[] = []
  for (const chunk of chunks) {
    // The chunk is the network's: whatever the decoder keeps of it must be a copy once the next one comes.
    decoder.push(chunk)
    for (let decoded = decoder.next(); decoded; decoded = decoder.next()) {
      if ('problem' in decoded) throw new Error(decoded.problem)
      messages.push(decoded.bytes.toString())
    }
  }
  return messages
}

t.test('any split of any sequence of frames decodes to the same', async (t) => {
  fc.assert(
    fc.property(texts, cuts, (messages, places) => {
      const decoder = new FrameDecoder()
      const decoded = decodeAll(decoder, pieces(encodeFrames(messages), places))
      return JSON.stringify(decoded) === JSON.stringify(messages) && decoder.held === 0
    }),
    { numRuns: 1_000 },
  )
  t.same(decodeAll(new FrameDecoder(), [encodeFrames(['', 'x', ''])]), ['', 'x', ''], 'an empty message is a message')
})

t.test('any split of any sequence of lines decodes to the same, LF or CR LF', async (_t) => {
  fc.assert(
    fc.property(texts, cuts, fc.boolean(), (messages, places, crlf) => {
      const lines = messages.map((message) => JSON.stringify(message))
      const bytes = Buffer.from(lines.map((line) => line + (crlf ? '\r\n' : '\n')).join(''))
      const decoded = decodeAll(new LineDecoder(), pieces(bytes, places))
      return JSON.stringify(decoded) === JSON.stringify(lines)
    }),
    { numRuns: 1_000 },
  )
})

t.test('strings and bytes are framed alike', async (t) => {
  t.same(encodeFrames(['é', Buffer.from('é')]), Buffer.from([0, 0, 0, 2, 0xc3, 0xa9, 0, 0, 0, 2, 0xc3, 0xa9]))
})

t.test('one byte at a time costs memory in proportion to the bytes', async (t) => {
  const decoder = new FrameDecoder()
  const frame = encodeFrames(['x'.repeat(100_000)])
  for (const byte of frame.subarray(0, -1)) {
    decoder.push(Buffer.from([byte]))
    if (decoder.next()) t.fail('not whole yet')
  }
  t.equal(decoder.held, frame.length - 1)
  decoder.push(frame.subarray(-1))
  t.equal((decoder.next() as { bytes: Buffer }).bytes.length, 100_000)
})

t.test('an announced length over the limit is refused by its header alone', async (t) => {
  const decoder = new FrameDecoder(100)
  decoder.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))
  t.match(decoder.next(), { problem: /4294967295 bytes/ })
  const atLimit = new FrameDecoder(100)
  atLimit.push(encodeFrames(['x'.repeat(100), 'x'.repeat(101)]))
  t.match(atLimit.next(), { bytes: Buffer.alloc(100, 'x') }, 'the limit itself is allowed')
  t.match(atLimit.next(), { problem: /101 bytes/ })
})

t.test('a line over the limit is refused, whole or not', async (t) => {
  for (const end of ['', '\n']) {
    const decoder = new LineDecoder(100)
    decoder.push(Buffer.from('x'.repeat(101) + end))
    t.match(decoder.next(), { problem: /longer than 100/ })
  }
  const atLimit = new LineDecoder(100)
  atLimit.push(Buffer.from(`${'x'.repeat(100)}\n`))
  t.ok(atLimit.next())
})

t.test('empty lines are passed over; the last line may lack its end', async (t) => {
  const decoder = new LineDecoder()
  decoder.push(Buffer.from('\n\r\n\n{"a":1}\n\n{"b":'))
  t.equal((decoder.next() as { bytes: Buffer }).bytes.toString(), '{"a":1}')
  t.equal(decoder.next(), null)
  decoder.push(Buffer.from('2}'))
  t.equal(decoder.next(), null)
  t.equal((decoder.rest() as { bytes: Buffer }).bytes.toString(), '{"b":2}')
  t.equal(decoder.rest(), null)
})

t.test('bytes that are no JSON say what is wrong with them', async (t) => {
  t.match(parseJson(Buffer.from([0x22, 0xff, 0x22])), { problem: 'not UTF-8' })
  t.match(parseJson(Buffer.from('{')), { problem: /^not JSON: / })
  t.same(parseJson(Buffer.from('null')), { value: null })
})
