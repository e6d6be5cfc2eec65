import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { Feed } from '../../client/ui/feed.js'
import { servePage } from '../../client/ui/server.js'
import { RunningVerdict } from '../../client/ui/verdict.js'
import { parseAddress } from '../../src/address.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { ringRoom } from '../../src/trace/recording.js'
import { Load } from '../benchmark/load.js'
import { longOnly } from '../helpers/effort.js'
import { inBrowser, look, open, type } from './browser.js'
import { shownOf } from './shown.js'

/** What a page holds, as it says itself. */
interface Held {
  readonly heard: number
  readonly events: number
  readonly bytes: number
  readonly told: number
  readonly stretches: number
  readonly ends: number
  readonly said: number
}

/** What a page costs the browser, after its garbage was collected. */
interface Cost {
  readonly heapBytes: number
  readonly domNodes: number
}

const mib = 1024 * 1024

type Holder = { held(): Held }

const heldIn = (page: Page) => page.evaluate(() => (globalThis as unknown as Holder).held())

async function costOf(devtools: CDPSession): Promise<Cost> {
  await devtools.send('HeapProfiler.collectGarbage')
  const { usedSize } = await devtools.send('Runtime.getHeapUsage')
  const { nodes } = await devtools.send('Memory.getDOMCounters')
  return { heapBytes: usedSize, domNodes: nodes }
}

/** Checks that a page holds what it may, and that it has not grown since it was full for the first time. */
function assertBounded(t: Test, held: Held, cost: Cost, full: Cost): void {
  t.ok(held.events < ringRoom.events + 512, `${held.events} events`)
  t.ok(held.bytes < ringRoom.bytes + 9 * mib, `${held.bytes} bytes of events`)
  t.ok(held.told <= 4_000 && held.stretches <= 4_000 && held.said <= 30, JSON.stringify(held))
  t.ok(held.ends <= 2 * ringRoom.events, `${held.ends} ends of messages`)
  t.ok(cost.heapBytes < full.heapBytes * 1.25 + 8 * mib, `a heap of ${cost.heapBytes} bytes after ${full.heapBytes}`)
  t.ok(cost.domNodes < 6_000, `${cost.domNodes} nodes in the document, after ${full.domNodes}`)
}

/** Makes the events of a cluster whose leaders change all the time, with calls of large values: each names its number. */
function* troubles(): Generator<TraceLine> {
  const nodes = ['n1', 'n2', 'n3', 'n4', 'n5']
  yield { event: 'trace', at: 0, format: 1, stage: 10, tickMs: 10, nodes }
  for (let turn = 1; ; turn++) {
    const [leader, other] = [nodes[turn % 5]!, nodes[(turn + 1) % 5]!]
    const facts = { leader, applied: turn, term: turn, votedFor: leader, last: turn, commit: turn, durable: turn }
    const entries = Array.from({ length: 500 }, (_, at) => ({ index: turn + at, term: turn }))
    const message = { type: 'AppendEntries', from: leader, to: other, term: turn, entries, sequence: turn }
    const value = String(turn).repeat(turn % 50 === 0 ? 20_000 : 2_000)
    const at = turn * 5
    yield { event: 'state', at, node: leader, role: 'leader', ...facts }
    yield { event: 'elected', at, node: leader, term: turn, votes: nodes }
    yield { event: 'send', at, node: leader, message }
    yield { event: 'receive', at: at + 1, node: other, message }
    const record = { record: 'entry', index: turn, term: turn, what: `set key${turn % 99} ${value.slice(0, 40)}` }
    yield { event: 'write', at: at + 1, node: other, records: [record] }
    yield { event: 'synced', at: at + 2, node: other, upTo: { index: turn, term: turn, text: value } }
    yield { event: 'asked', at: at + 2, client: 'c1', command: { command: 'set', key: `key${turn}`, value }, to: null }
    yield { event: 'outcome', at: at + 3, client: 'c1', outcome: 'done', answer: { ok: true } }
    yield { event: turn % 2 ? 'killed' : 'restarted', at: at + 4, node: other }
    yield { event: 'cut', at: at + 4, links: [`${leader}>${other}`] }
  }
}

