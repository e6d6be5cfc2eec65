import fc from 'fast-check'
import t from 'tap'
import { type Answer, type Clock, type Command, compareKeys, type Operation, type Store } from '../src/contracts.js'
import { LockedMap, type Slices } from '../src/state-machine/locked-map.js'
import { OrderedMap } from '../src/state-machine/ordered-map.js'
import { keyValue } from '../stages/0-key-value-store/key-value.js'

/** A clock whose turns the test gives. */
class Turns implements Clock {
  readonly #tasks: (() => void)[] = []
  given = 0

  now(): number {
    return 0
  }

  after(): () => void {
    return () => {}
  }

  soon(task: () => void): void {
    this.#tasks.push(task)
  }

  /** Lets everything go on that waits for a turn, and what comes of that, so many times. */
  async give(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      await microtasks()
      for (const task of this.#tasks.splice(0)) task()
      this.given++
    }
    await microtasks()
  }

  /** Gives turns until it is done. */
  async until<Result>(work: Promise<Result>): Promise<Result> {
    let isDone = false
    const end = () => {
      isDone = true
    }
    work.then(end, end)
    while (!isDone) await this.give(1)
    return work
  }
}

const microtasks = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A scan that gives up its turn at every key, so that a few keys are enough to find it at work. */
const slowScan: Operation<Store> = function* (store: Store): Generator<void, Answer> {
  const entries: string[] = []
  for (const key of store.keys()) {
    entries.push(`${key}=${store.get(key)}`)
    yield
  }
  return { ok: true, entries: entries.sort() }
}

const operations = { ...keyValue.operations, slow: slowScan }

/** What a snapshot of these entries is: lines in the order of the keys' UTF-8 bytes. */
function linesOf(held: ReadonlyMap<string, string>): string {
  const entries = [...held].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

/** Text in pieces of so many lines. */
async function* inPieces(text: string, lines: number): AsyncGenerator<string> {
  const all = text.split('\n').slice(0, -1)
  while (all.length > 0) yield `${all.splice(0, lines).join('\n')}\n`
}

async function textOf(body: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const lines of body) text += lines
  return text
}

const set = (key: string, value: string): Command => ({ command: 'set', key, value })

/** A machine with small slices, and its turns. */
function machine(slices: Slices = { keys: 2, characters: 20 }) {
  const turns = new Turns()
  return { turns, store: new LockedMap(operations, turns, { slices }) }
}

const oddKeys = [
  'a',
  'b',
  'aa',
  '__proto__',
  'constructor',
  '\n',
  '"],["',
  '\\',
  '\u0000',
  '\u2028',
  'é',
  '\uffff',
  '𝒳',
]
const key = fc.oneof(fc.constantFrom(...oddKeys), fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }))
const value = fc.oneof(fc.constantFrom('', '1', '2', 'a\nb', '𝒳"'), fc.string({ unit: 'binary', maxLength: 30 }))
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ command: fc.constant('set'), key, value }) },
  { weight: 2, arbitrary: fc.record({ command: fc.constant('delete'), key }) },
  fc.record({ command: fc.constant('get'), key }),
  fc.record({ command: fc.constant('append'), key, value }),
  fc.record({ command: fc.constant('cas'), key, expected: fc.option(value), value }),
  fc.record({ command: fc.constantFrom('scan', 'slow') }),
)

/** What happens to a machine; nothing of it is waited for but turns. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('apply' as const), batch: fc.array(command, { maxLength: 8 }) }),
  },
  { weight: 6, arbitrary: fc.record({ does: fc.constant('turns' as const), turns: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('snapshot' as const), pieces: fc.option(fc.nat(4)) }) },
  fc.record({ does: fc.constant('restore' as const), which: fc.nat(3), lines: fc.integer({ min: 1, max: 5 }) }),
)

const slices = fc.record({ keys: fc.integer({ min: 1, max: 5 }), characters: fc.integer({ min: 1, max: 60 }) })

/** A Map that sorts its keys whenever it is asked for them. */
class SortingMap extends Map<string, string> {
  override keys(from?: string): MapIterator<string> {
    const keys = [...super.keys()].filter((key) => from === undefined || compareKeys(key, from) >= 0)
    return keys.sort(compareKeys).values()
  }

