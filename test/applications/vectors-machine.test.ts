/** The vector stores as one state machine: against a model, their snapshots, and their searches beside writes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { commands, type Metadata } from '../../client/applications/vectors/commands.js'
import { decodeVector, encodeVector } from '../../client/applications/vectors/encoding.js'
import { limits } from '../../client/applications/vectors/limits.js'
import { type MachineSettings, VectorMachine } from '../../client/applications/vectors/machine.js'
import { numbersOfThread } from '../../client/applications/vectors/nearest.js'
import { vectorErrors } from '../../client/applications/vectors/perform.js'
import { type Metric, metrics } from '../../client/applications/vectors/search.js'
import { systemClock } from '../../src/clock.js'
import { type Answer, type Command, compareKeys } from '../../src/contracts.js'
import { root } from '../docs.js'
import { size } from '../helpers/effort.js'

const machine = (settings: MachineSettings = { threads: false }) => new VectorMachine(systemClock, settings)
const base64 = (...numbers: number[]) => encodeVector(Float32Array.from(numbers))

/** A command as a node would have it: checked. */
function checked(candidate: Command): Command {
  const shape = commands[candidate.command as keyof typeof commands]
  const result = shape.check(candidate)
  if (!result.ok) throw new Error(result.error.message)
  return result.command
}

const codeOf = (answer: Answer) => (answer.ok ? 'ok' : answer.error.code)

async function textOf(body: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of body) text += piece
  return text
}

async function* pieces(text: string) {
  for (const line of text.split('\n')) if (line !== '') yield `${line}\n`
}

/** A store as plainly as it can be. */
interface ModelStore {
  readonly dimension: number
  readonly items: Map<string, { vector: number[]; metadata: Metadata }>
}

/** Stores as the machine must have them. */
class Model {
  readonly stores = new Map<string, ModelStore>()

  apply(command: Command): object | string {
    const {
      store: name,
      dimension,
      items,
      ids,
      where,
    } = command as unknown as {
      store: string
      dimension: number
      items: { id: string; vector: string; metadata?: Metadata }[]
      ids?: string[]
      where?: Metadata
    }
    const store = this.stores.get(name)
    if (command.command === 'drop_store') return { existed: this.stores.delete(name) }
    if (command.command === 'create_store') {
      if (store) return store.dimension === dimension ? { created: false } : 'store_exists'
      this.stores.set(name, { dimension, items: new Map() })
      return { created: true }
    }
    if (!store) return 'no_such_store'
    if (command.command === 'delete') {
      const gone = [...store.items].filter(([id, { metadata }]) => (ids ? ids.includes(id) : isSo(metadata, where!)))
      for (const [id] of gone) store.items.delete(id)
      return { deleted: gone.length }
    }
    const vectors = items.map(({ vector }) => [...decodeVector(vector)!])
    if (vectors.some((vector) => vector.length !== store.dimension)) return 'wrong_dimension'
    const added = items.filter(({ id }) => !store.items.has(id)).length
    for (const [at, { id, metadata = {} }] of items.entries()) store.items.set(id, { vector: vectors[at]!, metadata })
    return { added, replaced: items.length - added }
  }

  nearest(name: string, vector: readonly number[], k: number, metric: Metric, where: Metadata | undefined) {
    const all = [...this.stores.get(name)!.items].filter(([, { metadata }]) => !where || isSo(metadata, where))
    const measured = all.map(([id, item]) => ({ id, distance: distanceOf(metric, vector, item.vector), ...item }))
    return measured.sort((a, b) => a.distance - b.distance || compareKeys(a.id, b.id)).slice(0, k)
  }
}

const isSo = (metadata: Metadata, where: Metadata) =>
  Object.entries(where).every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value)

function distanceOf(metric: Metric, a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, at) => sum + value * y[at]!, 0)
  if (metric === 'dot') return -dot(a, b)
  if (metric === 'euclidean') return Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0))
  const lengths = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))
  return lengths === 0 ? 1 : 1 - dot(a, b) / lengths
}

