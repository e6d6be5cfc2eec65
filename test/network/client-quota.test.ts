/** One client that asks as much as it can, beside one that waits for its answers. */
import t, { type Test } from 'tap'
import type { Answer, Ask, Event } from '../../src/contracts.js'
import { ClientPort } from '../../src/network/client-port.js'
import { type ClientQuotas, Quota } from '../../src/network/client-quota.js'
import { encodeFrames } from '../../src/network/framing.js'
import { Raw } from '../helpers/running.js'

const ok: Answer = { ok: true }

/** A clock that stands still until the test moves it. */
function clockOf() {
  const clock = { ms: 0, now: () => clock.ms, after: () => () => {}, soon() {} }
  return clock
}

/** A node that takes requests in their order, a few in a turn of the loop, behind a port with these bounds. */
async function slowNode(t: Test, quotas: ClientQuotas) {
  const served: string[] = []
  const queue: { key: string; answer: (answer: Answer) => void }[] = []
  const behind = { most: 0 }
  const serve = () => {
    for (const { key, answer } of queue.splice(0, 4)) {
      served.push(key)
      answer(ok)
    }
    if (queue.length > 0) setImmediate(serve)
  }
  const ask: Ask = ({ key }, answer) => {
    if (key === 'polite') behind.most = Math.max(behind.most, queue.length)
    if (queue.length === 0) setImmediate(serve)
    queue.push({ key: String(key), answer })
  }
  const events: Event[] = []
  const quota = new Quota(quotas, clockOf(), (event) => void events.push(event))
  const port = new ClientPort(quota.guard(ask))
  await port.listen('127.0.0.1', 0)
  t.teardown(() => port.close())
  return { served, behind, events, quota, open: () => new Raw(t, `127.0.0.1:${port.port}`) }
}

const frames = (from: number, count: number, fields: object) =>
  encodeFrames(Array.from({ length: count }, (_, at) => JSON.stringify({ id: from + at, ...fields })))

/** The polite client asks 50 times, one after the other, while the other one never has less than 2,000 under way. */
async function besideGreedy(t: Test, quotas: ClientQuotas) {
  const node = await slowNode(t, quotas)
  const [greedy, polite] = [node.open(), node.open()]
  let asked = 0
  const more = () => {
    asked += 100
    greedy.socket.write(frames(asked, 100, { command: 'get', key: 'greedy' }))
  }
  greedy.socket.on('data', more)
  for (let first = 0; first < 20; first++) more()
  await greedy.framedAnswers(1)
  const answers: unknown[] = []
  for (let at = 1; at <= 50; at++) {
    polite.socket.write('{"command":"get","key":"polite"}\n')
    answers.push((await polite.answers(at)).at(-1))
  }
  greedy.socket.destroy()
  return { ...node, answers }
}

t.test('with a bound nobody waits for more of another client than the bound allows', async (t) => {
  const { answers, behind, served, events } = await besideGreedy(t, { maxRequestsPerClient: 8 })
  t.ok(
    answers.every((answer) => (answer as Answer).ok),
    'the polite client is never refused',
  )
  t.equal(answers.length, 50)
  t.ok(behind.most <= 8, `the polite client stood behind ${behind.most} requests at most`)
  t.ok(served.filter((key) => key === 'greedy').length >= 50, 'the greedy client gets its share, too')
  t.match(events[0], { event: 'client_limited', reason: /8 requests of this connection wait here already/ })
  t.ok(events.length <= 20, 'it is told at a bounded pace')
})

t.test('without a bound, it waits for hundreds', async (t) => {
  const { behind, events } = await besideGreedy(t, {})
  t.ok(behind.most > 100, `${behind.most}`)
  t.same(events, [])
})

t.test('a session is one client, on however many connections', async (t) => {
  const waiting: ((answer: Answer) => void)[] = []
  const quota = new Quota({ maxRequestsPerClient: 2 }, clockOf(), () => {})
  const ask = quota.guard((_, answer) => void waiting.push(answer))
  const answers: Answer[] = []
  const set = (client: string, session?: number) =>
    ask({ command: 'set', ...(session && { session }) }, (answer) => answers.push(answer), client)
  set('one', 7)
  set('two', 7)
  set('three', 7)
  t.match(answers, [{ ok: false, error: { code: 'overloaded', definite: true, message: /of this session/ } }])
  set('three')
  set('three', 8)
  set('three')
  t.match(answers[1], { error: { message: /of this connection/ } })
  t.equal(waiting.length, 4)
  waiting.shift()!(ok)
  set('two', 7)
  t.same([waiting.length, answers.length], [4, 3], 'an answer makes room')
  for (let more = 0; more < 10; more++) ask({ command: 'get' }, () => {})
  t.equal(waiting.length, 14, 'a program around the node has no bound')
})

t.test('a rate: as many at once as in a second, and then as time goes on', async (t) => {
  const clock = clockOf()
  const quota = new Quota({ requestsPerSecond: 5 }, clock, () => {})
  const ask = quota.guard((_, answer) => answer(ok))
  const done = (count: number) => {
    const answers: Answer[] = []
    for (let at = 0; at < count; at++) ask({ command: 'get' }, (answer) => answers.push(answer), 'one')
    return answers.filter((answer) => answer.ok).length
  }
  t.equal(done(100), 5)
  ask(
    { command: 'get' },
    (answer) => t.match(answer, { error: { code: 'overloaded', message: /ask again later/ } }),
    'one',
  )
  clock.ms += 400
  t.equal(done(100), 2)
  clock.ms += 60_000
  t.equal(done(100), 5, 'a long rest gives no more than a second')
  ask({ command: 'get' }, (answer) => t.same(answer, ok), 'two')
})

t.test('who names a million sessions has no million accounts', async (t) => {
  const clock = clockOf()
  const quota = new Quota({ requestsPerSecond: 1_000_000 }, clock, () => {})
  const ask = quota.guard((_, answer) => answer(ok))
  for (let session = 1; session <= 100_000; session++) {
    clock.ms++
    ask({ command: 'set', session }, () => {}, 'one')
  }
  t.ok(quota.accounts <= 8_192, `${quota.accounts}`)
})