  /** No scan of these tests has more than one page. */
  pin(): never {
    throw new Error('a second page')
  }

  at(): null {
    return null
  }
}

/** Answers as a Map gives them, at once. */
function answersOf(held: SortingMap, batch: readonly Command[]): Answer[] {
  return batch.map((each) => {
    const result = (operations as Record<string, Operation<Store>>)[each.command]!(held, each as never)
    if ('ok' in result) return result
    for (;;) {
      const slice = result.next()
      if (slice.done) return slice.value
    }
  })
}

/** Reads so many pieces and leaves the rest, or all if null. */
async function read(body: Promise<AsyncIterable<string>>, pieces: number | null): Promise<string> {
  let text = ''
  let left = pieces ?? Number.POSITIVE_INFINITY
  for await (const piece of await body) {
    if (left-- <= 0) break
    text += piece
  }
  return text
}

t.test('whatever happens beside it, a snapshot shows its moment, and commands see one Map', async (_t) => {
  await fc.assert(
    fc.asyncProperty(slices, fc.array(step, { maxLength: 40 }), async (size, steps) => {
      const { turns, store } = machine(size)
      let held = new SortingMap()
      const taken: string[] = ['']
      const checks: Promise<boolean>[] = []
      for (const next of steps) {
        if (next.does === 'apply') {
          const expected = JSON.stringify(answersOf(held, next.batch))
          checks.push(store.apply(next.batch).then((answers) => JSON.stringify(answers) === expected))
        } else if (next.does === 'turns') await turns.give(next.turns)
        else if (next.does === 'snapshot') {
          const lines = linesOf(held)
          taken.push(lines)
          const reading = read(store.snapshot(), next.pieces)
          checks.push(reading.then((text) => (next.pieces === null ? text === lines : lines.startsWith(text))))
        } else {
          const lines = taken[next.which % taken.length]!
          held = new SortingMap(
            lines
              .split('\n')
              .slice(0, -1)
              .map((line) => JSON.parse(line) as [string, string]),
          )
          checks.push(store.restore(inPieces(lines, next.lines)).then(() => true))
        }
      }
      const isRight = await turns.until(Promise.all(checks))
      return !isRight.includes(false) && linesOf(store.contents()) === linesOf(held)
    }),
    { numRuns: 300 },
  )
})

t.test('equal states give equal lines, whatever came before', async (t) => {
  const entries = oddKeys.map((key, at): [string, string] => [key, `${key}${at}`])
  const [one, other, third] = [machine(), machine({ keys: 3, characters: 1 }), machine()]
  await one.store.apply(entries.map(([key, value]) => set(key, value)))
  const detour = entries.toReversed().flatMap(([key, value]) => [set(key, '?'), set(`${key}!`, '?'), set(key, value)])
  await other.store.apply([...detour, ...entries.map(([key]) => ({ command: 'delete', key: `${key}!` }))])
  const text = await one.turns.until(one.store.snapshot().then(textOf))
  t.equal(text, linesOf(new Map(entries)))
  t.equal(await other.turns.until(other.store.snapshot().then(textOf)), text)
  await third.store.apply([set('of an earlier life', '1')])
  await third.turns.until(third.store.restore(inPieces(text, 4)))
  t.equal(await third.turns.until(third.store.snapshot().then(textOf)), text, 'also after a restore')
})

