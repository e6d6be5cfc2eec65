import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { CallError, Client } from '../../client/client.js'
import { keyValueApplication, nodeReads, readsAndWrites } from '../../client/commands-of.js'
import { longestTimerMs } from '../../src/clock.js'
import { ClientPort } from '../../src/network/client-port.js'
import { latest } from '../../stages/index.js'
import { newestClient } from '../../stages/newest-client.js'

/** A node that says of each command what it was asked. */
async function node(t: Test): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const clients = new ClientPort((command, answer) => answer({ ok: true, command }))
  await clients.listen('127.0.0.1', port)
  t.teardown(() => clients.close())
  return `127.0.0.1:${port}`
}

/** The client as a program in JavaScript uses it. */
type Loose = { call(command?: unknown, settings?: unknown): Promise<{ outcome: string }> }

t.test('a client is made with addresses, and says what is wrong with others', async (t) => {
  for (const [settings, message] of [
    [undefined, /^a client is made with an object/],
    [{}, /a list of at least one address/],
    [{ addresses: [] }, /a list of at least one address/],
    [{ addresses: '127.0.0.1:7001' }, /a list of at least one address/],
    [{ addresses: ['h:1', 'nowhere'] }, /^an address is host:port, which 'nowhere' is not$/],
    [{ addresses: [null] }, /which null is not/],
    [{ addresses: ['h:70000'] }, /which 'h:70000' is not/],
    ...[Number.NaN, -1, 0, '5000', 5n, {}, null].map((ms) => [
      { addresses: ['h:1'], deadlineMs: ms },
      /^deadlineMs is a number/,
    ]),
    [{ addresses: ['h:1'], maxRedirects: 0.5 }, /^maxRedirects is a whole number/],
    [{ addresses: ['h:1'], session: 'no' }, /^session is true or false, which 'no' is not$/],
    [
      { addresses: ['h:1'], application: { nearest: 'reads' } },
      /^application names commands, each with "read" or "write"/,
    ],
    [{ addresses: ['h:1'], reads: 'all' }, /^reads is one of leader, any, nearest, which 'all' is not$/],
  ] as const)
    t.throws(() => new Client(settings as never), { name: 'ConfigError', message: message as RegExp })
})

t.test('call never throws: what cannot be asked is refused', async (t) => {
  const client = new Client({ addresses: [await node(t)] })
  t.teardown(() => client.close())
  const { call } = { call: client.call.bind(client) } as unknown as Loose
  const cycle: Record<string, unknown> = { command: 'set' }
  cycle.self = cycle
  const thrower = {
    command: 'set',
    get value() {
      throw new Error('mine')
    },
  }
  const bad = [
    undefined,
    null,
    5,
    'get a',
    [],
    {},
    { command: 5 },
    () => {},
    cycle,
    thrower,
    { command: 'set', value: 1n },
  ]
  for (const command of bad)
    t.match(await call(command), { outcome: 'refused', error: { code: 'bad_request', definite: true } })
  for (const deadlineMs of [Number.NaN, -1, 0, '5000', null, 5n])
    t.match(await call({ command: 'ping' }, { deadlineMs }), { outcome: 'refused', error: { code: 'bad_request' } })
  for (const session of [0, null, 'no'])
    t.match(await call({ command: 'ping' }, { session }), { outcome: 'refused', error: { code: 'bad_request' } })
  for (const at of ['', 'nowhere', 5, null, {}])
    t.match(await call({ command: 'ping' }, { at }), { outcome: 'refused', error: { code: 'bad_request' } })
  const long = { command: 'set', key: 'a', value: 'x'.repeat(9 * 1024 * 1024) }
  t.match(await call(long), { outcome: 'refused', error: { code: 'too_large' } })
  for (const settings of [undefined, null, {}]) t.match(await call({ command: 'ping' }, settings), { outcome: 'done' })
  const asked = { command: 'set', key: 'a', value: '1', id: 'mine', left: undefined }
  const answered = call(asked)
  asked.value = 'changed'
  t.match(
    await answered,
    { answer: { command: { command: 'set', key: 'a', value: '1' } } },
    'as it was when it was asked',
  )
})

t.test('a deadline longer than a timer can be does not keep the processor busy', async (t) => {
  const client = new Client({ addresses: [await node(t)] })
  t.teardown(() => client.close())
  const timers: number[] = []
  const { setTimeout: real } = globalThis
  globalThis.setTimeout = ((task: () => void, ms: number) => {
    timers.push(ms)
    return real(task, ms)
  }) as never
  t.teardown(() => {
    globalThis.setTimeout = real
  })
  for (const deadlineMs of [longestTimerMs + 1, 1e15, Number.POSITIVE_INFINITY])
    t.match(await client.call({ command: 'ping' }, { deadlineMs }), { outcome: 'done' })
  t.ok(timers.length > 0)
  t.ok(timers.every((ms) => ms <= longestTimerMs))
})

t.test('a client that is closed refuses', async (t) => {
  const client = new Client({ addresses: ['127.0.0.1:9'] })
  client.close()
  client.close()
  t.match(await client.call({ command: 'ping' }), {
    outcome: 'refused',
    error: { code: 'shutting_down', message: /closed/ },
  })
  await t.rejects(client.set('a', '1'), CallError)
})

t.test(
  'a signal ends the waiting: a read is refused, a write unknown, and what was not begun is refused',
  async (t) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as { port: number }
    const client = new Client({ addresses: [`127.0.0.1:${port}`], application: { nearest: 'read', put: 'write' } })
    t.teardown(() => client.close())
    for (const [command, outcome, definite] of [
      ['nearest', 'refused', true],
      ['put', 'unknown', false],
      ['info', 'refused', true],
      ['add_node', 'unknown', false],
    ] as const) {
      const waiting = new AbortController()
      const called = client.call({ command }, { signal: waiting.signal, deadlineMs: Number.POSITIVE_INFINITY })
      waiting.abort()
      t.match(await called, { outcome, error: { code: 'left', definite } }, command)
      t.match(await client.call({ command }, { signal: waiting.signal }), {
        outcome: 'refused',
        error: { code: 'aborted', definite: true },
      })
    }
    t.match(await client.call({ command: 'ping' }, { signal: {} as AbortSignal }), {
      outcome: 'refused',
      error: { code: 'bad_request', message: 'signal is an AbortSignal' },
    })
    const { signal } = new AbortController()
    t.match(await new Client({ addresses: [await node(t)] }).call({ command: 'ping' }, { signal }), { outcome: 'done' })
  },
)

t.test("the client's rules are those of the newest stage, and it knows which commands read", async (t) => {
  t.same(newestClient, latest.client)
  const reads = (commands: typeof latest.commands) => Object.keys(commands).filter((name) => commands[name]!.readOnly)
  t.same(keyValueApplication, readsAndWrites(latest.application.commands))
  const { application, commands } = latest
  t.same(
    [...nodeReads].sort(),
    reads(commands)
      .filter((name) => !(name in application.commands))
      .sort(),
  )
})
