import { deepStrictEqual, throws } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Message } from '../../src/contracts.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { simulate } from '../../src/proof/simulation/simulate.js'
import { planFor } from '../../src/proof/simulation/sweep.js'
import naive from '../../stages/2-naive-replication/stage.js'
import stage from '../../stages/3-protobuf-rpc/stage.js'
import { schemas } from '../../stages/schemas.js'

const json = jsonCodec(stage)
const protobuf = protobufCodec(stage, schemas)

t.test('the rules are those of stage 2, each of them the same function', async (t) => {
  const { number: _, name, title, adds, stillBroken, network, ...rules } = stage.table
  for (const [part, value] of Object.entries(rules)) t.equal(value, naive.table[part as keyof typeof rules], part)
  t.same(Object.keys(stage.table).sort(), Object.keys(naive.table).sort(), 'nothing added')
  t.not(network, naive.network)
})

t.test('its fingerprint is that of stage 2', async (t) => {
  const hashes: Record<'before' | 'after', string[]> = { before: [], after: [] }
  for (let seed = 1; seed <= 50; seed++) {
    const plan = planFor(naive, seed, seed % 5 === 0 ? 'calm' : 'storm')
    hashes.before.push((await simulate(naive, plan)).messageHash)
    hashes.after.push((await simulate(stage, plan)).messageHash)
  }
  t.same(hashes.after, hashes.before)
  t.equal(new Set(hashes.before).size, 50, 'and differs from seed to seed')
})

/** Text as a client may send it: any code point, no halves of surrogate pairs. */
const text = fc.string({ unit: 'binary', maxLength: 20 })
const key = text.filter((candidate) => candidate !== '')
const write = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))
const command = fc.oneof(
  fc.record({ command: fc.constant('set'), key, value: text }),
  fc.record({ command: fc.constant('delete'), key }),
  fc.record({ command: fc.constant('append'), key, value: text }),
  fc.record({ command: fc.constant('cas'), key, expected: fc.option(text), value: text }),
)
const ends = { from: fc.constantFrom('n1', 'n2'), to: fc.constantFrom('n3', '') }
const message = fc.oneof(
  fc.record({ type: fc.constant('Replicate'), ...ends, write, command }, { noNullPrototype: true }),
  fc.record({ type: fc.constant('Replicated'), ...ends, write }, { noNullPrototype: true }),
)

t.test('the same message through JSON and through protobuf is the same', async () => {
  fc.assert(
    fc.property(message, (sent) => {
      deepStrictEqual(protobuf.decode(protobuf.encode(sent)), json.decode(json.encode(sent)))
    }),
    { numRuns: 500 },
  )
})

t.test('bytes that are cut short, or are anything else, are no message', async () => {
  fc.assert(
    fc.property(message, fc.nat(), (sent, at) => {
      const bytes = protobuf.encode(sent)
      throws(() => protobuf.decode(bytes.subarray(0, at % bytes.length)))
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => throws(() => protobuf.decode(bytes))))
})

const replicated = { type: 'Replicated', from: 'n2', to: 'n1' }
const replicate = { type: 'Replicate', from: 'n1', to: 'n2', write: 1 }
const cas = { command: 'cas', key: 'a', value: '' }
const through = (message: object) => protobuf.decode(protobuf.encode(message as Message)) as unknown

t.test('zero is not absent, empty is not absent, and null is neither', async (t) => {
  for (const expected of [null, '', '0']) {
    const sent = { ...replicate, command: { ...cas, expected } }
    t.same(through(sent), sent)
  }
  t.throws(() => through({ ...replicate, command: cas }), /Replicate\.command\.cas\.expected is missing/)
  t.throws(() => through(replicate), /Replicate\.command\.command is missing/)
  t.throws(() => through(replicated), /Replicated\.write is missing/)
})

t.test(
  'indexes are numbers: 9 is less than 10, and what is too large to be exact is refused on both sides',
  async (t) => {
    const [nine, ten] = [9, 10].map((write) => through({ ...replicated, write }) as { write: number })
    t.ok(nine!.write < ten!.write)
    t.ok(nine!.write === 9)
    const last = { ...replicated, write: Number.MAX_SAFE_INTEGER }
    t.same(through(last), last)
    for (const write of [2 ** 53, 2 ** 60, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 1n]) {
      t.throws(
        () => protobuf.encode({ ...replicated, write } as Message),
        /Replicated\.write is .* does not carry unchanged/,
      )
    }
    // The last number that is exact, in seven bits a byte, and the next one: what another language's node could send.
    const exact = Buffer.from(protobuf.encode(last as Message))
    const beyond = Buffer.concat([exact.subarray(0, -8), Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10])])
    t.equal(exact.toString('hex').slice(-16), 'ffffffffffffff0f')
    t.throws(() => protobuf.decode(beyond), /Replicated\.write is over 2\^53 - 1/)
  },
)

t.test('what the schema has no place for is not dropped in silence', async (t) => {
  t.throws(() => through({ ...replicated, write: 1, hint: 'x' }), /Replicated has no field "hint"/)
  t.throws(() => through({ ...replicated, type: '__proto__' }), /no message "__proto__"/)
  t.throws(() => through({ ...replicate, command: { command: 'toString' } }), /'toString', not one of set delete/)
  t.throws(() => through({ ...replicate, command: { command: 'delete', key: '\ud800' } }), /key is .* unchanged/)
  const Unheard = { kind: 'leads' as const, check: () => true }
  const ahead = { ...stage, messages: { ...stage.messages, Unheard } }
  t.throws(() => protobufCodec(ahead, schemas), /no \.proto file has a message Unheard/)
})
