import fc from 'fast-check'
import t from 'tap'
import { type Answer, type Command, compareKeys, errorCodes } from '../src/contracts.js'
import { LockedMap } from '../src/state-machine/locked-map.js'
import type { MomentBounds } from '../src/state-machine/moments.js'
import { OrderedMap } from '../src/state-machine/ordered-map.js'
import { keyValue } from '../stages/0-key-value-store/key-value.js'

type Entry = [key: string, value: string]
type Page = { readonly entries: Entry[]; readonly more: boolean; readonly page?: string }

const wide: MomentBounds = { moments: 64, bytes: 2 ** 30, idleMs: Number.POSITIVE_INFINITY }
const soon = setImmediate as (task: () => void) => void
const set = (key: string, value: string): Command => ({ command: 'set', key, value })
const remove = (key: string): Command => ({ command: 'delete', key })

/** A machine whose clock the test sets. */
function machine(bounds: Partial<MomentBounds> = {}) {
  const time = { now: 0 }
  const clock = { now: () => time.now, after: () => () => {}, soon }
  const store = new LockedMap(keyValue.operations!, clock, { moments: { ...wide, ...bounds } })
  const scan = async (fields: object) => (await store.query([{ command: 'scan', ...fields }]))[0]!
  return { time, store, scan }
}

function pageIn(answer: Answer): Page {
  if (!answer.ok) throw new Error(answer.error.message)
  return answer as unknown as Page
}

const codeOf = (answer: Answer) => (answer.ok ? 'ok' : answer.error.code)
const sorted = (held: ReadonlyMap<string, string>) => [...held].sort(([a], [b]) => compareKeys(a, b))

/** A scan of the model: the entries that it is still to give, and the name of its next page. */
interface Expected {
  rest: Entry[]
  page: string
  /** The number of its moment; moments that share a state of the store share the number. */
  readonly moment: number
}

/** A Map beside the machine, with a copy for each moment, as the machine must behave. */
class Model {
  held = new Map<string, string>()
  readonly scans: Expected[] = []
  readonly #most: number
  #kept: number[] = []
  #last = 0
  #isPast = true

  constructor(most: number) {
    this.#most = most
  }

  write(batch: readonly Command[]): void {
    for (const { command, key, value } of batch as readonly (Command & { key: string; value: string })[]) {
      if (command === 'delete' && !this.held.delete(key)) continue
      if (command === 'set') this.held.set(key, value)
      this.#isPast = true
    }
  }

  pin(): number {
    if (this.#isPast || this.#kept.length === 0) this.#kept = [...this.#kept, ++this.#last].slice(-this.#most)
    this.#isPast = false
    return this.#last
  }

  restore(entries: Entry[]): void {
    this.held = new Map(entries)
    this.#kept = []
  }

  isKept({ moment }: Expected): boolean {
    return this.#kept.includes(moment)
  }
}

const key = fc.oneof(
  fc.nat(40).map((number) => `k/${number}`),
  fc.constantFrom('a', 'k', 'k/\uffff', 'k/𝒳', 'l-2-x', '\n', 'é'),
)
const write = fc.oneof(
  { weight: 3, arbitrary: fc.record({ command: fc.constant('set'), key, value: fc.string({ maxLength: 3 }) }) },
  fc.record({ command: fc.constant('delete'), key }),
)
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('write' as const), batch: fc.array(write, { maxLength: 9 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('begin' as const),
      prefix: fc.constantFrom('', 'k', 'k/', 'k/1', 'z'),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('go on' as const),
      which: fc.nat(),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  fc.record({ does: fc.constant('restore' as const) }),
)

/** Checks a page against the entries that the model still expects. @returns what is expected behind it */
function checked(page: Page, rest: Entry[], limit: number): Entry[] {
  const expected = { entries: rest.slice(0, limit), more: rest.length > limit }
  const { page: token, ...told } = page
  if (JSON.stringify(told) !== JSON.stringify({ ok: true, ...expected }) || (token !== undefined) !== expected.more)
    throw new Error(`${JSON.stringify(page)} is not ${JSON.stringify(expected)}`)
  return rest.slice(limit)
}

t.test('every page shows the moment of its first one, or says compacted, whatever is written meanwhile', async (_t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (moments, steps) => {
      const { store, scan } = machine({ moments })
      const model = new Model(moments)
      for (const next of steps) {
        if (next.does === 'write') {
          await store.apply(next.batch)
          model.write(next.batch)
        } else if (next.does === 'begin') {
          const { prefix, limit } = next
          const all = sorted(model.held).filter(([each]) => each.startsWith(prefix))
          const page = pageIn(await scan({ prefix, limit }))
          const rest = checked(page, all, limit)
          if (page.page !== undefined) model.scans.push({ rest, page: page.page, moment: model.pin() })
        } else if (next.does === 'restore') {
          const lines = sorted(model.held).map((entry) => `${JSON.stringify(entry)}\n`)
          await store.restore(
            (async function* () {
              yield* lines
            })(),
          )
          model.restore(sorted(model.held))
        } else if (model.scans.length > 0) {
          const expected = model.scans[next.which % model.scans.length]!
          const answer = await scan({ page: expected.page, limit: next.limit })
          if (!model.isKept(expected)) {
            if (codeOf(answer) !== 'compacted') throw new Error(`${JSON.stringify(answer)} of a moment that went`)
            continue
          }
          const page = pageIn(answer)
          const rest = checked(page, expected.rest, next.limit)
          if (page.page !== undefined) model.scans.push({ ...expected, rest, page: page.page })
        }
      }
      return JSON.stringify(sorted(store.contents())) === JSON.stringify(sorted(model.held))
    }),
    { numRuns: 300 },
  )
})

