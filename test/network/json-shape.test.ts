import fc from 'fast-check'
import t from 'tap'
import { commandPayload, failure, type Message, makeEntry } from '../../src/contracts.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { doubledField, parseStranger, shapeBounds, shapeOf } from '../../src/network/json-shape.js'
import { commands } from '../../stages/0-key-value-store/commands.js'
import log from '../../stages/4-log-replication/stage.js'
import { schemas } from '../../stages/schemas.js'

const mebibyte = 1024 * 1024
const shape = (text: string) => shapeOf(Buffer.from(text))

t.test('of any JSON the shape says what the parser finds', async (t) => {
  const objects = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 20 })
  fc.assert(
    fc.property(objects, fc.constantFrom(undefined, 1), (object, spaces) => {
      const text = JSON.stringify(object, null, spaces)
      const { fields, hasEscapes, problem, bytes } = shape(text)
      return (
        fields === Object.keys(object).length &&
        problem === null &&
        bytes === Buffer.byteLength(text) &&
        hasEscapes === text.includes('\\')
      )
    }),
  )
  t.pass()
})

t.test('texts end where they end, however long they are and whatever they hold', async (t) => {
  for (const inside of ['', 'x', '\\"', '\\\\', '{[,:', 'é', '\\u0000']) {
    for (const count of [0, 1, 5, 31, 32, 33, 1_000]) {
      const text = `{"a":"${inside.repeat(count)}","b":"${'y'.repeat(count)}${inside}","c":1}`
      t.match(shape(text), { fields: 3, problem: null }, `${count} times ${inside}`)
    }
  }
})

t.test('what would keep the parser busy is refused after a few bytes', async (t) => {
  const half = 4 * mebibyte
  const nested = shape('['.repeat(half) + ']'.repeat(half))
  t.match(nested, { problem: /nested more than 32 deep/, bytes: shapeBounds.depth + 1 })
  const fields = shape(`{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":1`).join()}}`)
  t.match(fields, { problem: /more than 4096 parts/ })
  t.ok(fields.bytes < 12 * shapeBounds.parts, `${fields.bytes} bytes were looked at`)
  t.match(
    shape(`{"command":"ping","x":"${'a'.repeat(8 * mebibyte)}"}`),
    { problem: null },
    'one long text is no matter',
  )
  t.match(shape(JSON.stringify({ a: Array.from({ length: 1_000 }, () => 'x') })), { problem: null })
})

t.test('a field that is named twice is named, however it is written', async (t) => {
  const twice = (text: string) => doubledField(Buffer.from(text))
  t.equal(twice('{"a":1,"b":{"a":1},"a":2}'), 'a')
  t.equal(twice('{"command":"get","comm\\u0061nd":"delete"}'), 'command')
  t.equal(twice('{"__proto__":1,"__proto__":2}'), '__proto__')
  t.equal(twice('{"a":{"b":1,"b":2},"c":[{"c":1}]}'), undefined)
})

t.test('entries of strangers are looked at before they are parsed, on every wire', async (t) => {
  const fields = { term: 1, sequence: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0 }
  const deep = `{"index":1,"term":1,"command":{"command":"x","y":${'['.repeat(3 * mebibyte)}`
  const append = (text: string) => {
    const entries = [{ ...makeEntry(1, 1, commandPayload({ command: 'x' })), text }]
    return { type: 'AppendEntries', from: 'n1', to: 'n2', ...fields, entries } as Message
  }
  for (const codec of [jsonCodec(log), protobufCodec(log, schemas)]) {
    t.throws(() => codec.decode(codec.encode(append(deep))), /nested more than 32 deep/)
  }
  const json = jsonCodec(log)
  t.throws(() => json.decode(json.encode(append('\n'.repeat(mebibyte)))), /too short for an entry/)
  t.throws(() => json.decode(Buffer.from('['.repeat(mebibyte))), /nested more than 32 deep/)
  t.match(parseStranger(Buffer.from('{"a":\xff}', 'latin1')), { problem: 'not UTF-8' })
})

t.test('no refusal is longer than a person reads', async (t) => {
  const long = '\\"\u0000'.repeat(mebibyte)
  for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
    const refusals = [{ [long]: 1 }, { command: name, key: 'k', value: '', expected: null, [long]: 1 }, { key: [long] }]
    for (const candidate of refusals) {
      const refusal = JSON.stringify(commands[name].check({ command: name, ...candidate }))
      t.ok(refusal.length < 4_096, `${name}: ${refusal.length}`)
    }
  }
  const refusal = failure('bad_request', `${'x'.repeat(1_022)}\u{1f600}${long}`)
  t.ok(JSON.stringify(refusal).length < 1_200)
  t.ok(refusal.error.message.isWellFormed())
})
