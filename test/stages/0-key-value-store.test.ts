import fc from 'fast-check'
import t from 'tap'
import { type Answer, compareKeys, limits, type Store } from '../../src/contracts.js'
import { OrderedMap } from '../../src/state-machine/ordered-map.js'
import { commands, nodeCommands } from '../../stages/0-key-value-store/commands.js'
import { scan } from '../../stages/0-key-value-store/scan.js'
import stage from '../../stages/0-key-value-store/stage.js'
import { nodeOptions } from '../helpers/core.js'

const clock = { now: () => 0, after: () => () => {}, soon: setImmediate as (task: () => void) => void }
const machine = () => stage.application.machine(clock)

t.test('a write goes to the state machine under the next index, a read at its place among the writes', async (t) => {
  const core = stage.create(nodeOptions('n1'))
  core.request({ id: 7, command: { command: 'set', key: 'a', value: '1' } })
  core.request({ id: 8, command: { command: 'get', key: 'a' } })
  const { apply, query, replies, send } = core.take()
  t.match(apply, [{ index: 1, request: 7, payload: { kind: 'command', command: { command: 'set' } } }])
  t.match(query, [{ request: 8, command: { command: 'get' }, behind: 1 }], 'a read has no index')
  t.same([replies, send], [[], []])
  t.same(core.take().apply, [], 'what was taken is gone')
})

t.test('ping and info are answered at once', async (t) => {
  const core = stage.create(nodeOptions('n2'))
  core.request({ id: 1, command: { command: 'ping' } })
  core.request({ id: 2, command: { command: 'info' } })
  const { replies } = core.take()
  t.same(replies[0], { request: 1, answer: { ok: true } })
  t.match(replies[1]!.answer, { ok: true, info: { id: 'n2', stage: 0, role: 'standalone', leader: null, applied: 0 } })
})

t.test('what each command answers', async (t) => {
  const store = machine()
  const ask = async (command: string, fields: object) => (await store.apply([{ command, ...fields }]))[0]
  t.same(await ask('get', { key: 'a' }), { ok: true, value: null })
  t.same(await ask('set', { key: 'a', value: '' }), { ok: true })
  t.same(await ask('get', { key: 'a' }), { ok: true, value: '' }, 'empty is not absent')
  t.same(await ask('append', { key: 'a', value: 'xy' }), { ok: true, length: 2 })
  t.same(await ask('append', { key: 'new', value: 'é' }), { ok: true, length: 1 })
  t.same(await ask('cas', { key: 'a', expected: 'xy', value: 'z' }), { ok: true })
  t.match(await ask('cas', { key: 'a', expected: 'xy', value: '!' }), {
    ok: false,
    error: { code: 'cas_mismatch', definite: true, actual: 'z' },
  })
  t.match(await ask('cas', { key: 'b', expected: '', value: '!' }), { ok: false, error: { actual: null } })
  t.same(await ask('cas', { key: 'b', expected: null, value: '1' }), { ok: true }, 'null expects absence')
  t.same(await ask('delete', { key: 'b' }), { ok: true, existed: true })
  t.same(await ask('delete', { key: 'b' }), { ok: true, existed: false })
  const full = 'x'.repeat(limits.valueBytes)
  t.same(await ask('set', { key: 'full', value: full }), { ok: true })
  t.match(await ask('append', { key: 'full', value: 'x' }), { ok: false, error: { code: 'too_large' } })
  t.same(await ask('get', { key: 'full' }), { ok: true, value: full }, 'a refused append changes nothing')
})

t.test('keys that trip objects up are keys like any other', async (t) => {
  const store = machine()
  for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', 'null', '\u0000', '𝒳', ' ']) {
    const checked = commands.set.check({ command: 'set', key, value: key })
    t.ok(checked.ok, JSON.stringify(key))
    if (!checked.ok) return
    const [before, , after] = await store.apply([{ command: 'get', key }, checked.command, { command: 'get', key }])
    t.same(before, { ok: true, value: null })
    t.same(after, { ok: true, value: key })
  }
})

t.test('any Unicode that is well formed is kept as it was', async (_t) => {
  const store = machine()
  const unicode = fc.string({ unit: 'binary', minLength: 1, maxLength: 50 })
  await fc.assert(
    fc.asyncProperty(unicode, unicode, async (key, value) => {
      const checked = commands.set.check({ command: 'set', key, value })
      if (!checked.ok) return false
      const [, answer] = await store.apply([checked.command, { command: 'get', key }])
      return answer?.ok === true && answer.value === value
    }),
  )
})