t.test('a snapshot that nobody reads is no hindrance, nor is one that is left in the middle', async (t) => {
  const { turns, store } = machine()
  await store.apply([set('a', '1'), set('b', '1'), set('c', '1'), set('d', '1')])
  await store.snapshot()
  await store.apply([set('a', '2')])
  const left = await turns.until(store.snapshot())
  for await (const lines of { [Symbol.asyncIterator]: () => driven(left[Symbol.asyncIterator](), turns) }) {
    t.equal(lines, '["a","2"]\n["b","1"]\n')
    break
  }
  await store.apply([{ command: 'delete', key: 'a' }])
  t.equal(await turns.until(store.snapshot().then(textOf)), '["b","1"]\n["c","1"]\n["d","1"]\n')
})

/** An iterator whose every step is given the turns that it needs. */
function driven(iterator: AsyncIterator<string>, turns: Turns): AsyncIterator<string> {
  return { next: () => turns.until(iterator.next()), return: () => turns.until(iterator.return!()) }
}

t.test('commands do not wait while a snapshot is collected and read', async (t) => {
  const { turns, store } = machine({ keys: 1, characters: 1 })
  await store.apply(oddKeys.map((key) => set(key, 'before')))
  const reading = store.snapshot().then(textOf)
  for (let each = 0; each < 3 * oddKeys.length; each++) {
    const key = oddKeys[each % oddKeys.length]!
    t.same(await store.apply([set(key, 'after')]), [{ ok: true }], 'without a turn of the event loop')
    await turns.give(1)
  }
  t.notMatch(await turns.until(reading), 'after')
})

t.test('the event loop turns after every slice', async (t) => {
  const keys = 1_000
  const { turns, store } = machine({ keys: 100, characters: 500 })
  await store.apply(Array.from({ length: keys }, (_, at) => set(`key ${at}`, 'x')))
  const text = await turns.until(store.snapshot().then(textOf))
  const least = keys / 100 + text.length / 600
  t.ok(turns.given >= least, 'a turn for 100 keys collected, one for 500 characters')
  turns.given = 0
  await turns.until(store.restore(inPieces(text, keys)))
  t.ok(turns.given >= text.length / 600, 'one for 500 characters, however long the pieces are')
})

t.test('portions are as large as they were asked to be, and one moment is looked at at a time', async (t) => {
  const store = new OrderedMap()
  const alike = 'x'.repeat(20)
  // Only a few units of a long key choose its place, so these share a handful of them.
  for (let at = 0; at < 500; at++) store.set(`${alike}${String(at).padStart(3, '0')}${'y'.repeat(2_000)}`, '')
  const portions = [...store.freeze(7)]
  t.equal(portions.flatMap(({ keys }) => keys).length, 500)
  t.ok(portions.every(({ keys, values }) => keys.length <= 7 && values.length === keys.length))
  t.throws(() => [store.freeze(1), store.freeze(1)], 'one moment at a time')
})

t.test('what is no snapshot is refused, and changes nothing', async (t) => {
  const { turns, store } = machine()
  await store.apply([set('a', '1')])
  for (const text of ['["b"]\n', '["b","1"]\n["c",1]\n', '{"b":"1"}\n', '["b","1"\n', 'null\n']) {
    await t.rejects(turns.until(store.restore(inPieces(text, 10))), JSON.stringify(text))
  }
  t.same([...store.contents()], [['a', '1']])
  t.same(await store.apply([{ command: 'get', key: 'b' }]), [{ ok: true, value: null }])
})

t.test('a query sees what was performed before it, and changes nothing: whoever tries ends the node', async (t) => {
  const { store } = machine()
  const applied = store.apply([set('a', '1'), set('b', '2')])
  t.same(await store.query([{ command: 'get', key: 'a' }]), [{ ok: true, value: '1' }])
  await applied
  t.match(await store.query([{ command: 'scan' }]), [
    {
      ok: true,
      entries: [
        ['a', '1'],
        ['b', '2'],
      ],
    },
  ])
  for (const command of [set('a', '3'), { command: 'delete', key: 'a' }, { command: 'append', key: 'a', value: '3' }])
    await t.rejects(store.query([command]), /a query would change the state machine/)
  t.same(await store.apply([{ command: 'get', key: 'a' }]), [{ ok: true, value: '1' }])
})