const name = fc.constantFrom('docs', 'pictures', '__proto__')
const id = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'é', '日')
// Small whole numbers: sums are exact, so that ties are ties in any order of adding.
const vector = (length: number) => fc.array(fc.integer({ min: -2, max: 2 }), { minLength: length, maxLength: length })
const metadata = fc.dictionary(fc.constantFrom('lang', 'kind'), fc.constantFrom('en', 'de'), { noNullPrototype: true })
const where = metadata.filter((one) => Object.keys(one).length > 0)
const length = fc.constantFrom(3, 3, 3, 4)
const item = length.chain((dimension) =>
  fc.record({ id, vector: vector(dimension), metadata }, { requiredKeys: ['id', 'vector'] }),
)
const write: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ command: fc.constant('create_store'), store: name, dimension: length }) },
  { weight: 1, arbitrary: fc.record({ command: fc.constant('drop_store'), store: name }) },
  {
    weight: 8,
    arbitrary: fc.record({
      command: fc.constant('set'),
      store: name,
      items: fc.uniqueArray(item, { minLength: 1, maxLength: 4, selector: (one) => one.id }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      command: fc.constant('delete'),
      store: name,
      ids: fc.uniqueArray(id, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ command: fc.constant('delete'), store: name, where }) },
)
const batches = fc.array(fc.array(write, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
const questions = fc.array(
  fc.record(
    { vector: vector(3), k: fc.integer({ min: 1, max: 5 }), metric: fc.constantFrom(...metrics), where },
    { requiredKeys: ['vector', 'k', 'metric'] },
  ),
  { minLength: 1, maxLength: 3 },
)

t.test('any commands: answers, searches and snapshots are those of the model', async (t) => {
  await fc.assert(
    fc.asyncProperty(batches, questions, async (all, asked) => {
      const [stores, model] = [machine(), new Model()]
      for (const batch of all) {
        const before = await stores.snapshot()
        const state = modelText(model)
        const commands = batch.map(checked)
        const answers = await stores.apply(commands)
        for (const [at, command] of commands.entries()) {
          const expected = model.apply(command)
          const answer = answers[at]!
          t.same(
            answer.ok ? answer : codeOf(answer),
            typeof expected === 'string' ? expected : { ok: true, ...expected },
          )
        }
        if ((await textOf(before)) !== state) throw new Error('a snapshot is of the moment at which it was taken')
      }
      const text = await textOf(await stores.snapshot())
      if (text !== modelText(model)) throw new Error(`${text} is not ${modelText(model)}`)
      const other = machine()
      await other.restore(pieces(text))
      if ((await textOf(await other.snapshot())) !== text) throw new Error('a snapshot restores its state')
      for (const one of [stores, other]) await compareSearches(one, model, asked)
    }),
    { numRuns: size(60, 2_000) },
  )
})

type Question = { vector: number[]; k: number; metric: Metric; where?: Metadata }

async function compareSearches(stores: VectorMachine, model: Model, asked: readonly Question[]): Promise<void> {
  for (const [store, { dimension }] of model.stores)
    for (const question of asked.filter(({ vector }) => vector.length === dimension)) {
      const [answer] = await stores.query([checked({ command: 'nearest', store, ...question })])
      const { vector, k, metric, where } = question
      const expected = model.nearest(store, vector, k, metric, where)
      const got = (answer as unknown as { items: { id: string; distance: number }[] }).items
      const isSame =
        got.length === expected.length && got.every((one, at) => isNear(one.distance, expected[at]!.distance))
      if (!isSame) throw new Error(`${JSON.stringify(got)} is not ${JSON.stringify(expected)}`)
      // A cosine is rounded, so what is a tie to one may not be to the other.
      if (metric !== 'cosine' && got.some(({ id }, at) => id !== expected[at]!.id))
        throw new Error(`${JSON.stringify(got)} is not in the order of ${JSON.stringify(expected)}`)
    }
}

const isNear = (a: number, b: number) => Math.abs(a - b) < 1e-9

function modelText({ stores }: Model): string {
  const sorted = [...stores].sort(([a], [b]) => compareKeys(a, b))
  const lines = sorted.flatMap(([store, { dimension, items }]) => [
    { store, dimension },
    ...[...items]
      .sort(([a], [b]) => compareKeys(a, b))
      .map(([id, { vector, metadata }]) => [id, base64(...vector), metadata]),
  ])
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

t.test('a set is done whole or not at all', async (t) => {
  const stores = machine({ threads: false, bytes: 300 })
  const item = (id: string, ...vector: number[]) => ({ id, vector: base64(...vector) })
  const set = (...items: object[]) => checked({ command: 'set', store: 'docs', items })
  const answers = await stores.apply([
    checked({ command: 'create_store', store: 'docs', dimension: 2 }),
    set(item('a', 1, 2), item('b', 1, 2, 3)),
    set(item('a', 1, 2), item('b', 3, 4)),
    set(item('c', 1, 2), item('d', 1, 2), item('e', 1, 2)),
    set(item('a', 5, 6)),
  ])
  t.same(answers.map(codeOf), ['ok', 'wrong_dimension', 'ok', 'full', 'ok'])
  t.match(answers[1], { error: { message: 'the store "docs" has vectors of 2 numbers, and the item "b" has 3' } })
  t.match(answers[3], { error: { message: /would hold 375 bytes; at most 300/, definite: true } })
  t.same([...stores.contents().keys()], ['docs', 'docs/a', 'docs/b'])
  const [got] = await stores.query([checked({ command: 'get', store: 'docs', ids: ['b', 'x', 'a'] })])
  t.match(got, {
    items: [
      { id: 'b', vector: base64(3, 4) },
      { id: 'a', vector: base64(5, 6) },
    ],
  })
  t.same(await stores.query([{ command: 'list_stores' }]), [
    { ok: true, stores: [{ store: 'docs', dimension: 2, items: 2, bytes: 150 }] },
  ])
})

t.test('what a client may not send is refused before it is proposed, with a sentence', async (t) => {
  const many = Array.from({ length: limits.items + 1 }, (_, at) => ({ id: `${at}`, vector: [1] }))
  const one = (fields: object) => ({ command: 'set', store: 's', items: [{ id: 'a', vector: [1], ...fields }] })
  const refusals: [Command, string, RegExp][] = [
    [{ command: 'create_store', store: '', dimension: 3 }, 'bad_request', /"store" must be a text that is not empty/],
    [{ command: 'create_store', store: 's', dimension: 0 }, 'bad_request', /"dimension" must be at least 1/],
    [
      one({ vector: 'x' }),
      'bad_request',
      /"items\[0\]\.vector" must be base64 of float32 numbers, little-endian, or a/,
    ],
    [one({ vector: [1, 'x'] }), 'bad_request', /must be base64 of float32/],
    [one({ vector: [] }), 'bad_request', /must be base64 of float32/],
    [one({ vector: [1e39] }), 'bad_request', /"items\[0\]\.vector" must be numbers that are finite as float32/],
    [one({ vector: base64(Number.NaN) }), 'bad_request', /finite as float32/],
    [one({ vector: new Array(limits.dimension + 1).fill(1) }), 'too_large', /at most 4096 numbers/],
    [one({ metadata: { a: 1 } }), 'bad_request', /"items\[0\]\.metadata" must be an object whose values are texts/],
    [one({ metadata: { a: 'x'.repeat(limits.metadataBytes) } }), 'too_large', /at most 4096 bytes of JSON/],
    [one({ name: 'x' }), 'bad_request', /^set: "items\[0\]" has no field "name"$/],
    [{ command: 'set', store: 's', items: many }, 'bad_request', /"items" must be/],
    [{ command: 'set', store: 's', items: [many[0], many[0]] }, 'bad_request', /the id "0" is there twice/],
    [{ command: 'delete', store: 's' }, 'bad_request', /either "ids" or "where"/],
    [{ command: 'delete', store: 's', ids: ['a'], where: { a: 'b' } }, 'bad_request', /either "ids" or "where"/],
    [{ command: 'delete', store: 's', where: {} }, 'bad_request', /at least one key/],
    [{ command: 'nearest', store: 's', vector: [1], metric: 'l1' }, 'bad_request', /one of cosine, dot, euclidean/],
    [{ command: 'nearest', store: 's', vector: [1], k: 1_001 }, 'bad_request', /"k" must be/],
  ]
  for (const [command, code, message] of refusals) {
    const result = commands[command.command as keyof typeof commands].check(command)
    t.match(result, { ok: false, error: { code, message, definite: true } }, JSON.stringify(command).slice(0, 80))
  }
  t.match(checked(one({ metadata: { b: '1', a: '2' } })), { items: [{ vector: base64(1) }] }, 'numbers become base64')
  const { items } = checked(one({ metadata: { b: '1', a: '2' } })) as unknown as { items: [{ metadata: Metadata }] }
  t.same(Object.keys(items[0].metadata), ['a', 'b'], 'metadata has one form')
  const half = commands.set.check(one({ vector: encodeVector(Float32Array.of(0.5)).slice(0, -1) }))
  t.match(half, { ok: false })
})

t.test(
  'a long search is made on threads, is of its moment, and holds up neither commands nor the event loop',
  async (t) => {
    const [dimension, rows] = [512, Math.ceil(numbersOfThread / 512) + 500]
    const stores = machine({ threads: true })
    await stores.apply([checked({ command: 'create_store', store: 'docs', dimension })])
    const numbers = (seed: number) => Float32Array.from({ length: dimension }, (_, at) => Math.sin(seed * (at + 1)))
    const ids = Array.from({ length: rows }, (_, at) => `item ${String(at).padStart(5, '0')}`)
    for (let at = 0; at < rows; at += 400) {
      const items = ids.slice(at, at + 400).map((id, one) => ({ id, vector: encodeVector(numbers(at + one + 1)) }))
      t.match(await stores.apply([{ command: 'set', store: 'docs', items }]), [{ ok: true }])
    }
    const ask = (metric: Metric) =>
      stores.query([{ command: 'nearest', store: 'docs', vector: encodeVector(numbers(7)), k: 5, metric }])
    const before = await Promise.all(metrics.map(ask))
    const searches = Promise.all(metrics.map(ask))
    const written = stores.apply([{ command: 'delete', store: 'docs', ids: ['item 00006'] }])
    t.match(await written, [{ ok: true, deleted: 1 }])
    const again = [{ id: 'item 00000', vector: encodeVector(numbers(7)) }]
    t.match(await stores.apply([{ command: 'set', store: 'docs', items: again }]), [{ ok: true, replaced: 1 }])
    t.same(await searches, before, 'what was written meanwhile does not show')
    const [cosine, , euclidean] = await Promise.all(metrics.map(ask))
    t.match(cosine, [{ items: [{ id: 'item 00000' }] }])
    t.match(euclidean, [{ items: [{ id: 'item 00000', distance: 0 }] }])
    const alone = machine({ threads: false })
    await alone.restore(await stores.snapshot())
    const [here] = await alone.query([
      { command: 'nearest', store: 'docs', vector: encodeVector(numbers(3)), k: 50, metric: 'cosine' },
    ])
    const [there] = await stores.query([
      { command: 'nearest', store: 'docs', vector: encodeVector(numbers(3)), k: 50, metric: 'cosine' },
    ])
    t.same(here, there, 'the same with threads and without')
  },
)

t.test('the page lists every command and every code of an error', async (t) => {
  const page = readFileSync(join(root, 'client/applications/vectors/README.md'), 'utf8')
  for (const name of Object.keys(commands)) t.match(page, new RegExp(`^\\| \`${name}[ \`]`, 'm'))
  for (const [code, means] of Object.entries(vectorErrors)) t.match(page, `| \`${code}\` | ${means} |`)
})