t.test('a page that is driven hard does not grow, however much it hears', inBrowser, async (t) => {
  const feed = new Feed(true, false)
  const events = troubles()
  const drive = (count: number) => {
    for (let at = 0; at < count; at++) feed.add(events.next().value as TraceLine)
  }
  drive(1)
  const server = await servePage(shownOf(feed))
  t.teardown(() => server.close())
  const { page, wrong } = await look(t, server.address)
  const devtools = await page.context().newCDPSession(page)
  const heardAll = () =>
    page.waitForFunction((end) => (globalThis as unknown as Holder).held().heard === end, feed.recording.end)
  const fill = async () => {
    for (const end = feed.recording.end + ringRoom.events; feed.recording.end < end; ) {
      drive(4_000)
      await heardAll()
    }
  }
  await fill()
  await type(page, 'help')
  const full = await costOf(devtools)
  await fill()
  await page.keyboard.press('Escape')
  await page.locator('.scrub input').focus()
  await page.keyboard.press('Home')
  await fill()
  assertBounded(t, await heldIn(page), await costOf(devtools), full)
  t.ok(feed.recording.bytes <= ringRoom.bytes + 9 * mib, `${feed.recording.bytes} bytes at the server`)
  await page.click('text=● live')
  await page.waitForSelector('main.present')
  t.same(wrong, [])
})

t.test('a verdict judges every call, and holds what can still matter', async (t) => {
  const verdict = new RunningVerdict('absent')
  let at = 0
  const ask = (client: string, command: object) => verdict.take({ event: 'asked', client, command, to: null, at: ++at })
  const end = (client: string, outcome: object) => verdict.take({ event: 'outcome', client, ...outcome, at: ++at })
  const done = (client: string, command: object, answer: object = {}) => {
    ask(client, command)
    return end(client, { outcome: 'done', answer: { ok: true, ...answer } })
  }
  ask('lost', { command: 'set', key: 'k0', value: 'late' })
  end('lost', { outcome: 'unknown', error: { code: 'timeout' } })
  for (let call = 1; call <= 4_000; call++) done('c1', { command: 'set', key: `k${call % 2_000}`, value: `v${call}` })
  for (let call = 1; call <= 1_000; call++) done('c1', { command: 'set', key: 'hot', value: `w${call}` })
  const { keys, bytes, clients } = verdict.held
  t.ok(keys <= 1_000 && bytes <= 8 * mib && clients === 0, `${keys} keys, ${bytes} bytes, ${clients} clients`)
  t.match(done('c1', { command: 'get', key: 'k0' }, { value: 'late' }), { verdict: 'linearizable' }, 'it came late')
  t.match(done('c2', { command: 'get', key: 'hot' }, { value: 'w1000' }), { verdict: 'linearizable', calls: 5_003 })
  const found = done('c2', { command: 'get', key: 'hot' }, { value: 'w999' })
  t.match(found, { verdict: 'violation', key: 'hot', explanation: /w999/ }, 'what was forgotten is no excuse')
})

t.test('too much under way at once is said, and is no growth', async (t) => {
  const verdict = new RunningVerdict('absent')
  const said = []
  for (let at = 0; at < 2_000; at++) {
    const command = { command: 'set', key: 'k', value: 'x'.repeat(1_000) }
    said.push(verdict.take({ event: 'asked', client: `c${at}`, command, to: null, at }))
    verdict.take({ event: 'outcome', client: `c${at}`, outcome: 'unknown', error: { code: 'timeout' }, at })
  }
  t.match(said.filter(Boolean), [{ verdict: 'undecided' }])
  t.same(verdict.held, { keys: 0, bytes: 0, clients: 0 })
})

t.test('ten minutes at full load', { ...inBrowser, ...longOnly, timeout: 1_200_000 }, async (t) => {
  const args = ['run', 'latest', '--ui', '--headless', '--json', '--base-port', '0']
  const { page, wrong, child } = await open(t, args)
  const devtools = await page.context().newCDPSession(page)
  await page.waitForSelector('.node.leader')
  const clients = (await type(page, 'status')).match(/127\.0\.0\.1:\d+/g)!
  const shape = { clients: 64, connections: 64, pipeline: 4, reads: 0.3, valueBytes: 100, keys: 5_000 }
  const load = new Load({ ...shape, readPolicy: 'leader' }, 'json')
  const leader = Number((await page.locator('.node.leader').getAttribute('data-node'))!.slice(1))
  await load.start([parseAddress(clients[leader - 1]!)!], () => {})
  const began = performance.now()
  let calls = 0
  let full: Cost | null = null
  for (let minute = 1; minute <= 10; minute++) {
    while (performance.now() - began < minute * 60_000) {
      await type(page, `set page${calls % 3_000} ${calls}`)
      calls++
      await delay(20)
    }
    const [held, cost] = [await heldIn(page), await costOf(devtools)]
    full ??= cost
    const operations = load.tally().operations
    t.comment(JSON.stringify({ minute, operations, calls, ...held, ...cost, serverRss: residentBytes(child.pid!) }))
    assertBounded(t, held, cost, full)
  }
  t.match(await page.locator('.verdict').textContent(), /linearizable so far/)
  t.same(wrong, [])
})

/** The bytes of memory that a process has; Linux alone tells. */
function residentBytes(pid: number): number {
  const [, kib = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) * 1024
}
