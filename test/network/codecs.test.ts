/** What may stand behind a message's line, and what may not. */
import t from 'tap'
import { commandPayload, type Message, makeEntry } from '../../src/contracts.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import log from '../../stages/4-log-replication/stage.js'
import { schemas } from '../../stages/schemas.js'
import { installPiece, replicate } from './peers.js'
import { stage } from './stage.js'

const json = jsonCodec(stage)
const piece = installPiece('n1', 'n2', Buffer.from('\n{"data":3}\n\0'))

t.test('the bytes stand behind the line, as they are', async (t) => {
  const bytes = Buffer.from(json.encode(piece))
  const { data: _, ...fields } = piece
  t.same(JSON.parse(bytes.toString().split('\n')[0]!), { ...fields, data: 13 })
  t.same(bytes.subarray(-13), piece.data)
  const arrived = json.decode(bytes)
  bytes.fill(0)
  t.same(arrived, piece, 'what they were read from may be used again')
})

t.test('as many bytes follow as the line says, and nothing follows that does not belong there', async (t) => {
  const { data: _, ...fields } = piece
  const bytesOf = (changes: object, rest: string) => Buffer.from(JSON.stringify({ ...fields, ...changes }) + rest)
  t.same(json.decode(bytesOf({ data: 2 }, '\nab')), { ...piece, data: Buffer.from('ab') })
  t.same(json.decode(bytesOf({ data: 0 }, '\n')), { ...piece, data: Buffer.alloc(0) })
  for (const [changes, rest, reason] of [
    [{ data: 2 }, '\na', /2 bytes of data are announced; 1 follow/],
    [{ data: 2 }, '\nabc', /2 bytes of data are announced; 3 follow/],
    [{ data: 0 }, '', /0 bytes of data are announced; nothing follows/],
    [{ data: 2 }, '', /nothing follows/],
    ...[-1, 1.5, '2', null, [1, 2], {}, true].map((data) => [{ data }, '\nab', /of data are announced/] as const),
    [{ data: 2, entries: [] }, '\nab', /entries or data, not both/],
    [{}, '\nab', /2 bytes follow a message that has neither/],
    [{}, '', /a InstallSnapshot whose fields are not of its shape/],
  ] as const) {
    t.throws(() => json.decode(bytesOf(changes, rest)), reason, JSON.stringify(changes) + JSON.stringify(rest))
  }
  const plain = json.encode(replicate('n1', 'n2'))
  t.throws(() => json.decode(Buffer.concat([plain, Buffer.from('\n{}')])), /2 bytes follow/)
})

t.test('entries are text, and stay so', async (t) => {
  const codec = jsonCodec(log)
  const entries = [makeEntry(1, 1, commandPayload({ command: 'set', key: 'a', value: '\n' }))]
  const fields = { term: 1, sequence: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0 }
  const append = { type: 'AppendEntries', from: 'n1', to: 'n2', ...fields, entries } as Message
  const bytes = Buffer.from(codec.encode(append))
  t.same(codec.decode(bytes), append)
  t.throws(() => codec.decode(Buffer.concat([bytes, Buffer.from([0xff])])), /not UTF-8/)
})

t.test('protobuf carries bytes, and nothing else, where its file says bytes', async (t) => {
  const protobuf = protobufCodec(stage, schemas)
  t.same(protobuf.decode(protobuf.encode(piece)), piece)
  for (const data of ['YWI=', [1, 2], null, undefined, 7, new Uint16Array(2)]) {
    t.throws(() => protobuf.encode({ ...piece, data } as unknown as Message), /InstallSnapshot\.data is .* unchanged/)
  }
})
