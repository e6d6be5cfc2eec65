import { PassThrough } from 'node:stream'
import t from 'tap'
import { readComplaints, readEvents } from '../src/server/child-output.js'
import { Outlet } from '../src/server/outlet.js'
import type { Happened } from './helpers/happened.js'

/** What is heard of a node that prints these texts. */
async function heard(...texts: readonly (string | Buffer)[]): Promise<Happened[]> {
  const output = new PassThrough()
  const events: Happened[] = []
  readEvents('n1', output, (event) => events.push(event))
  for (const text of texts) output.write(text)
  output.end()
  await new Promise((resolve) => output.once('end', resolve))
  return events
}

const good = `{"event":"elected","node":"n1","term":2}\n`

t.test('a line that is no event of this node becomes an event of its own, and the next is read', async (t) => {
  const bad = [
    '{"event":"peer_refu',
    '{"event":"serving"}',
    '{"event":"serving","node":"n2"}',
    '{"event":7,"node":"n1"}',
    '{"node":"n1"}',
    '[]',
    'null',
    '"\\u0000"',
    '(node:1) Warning: \x1b[31mred\x9b2J\u202e',
    `{"event":"deep","node":"n1","of":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
  ]
  for (const line of bad) {
    const events = await heard(`${line}\n`, good)
    t.match(events, [{ event: 'unreadable_output', node: 'n1', bytes: Buffer.byteLength(line) }, { event: 'elected' }])
    t.equal(events.length, 2)
    t.notMatch(`${events[0]!.text}`, /\p{Cc}|\u202e/u)
    t.ok(`${events[0]!.text}`.length < 400)
  }
  t.match(await heard(good, '{"event":"half'), [{ event: 'elected' }, { event: 'unreadable_output' }], 'at the end')
  t.match(await heard(good.slice(0, 9), good.slice(9)), [{ event: 'elected', term: 2 }], 'in pieces')
  t.match(await heard(Buffer.from([0xff, 0xfe, 0x0a]), good), [{ event: 'unreadable_output' }, { event: 'elected' }])
})

t.test('a line of 100 MB is not held', async (t) => {
  const output = new PassThrough()
  const events: Happened[] = []
  readEvents('n1', output, (event) => events.push(event))
  const before = process.memoryUsage().arrayBuffers
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let at = 0; at < 1_600; at++) output.write(chunk)
  await new Promise(setImmediate)
  t.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024)
  output.end(`\n${good}`)
  await new Promise((resolve) => output.once('end', resolve))
  t.match(events, [{ event: 'unreadable_output', bytes: 1_600 * 64 * 1024 }, { event: 'elected' }])
})

t.test('a child that prints garbage all the time is told of now and then', async (t) => {
  const events = await heard('garbage\n'.repeat(10_000))
  t.ok(events.length < 100)
})

t.test('what a node complains of is escaped, line by line, and paced', async (t) => {
  const errors = new PassThrough()
  const texts: string[] = []
  readComplaints(errors, (text) => texts.push(text))
  errors.end(`Error: \x1b[2J\n    at x\n${'y'.repeat(10_000)}\n${'again\n'.repeat(10_000)}`)
  await new Promise((resolve) => errors.once('end', resolve))
  t.same(texts.slice(0, 2), ['Error: \\u001b[2J', '    at x'])
  t.equal(texts[2]!.length, 4_097)
  t.ok(texts.length < 1_000)
})

t.test('output that nobody takes is dropped and counted; the reader hears of it afterwards', async (t) => {
  const reader = new PassThrough({ highWaterMark: 1 })
  const outlet = new Outlet(reader, ({ lines, bytes }) => `dropped ${lines} lines, ${bytes} bytes`, 1_000)
  const line = 'x'.repeat(99)
  for (let at = 0; at < 1_000; at++) outlet.write(line)
  t.ok(reader.writableLength <= 1_100, 'so much waits')
  let text = ''
  reader.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await outlet.flushed(60_000)
  await new Promise(setImmediate)
  const [, lines, bytes] = /^dropped (\d+) lines, (\d+) bytes$/m.exec(text) ?? []
  t.equal(text.split('\n').filter((one) => one === line).length + Number(lines), 1_000, 'none is forgotten')
  t.equal(Number(bytes), Number(lines) * 100)
  outlet.write('and on')
  await outlet.flushed(60_000)
  t.match(text, /\nand on\n$/)
  reader.destroy()
  outlet.write('nobody')
  await outlet.flushed(60_000)
})
