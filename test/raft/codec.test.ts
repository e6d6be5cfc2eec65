/** The form of commands: what is lost on the way is refused before it goes. */
import fc from 'fast-check'
import t from 'tap'
import { portable } from '../../client/raft/codec.js'
import {
  bytesCodec,
  type Codec,
  createNode,
  jsonCodec,
  type RaftNode,
  type StateMachine,
} from '../../client/raft/index.js'
import { peersOf } from './nodes.js'

t.test('what JSON would lose is refused, with its place', async (t) => {
  class Point {
    x = 1
  }
  const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)])
  const losses: [unknown, RegExp][] = [
    [undefined, /command is undefined/],
    [{ a: undefined }, /command\.a is undefined/],
    [[1, undefined], /command\[1\] is undefined/],
    [new Map(), /command is a Map/],
    [{ at: new Date() }, /command\.at is a Date/],
    [{ set: [new Set()] }, /command\.set\[0\] is a Set/],
    [1n, /command is a bigint/],
    [-0, /command is -0/],
    [Number.NaN, /command is NaN/],
    [Number.POSITIVE_INFINITY, /command is Infinity/],
    [() => 1, /command is a function/],
    [Symbol('s'), /command is a symbol/],
    [{ [Symbol('s')]: 1 }, /name is a symbol/],
    [new Point(), /command is a Point/],
    [{ bytes: new Uint8Array(1) }, /command\.bytes is a Uint8Array/],
    // biome-ignore lint/suspicious/noSparseArray: a list with a gap is what is tested
    [[1, , 2], /list with gaps/],
    ['\ud800', /half of a surrogate pair/],
    [nested(40), /nested more than/],
    [Array.from({ length: 4_000 }, () => 0), /more than 3500 parts/],
  ]
  for (const [value, message] of losses)
    t.throws(() => portable(value, 'command', true), { code: 'bad_command', message })
  const round: Record<string, unknown> = {}
  round.self = round
  t.throws(() => portable(round, 'command', true), { message: /nested more than/ })
})

t.test('what is taken comes back as it was, and is a copy', async (t) => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  fc.assert(
    fc.property(json, (value) => {
      const { value: copy, bytes } = portable(value, 'command', true)
      t.same(copy, JSON.parse(JSON.stringify(value)))
      if (bytes < Buffer.byteLength(JSON.stringify(value))) throw new Error('too few bytes are counted')
    }),
    { numRuns: 100 },
  )
  const mine = { list: [1] }
  const { value } = portable(mine, 'command', true)
  mine.list.push(2)
  t.same(value, { list: [1] })
  t.same(Object.keys(portable(JSON.parse('{"__proto__":1}'), 'command').value as object), ['__proto__'])
})

t.test('large states may have any shape that JSON has', async (t) => {
  t.equal(
    (
      portable(
        Array.from({ length: 10_000 }, () => 0),
        'state',
      ).value as unknown[]
    ).length,
    10_000,
  )
})

/** A machine that keeps the commands, and says how many there are. */
function keeping<C>(kept: C[]): StateMachine<C, number> {
  return {
    apply: (batch) => batch.map(({ command }) => kept.push(command)),
    snapshot: () => '',
    async restore() {},
  }
}

async function single<C>(t: Tap, codec: Codec<C>, kept: C[], commandBytes?: number): Promise<RaftNode<C, number>> {
  const [peer] = await peersOf(1)
  const { id, peer: address } = peer!
  const limits = commandBytes === undefined ? {} : { limits: { commandBytes } }
  const node = await createNode<C, number>({
    ...{ id, cluster: 'c', peer: address, bootstrap: [peer!], dataDir: null, machine: keeping(kept), codec, ...limits },
  })
  t.teardown(() => node.close().catch(() => {}))
  return node
}

type Tap = typeof t

t.test('commands of bytes, and a limit for them', async (t) => {
  const kept: Uint8Array[] = []
  const node = await single(t as unknown as Tap, bytesCodec(), kept, 100)
  const bytes = Uint8Array.from([0, 255, 10, 13])
  t.match(await node.propose(bytes), { result: 1 })
  t.same([...kept[0]!], [...bytes])
  await t.rejects(node.propose(new Uint8Array(100)), { code: 'too_large', outcome: 'refused' })
  await t.rejects(node.propose('text' as never), { code: 'bad_command' })
})

t.test('a codec that throws refuses the command; one that cannot read its own stops the node', async (t) => {
  const strange: Codec<string> = {
    encode(text) {
      if (text === 'no') throw new Error('I will not')
      return { text }
    },
    decode(encoded) {
      const { text } = encoded as { text: string }
      if (text === 'unreadable') throw new Error('what is this?')
      return text
    },
  }
  const kept: string[] = []
  const node = await single(t as unknown as Tap, strange, kept)
  await t.rejects(node.propose('no'), { code: 'bad_command', outcome: 'refused', message: /I will not/ })
  t.match(await node.propose('yes'), { result: 1 })
  t.same(kept, ['yes'])
  t.match(await node.tryPropose('unreadable'), { outcome: 'refused', error: { code: 'bad_command' } })
  t.match(await node.propose('still there'), { result: 2 })
})

t.test('a text of a megabyte is within the usual limit, and two are not', async (t) => {
  const kept: string[] = []
  const node = await single(t as unknown as Tap, jsonCodec<string>(), kept)
  t.match(await node.propose('x'.repeat(1_000_000)), { result: 1 })
  await t.rejects(node.propose('x'.repeat(2_000_000)), { code: 'too_large' })
})