t.test('a command that is not of its shape is refused, and the refusal says where', async (t) => {
  const cases: [keyof typeof commands | keyof typeof nodeCommands, object, string, RegExp][] = [
    ['get', {}, 'bad_request', /"key" must be a string/],
    ['get', { key: 1 }, 'bad_request', /"key" must be a string/],
    ['get', { key: '' }, 'bad_request', /"key" must be a string that is not empty/],
    ['get', { key: 'a', keyy: 1 }, 'bad_request', /get has no field "keyy"; it takes key/],
    ['set', { key: 'a' }, 'bad_request', /"value" must be a string/],
    ['set', { key: 'a', value: null }, 'bad_request', /"value" must be a string/],
    ['set', { key: 'k'.repeat(limits.keyBytes + 1), value: '' }, 'too_large', /"key" must be at most 4096 bytes/],
    ['set', { key: 'k', value: 'é'.repeat(limits.valueBytes / 2 + 1) }, 'too_large', /"value" must be at most/],
    ['set', { key: 'k', value: '\ud800' }, 'bad_request', /well-formed Unicode/],
    ['cas', { key: 'a', expected: 5, value: '' }, 'bad_request', /"expected" must be a string, or null/],
    ['cas', { key: 'a', value: '' }, 'bad_request', /"expected" must be a string, or null/],
    ['scan', { limit: 0 }, 'bad_request', /"limit" must be at least 1/],
    ['scan', { limit: 1.5 }, 'bad_request', /"limit" must be a whole number/],
    ['scan', { limit: 1001 }, 'bad_request', /"limit" must be at most 1000/],
    ['scan', { page: 'here' }, 'bad_request', /"page" must be a page that an answer to scan gave/],
    ['scan', { page: 'x.1-2-a' }, 'bad_request', /"page" must be a page/],
    ['scan', { page: 'x.1-1-𝒳' }, 'bad_request', /"page" must be a page/],
    ['scan', { page: `x.1-1-${'a'.repeat(limits.keyBytes + 99)}` }, 'too_large', /"page" must be at most/],
    ['scan', { page: 'x.1-1-a', after: 'a' }, 'bad_request', /"page" must be without "after"/],
    ['scan', { page: 'x.1-1-ab', prefix: 'ab' }, 'bad_request', /"page" must be of the same "prefix"/],
    ['ping', { key: 'a' }, 'bad_request', /ping has no field "key"; it takes no field/],
  ]
  for (const [name, fields, code, message] of cases) {
    const checked = { ...commands, ...nodeCommands }[name].check({ command: name, ...fields })
    t.match(checked, { ok: false, error: { code, message, definite: true } }, `${name} ${message}`)
  }
})

t.test('the limits themselves are allowed', async (t) => {
  const value = '\u0001'.repeat(limits.valueBytes)
  t.ok(commands.set.check({ command: 'set', key: 'é'.repeat(limits.keyBytes / 2), value }).ok)
  t.ok(JSON.stringify({ command: 'set', key: 'k', value }).length < limits.messageBytes, 'and fit a frame when escaped')
})

t.test('keys are ordered as their UTF-8 bytes are', async (t) => {
  const key = fc.string({ unit: 'binary', maxLength: 6 })
  fc.assert(
    fc.property(key, key, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
      return Math.sign(compareKeys(a, b)) === bytes
    }),
  )
  t.ok(compareKeys('\uffff', '𝒳') < 0, 'where UTF-16 order differs')
})

t.test('scan gives the entries of a prefix in order, page by page', async (t) => {
  const store = machine()
  const keys = Array.from({ length: 250 }, (_, number) => `k/${String((number * 7) % 250).padStart(3, '0')}`)
  await store.apply([...keys, 'a', 'l'].map((key) => ({ command: 'set', key, value: `v${key}` })))
  const seen: string[] = []
  let after: string | undefined
  for (let more = true; more; ) {
    const [page] = await store.apply([
      { command: 'scan', prefix: 'k/', limit: 60, ...(after !== undefined && { after }) },
    ])
    const { entries, more: others } = page as unknown as { entries: [string, string][]; more: boolean }
    t.ok(entries.length <= 60 && entries.every(([key, value]) => value === `v${key}`))
    seen.push(...entries.map(([key]) => key))
    after = seen.at(-1)
    more = others
  }
  t.same(seen, [...keys].sort(), 'every key once, in order, and none of another prefix')
  const [all] = await store.apply([{ command: 'scan' }])
  t.match(all, { more: true }, 'without a limit there is one all the same')
  t.same(await machine().apply([{ command: 'scan' }]), [{ ok: true, entries: [], more: false }])
})

t.test('scan gives no more than one answer on the wire holds; the rest comes on the next page', async (t) => {
  const store = machine()
  const big = 'x'.repeat(limits.valueBytes)
  const escaped = '\u0001'.repeat(limits.valueBytes)
  const keys = Array.from({ length: 10 }, (_, number) => `${'\u0001'.repeat(limits.keyBytes - 1)}${number}`)
  await store.apply(keys.map((key, at) => ({ command: 'set', key, value: at < 9 ? big : escaped })))
  const sizes: number[] = []
  const seen: string[] = []
  for (let more = true; more; ) {
    const after = seen.at(-1)
    const [page] = await store.apply([{ command: 'scan', ...(after !== undefined && { after }) }])
    const { entries, more: others } = page as unknown as { entries: [string, string][]; more: boolean }
    t.ok(JSON.stringify({ id: '\u0001'.repeat(128), ...page }).length <= limits.messageBytes)
    sizes.push(entries.length)
    seen.push(...entries.map(([key]) => key))
    more = others
  }
  t.same(seen, keys)
  t.same(sizes, [7, 2, 1])
})