/** A stream of numbers below 2^32, the same every time. */
function numbers(): (below: number) => number {
  let state = 7
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

t.test('moments of a store with thousands of keys keep theirs, while keys come and go by the thousand', async (t) => {
  const store = new OrderedMap({ bounds: wide })
  const draw = numbers()
  const moments: { name: string; entries: Entry[] }[] = []
  for (let round = 0; round < 30; round++) {
    const low = draw(20_000)
    const isShrinking = round % 3 === 2
    for (let at = 0; at < 3_000; at++) {
      const key = String(isShrinking ? low + at : draw(20_000)).padStart(5, '0')
      if (isShrinking ? draw(10) > 0 : draw(4) === 0) store.delete(key)
      else store.set(key, `${round}.${at}`)
    }
    moments.push({ name: store.pin(), entries: [...store.entries()] })
  }
  for (const { name, entries } of moments) {
    const then = store.at(name)!
    t.strictSame(
      [...then.keys()].map((key): Entry => [key, then.get(key)!]),
      entries,
    )
  }
  t.equal(store.moments.held.moments, 30)
})

t.test('what a moment holds is bounded in bytes, and the oldest goes first', async (t) => {
  const bytes = 400_000
  const { store, scan } = machine({ bytes })
  const value = 'x'.repeat(1_000)
  const many = Array.from({ length: 1_000 }, (_, at) => `key ${at}`)
  await store.apply([set('a', '1'), set('b', '1'), set('big', value), ...many.map((key) => set(key, value))])
  const first = pageIn(await scan({ limit: 1 })).page!
  await store.apply([set('big', '')])
  t.ok(store.moments.bytes >= 2_000, 'a value that was overwritten counts')
  const second = pageIn(await scan({ limit: 1 })).page!
  t.equal(store.moments.moments, 2)
  for (const key of many) if (store.moments.moments === 2) await store.apply([set(key, '')])
  t.same([codeOf(await scan({ page: first })), codeOf(await scan({ page: second }))], ['compacted', 'ok'])
  t.ok(store.moments.bytes <= bytes && store.moments.bytes > bytes / 2)
  await store.apply([...many.map(remove), ...many.map((key) => set(`new ${key}`, ''))])
  t.same(store.moments, { moments: 0, bytes: 0 }, 'one moment alone is not over the bound either')
  t.equal(codeOf(await scan({ page: second })), 'compacted')
  t.match(await scan({ limit: 1 }), { ok: true, more: true }, 'and a scan may begin again')
})

t.test('a thousand keys that come and go cost the tree of keys once, and no more', async (t) => {
  const { store, scan } = machine()
  await store.apply([set('a', '1'), set('b', '1')])
  await scan({ limit: 1 })
  const { bytes } = store.moments
  await store.apply(Array.from({ length: 1_000 }, (_, at) => [set(`new ${at}`, ''), remove(`new ${at}`)]).flat())
  t.ok(store.moments.bytes < bytes + 1_000 * 200, `${store.moments.bytes - bytes} bytes more`)
})

t.test('scans without a write between them share one moment; one that is over keeps none', async (t) => {
  const { store, scan } = machine()
  await store.apply([set('a', '1'), set('b', '1')])
  await scan({})
  t.equal(store.moments.moments, 0)
  for (let each = 0; each < 100; each++) await scan({ limit: 1 })
  await store.apply([remove('absent')])
  t.equal(store.moments.moments, 1)
})

t.test('a moment for which nobody asks goes after a while, so that writes pay no longer for it', async (t) => {
  const { time, store, scan } = machine({ idleMs: 1_000 })
  await store.apply([set('a', '1'), set('b', '1'), set('c', '1')])
  const { page } = pageIn(await scan({ limit: 1 }))
  await store.apply([set('c', '2')])
  time.now = 900
  t.match(await scan({ page, limit: 1 }), { entries: [['b', '1']] })
  time.now = 1_800
  t.match(
    await scan({ page }),
    {
      entries: [
        ['b', '1'],
        ['c', '1'],
      ],
    },
    'it was asked for meanwhile',
  )
  time.now = 2_801
  t.equal(codeOf(await scan({ page })), 'compacted')
  t.same(store.moments, { moments: 0, bytes: 0 })
})

t.test('a page of another store, or of an earlier life of this one, is refused for certain', async (t) => {
  const [one, other] = [machine(), machine()]
  for (const { store } of [one, other]) await store.apply([set('a', '1'), set('b', '1')])
  const { page } = pageIn(await one.scan({ limit: 1 }))
  await other.scan({ limit: 1 })
  t.match(await other.scan({ page }), {
    ok: false,
    error: { code: 'compacted', definite: true, message: /begin the scan again/ },
  })
  t.match(await one.scan({ page }), { ok: true, entries: [['b', '1']], more: false })
  await one.store.restore(
    (async function* () {
      yield '["a","1"]\n["b","1"]\n'
    })(),
  )
  await one.scan({ limit: 1 })
  t.equal(codeOf(await one.scan({ page })), 'compacted', 'a restored snapshot lets all moments go')
  t.ok(errorCodes.compacted.definite)
})

t.test('replicas that perform the same scans in a log stay equal, whoever keeps which moments', async (t) => {
  const [one, other] = [machine({ moments: 1 }), machine({ bytes: 0 })]
  const commands = Array.from({ length: 300 }, (_, at) => [
    set(`k${at % 50}`, `${at}`),
    { command: 'scan', limit: 2 },
    remove(`k${(at * 7) % 50}`),
    { command: 'scan', page: 'x.1-0-k' },
  ]).flat()
  const lines = await Promise.all(
    [one, other].map(async ({ store }) => {
      await store.apply(commands)
      let text = ''
      for await (const piece of await store.snapshot()) text += piece
      return text
    }),
  )
  t.equal(lines[0], lines[1])
  t.ok(lines[0]!.length > 100)
  t.same(other.store.moments, { moments: 0, bytes: 0 })
})

t.test('a deep page looks at what it returns, and at no key that came or went since', async (t) => {
  let looked = 0
  const store = new OrderedMap({ bounds: wide })
  for (let at = 0; at < 20_000; at++) store.set(`k${String(at).padStart(5, '0')}`, '')
  const moment = store.pin()
  for (let at = 0; at < 20_000; at++) store.set(`k${String(at).padStart(5, '0')}/new`, '')
  for (let at = 9_000; at < 19_000; at++) store.delete(`k${String(at).padStart(5, '0')}`)
  const then = store.at(moment)!
  for (const key of then.keys('k15000')) {
    t.equal(then.get(key), '')
    if (++looked === 10) break
  }
  t.equal(looked, 10)
})