t.test('a write that arrives during a scan waits for it: the answer is the store at one moment', async (t) => {
  const store = machine()
  const old = 'old'.repeat(500)
  const many = Array.from({ length: 2_000 }, (_, number) => ({ command: 'set', key: `k${number}`, value: old }))
  await store.apply(many)
  const scanning = store.apply([{ command: 'scan', prefix: 'k', after: 'k0', limit: 1000 }])
  const writing = store.apply(many.map((set) => ({ ...set, value: 'new' })))
  const [page] = await scanning
  await writing
  const { entries } = page as unknown as { entries: [string, string][] }
  t.same(new Set(entries.map(([, value]) => value)), new Set([old]))
  t.equal(entries.length, 1000)
})

/** A store that counts the keys that are looked at. */
class CountingStore extends OrderedMap {
  looked = 0

  override *keys(from?: string): Generator<string, undefined> {
    for (const key of super.keys(from)) {
      this.looked++
      yield key
    }
  }
}

type Page = Answer & { readonly entries: [string, string][]; readonly more: boolean; readonly page?: string }

/** Performs a scan alone. @returns its answer, and how often the event loop could turn */
function performed(store: Store, fields: object): { page: Page; turns: number } {
  const slices = scan(store, { command: 'scan', ...fields })
  for (let turns = 0; ; turns++) {
    const slice = slices.next()
    if (slice.done) return { page: slice.value as Page, turns }
  }
}

t.test(
  'a page of scan looks at what it returns and one key more, wherever it is in however large a store',
  async (t) => {
    const store = new CountingStore()
    for (let at = 0; at < 20_000; at++) store.set(`${at % 2 ? 'even' : 'odd'}/${String(at).padStart(5, '0')}`, '')
    for (const range of [{}, { prefix: 'odd/' }, { after: 'even/19000' }, { prefix: 'odd/', after: 'odd/10000' }]) {
      store.looked = 0
      const { page } = performed(store, { ...range, limit: 10 })
      t.match(page, { ok: true, more: true })
      t.ok(store.looked <= 12, `${store.looked} keys for 10: ${JSON.stringify(range)}`)
      const { page: next } = performed(store, { page: page.page, limit: 10 })
      t.ok(compareKeys(next.entries[0]![0], page.entries.at(-1)![0]) > 0)
    }
  },
)

t.test('a prefix, and where to go on, in every combination', async (_t) => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\u00e9', '\uffff', '\u{1d4b3}'), maxLength: 3 })
  const texts = fc.array(key.filter((text) => text !== ''))
  fc.assert(
    fc.property(texts, fc.option(key, { nil: undefined }), fc.option(key, { nil: undefined }), (all, prefix, after) => {
      const store = new OrderedMap()
      for (const each of all) store.set(each, each)
      const isMeant = (each: string) =>
        each.startsWith(prefix ?? '') && (after === undefined || compareKeys(each, after) > 0)
      const expected = [...new Set(all)].filter(isMeant).sort(compareKeys)
      const { page } = performed(store, { prefix, after, limit: 3 })
      return (
        JSON.stringify(page.entries) === JSON.stringify(expected.slice(0, 3).map((each) => [each, each])) &&
        page.more === expected.length > 3
      )
    }),
  )
})

t.test('a page token names any place: the next page begins right behind it', async (_t) => {
  const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(fc.array(key), fc.string({ unit: 'binary', maxLength: 1 }), fc.array(key), (all, prefix, later) => {
      const store = new OrderedMap()
      for (const each of all.flatMap((each) => [each, prefix + each])) store.set(each, each)
      const expected = [...store.keys(prefix)].filter((each) => each.startsWith(prefix))
      const seen: string[] = []
      for (let next: object | null = { prefix }; next !== null; ) {
        const checked = commands.scan.check({ command: 'scan', ...next, limit: 2 })
        if (!checked.ok) return false
        const { page } = performed(store, checked.command)
        seen.push(...page.entries.map(([each]) => each))
        for (const each of later.splice(0, 2)) if (!store.delete(each)) store.set(prefix + each, '')
        next = page.page === undefined ? null : { page: page.page }
      }
      return JSON.stringify(seen) === JSON.stringify(expected)
    }),
  )
})

t.test('a scan gives the event loop a turn in every slice of its answer', async (t) => {
  const store = new OrderedMap()
  for (let at = 0; at < 100; at++) store.set(`k${at}`, 'x'.repeat(10_000))
  const { turns } = performed(store, {})
  t.equal(turns, 14, 'a million bytes, 64 KiB at a time')
})

t.test('a command that the state machine does not have is a broken invariant, not an answer', async (t) => {
  await t.rejects(machine().apply([{ command: 'toString' }]), /no operation toString/)
})
