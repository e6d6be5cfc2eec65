import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import type { Ask } from '../../src/contracts.js'
import { type Answer, type Event, limits } from '../../src/contracts.js'
import type { ClientBounds } from '../../src/network/client-bounds.js'
import { ClientPort } from '../../src/network/client-port.js'
import { connectionLimits } from '../../src/network/connection-limits.js'
import { encodeFrames } from '../../src/network/framing.js'
import { Raw } from '../helpers/running.js'

const mebibyte = 1024 * 1024
const ok: Answer = { ok: true }

/** A port in this process, before a node that is a function. */
async function portOf(t: Test, ask: Ask, bounds: Partial<ClientBounds> = {}) {
  const events: Event[] = []
  const port = new ClientPort(ask, (event) => events.push(event), bounds)
  await port.listen('127.0.0.1', 0)
  t.teardown(() => port.close())
  const open = () => {
    const socket = connect(port.port, '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    return socket
  }
  return { port, events, open, raw: () => new Raw(t, `127.0.0.1:${port.port}`) }
}

const frame = (...requests: object[]) => encodeFrames(requests.map((request) => JSON.stringify(request)))
/** Resolves in a later turn of the loop, when what came in has been read. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

/** However it ends. */
const closing = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve))

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}

t.test('what would change silently is said instead', async (t) => {
  const asked: unknown[] = []
  const { raw } = await portOf(t, (candidate, answer) => {
    asked.push(candidate)
    answer(ok)
  })
  const refused: [string, RegExp][] = [
    ['{"command":"get","key":"a","command":"delete"}', /"command" is there twice/],
    ['{"command":"set","key":"a","k\\u0065y":"b","value":"1"}', /"key" is there twice/],
    ['{"command":"get","__proto__":1,"__proto__":2}', /"__proto__" is there twice/],
    ['{"command":"get","key":"\\ud800"}', /half of a surrogate pair/],
    ['{"id":"\\udc00","command":"ping"}', /half of a surrogate pair/],
    ['{"command":"reconfigure","voters":["n1","\\ud83d"]}', /half of a surrogate pair/],
    ['{"command":"get","\\ud800":1}', /half of a surrogate pair/],
    ['{"id":9007199254740993,"command":"ping"}', /"id" must be a whole number/],
    ['{"id":1e400,"command":"ping"}', /"id" must be a whole number/],
    [`{"command":"get","key":${'['.repeat(1_000)}`, /nested more than 32 deep/],
    [`{"command":"get",${'"k":1,'.repeat(10_000)}"key":"a"}`, /more than 4096 parts/],
  ]
  for (const [line, message] of refused) {
    const client = raw()
    client.socket.write(`${line}\n`)
    t.match(await client.answers(1), [{ ok: false, error: { code: 'bad_request', message } }], line.slice(0, 70))
  }
  t.same(asked, [], 'nothing of it was asked')
  const marked = raw()
  for (const byte of Buffer.from('\ufeff{"command":"ping"}\n')) {
    await new Promise((resolve) => marked.socket.write(Buffer.from([byte]), resolve))
  }
  t.same(await marked.answers(1), [ok], 'a byte order mark before the first line is passed over')
  marked.socket.write('\ufeff{"command":"ping"}\n')
  t.match((await marked.answers(2))[1], { error: { code: 'bad_request' } }, 'and nowhere else')
  const both = raw()
  both.socket.write('{"command":"get","key":"\\ud83d\\ude00"}\n')
  t.same(await both.answers(1), [ok], 'both halves are a character')
})

t.test('a client that never reads: its answers are bounded, and it is dropped', async (t) => {
  let asked = 0
  const value = 'x'.repeat(limits.valueBytes)
  const { port, events, open } = await portOf(
    t,
    (_, answer) => {
      asked++
      setImmediate(() => answer({ ok: true, value: `${asked}${value}` }))
    },
    { slowestMs: 200, sweepMs: 20 },
  )
  const deaf = open().pause()
  const closed = closing(deaf)
  deaf.write(frame(...Array.from({ length: 1_000 }, (_, id) => ({ id, command: 'get', key: 'k' }))))
  let most = 0
  await until(() => {
    most = Math.max(most, port.tallies.answers.held)
    return events.length > 0
  })
  t.ok(asked < 100, `${asked} of 1,000 were asked`)
  t.ok(most < 32 * mebibyte, `${most} bytes were held`)
  t.match(events, [{ event: 'client_dropped', reason: 'it took nothing of its answers for too long' }])
  t.equal(port.tallies.answers.held, 0, 'nothing is held any more')
  deaf.resume()
  await closed
})

t.test('a client that reads slowly is not dropped', async (t) => {
  const { events, open } = await portOf(t, (_, answer) => answer({ ok: true, value: 'x'.repeat(limits.valueBytes) }), {
    slowestMs: 1_000,
    sweepMs: 50,
  })
  const slow = open()
  slow.write(frame(...Array.from({ length: 20 }, (_, id) => ({ id, command: 'get', key: 'k' }))))
  let bytes = 0
  slow.on('data', (chunk) => {
    bytes += chunk.length
    slow.pause()
    setTimeout(() => slow.resume(), 5)
  })
  await until(() => bytes > 20 * limits.valueBytes || events.length > 0)
  t.same(events, [])
})

t.test('answers of a client that asked for more at once than is kept: the client is told', async (t) => {
  const held: (() => void)[] = []
  const { open } = await portOf(t, (candidate, answer) => {
    if (candidate.command === 'ping') answer(ok)
    else held.push(() => answer({ ok: true, value: 'x'.repeat(limits.valueBytes) }))
  })
  const client = open()
  // After many small answers the next are expected to be small.
  client.write(frame(...Array.from({ length: 200 }, (_, id) => ({ id, command: 'ping' }))))
  await once(client, 'data')
  client.pause()
  client.write(frame(...Array.from({ length: 100 }, (_, id) => ({ id: 1_000 + id, command: 'get', key: 'k' }))))
  await until(() => held.length === 100)
  for (const answer of held) answer()
  const chunks: Buffer[] = []
  client.on('data', (chunk) => chunks.push(chunk))
  client.resume()
  // The last is a small one: it is whole when its end is there.
  await until(() => Buffer.concat(chunks.slice(-2)).includes('"id":1099'))
  const text = Buffer.concat(chunks).toString('latin1')
  const whole = text.match(/"ok":true,"value"/g)?.length ?? 0
  const refused = text.match(/"code":"overloaded"/g)?.length ?? 0
  t.equal(whole + refused, 100)
  t.ok(refused > 50 && whole >= 32, `${whole} were answered, ${refused} refused`)
})

t.test('over all clients, the one with most answers pays', async (t) => {
  const { port, events, open } = await portOf(
    t,
    (_, answer) => answer({ ok: true, value: 'x'.repeat(limits.valueBytes) }),
    { allAnswerBytes: 24 * mebibyte },
  )
  const deaf = Array.from({ length: 12 }, () => open().pause())
  for (const socket of deaf)
    socket.write(frame(...Array.from({ length: 30 }, (_, id) => ({ id, command: 'get', key: 'k' }))))
  await until(() => events.length > 0)
  t.match(events[0], { event: 'client_dropped', reason: /does not take its answers: \d+ bytes wait/ })
  t.ok(port.tallies.answers.held <= 24 * mebibyte)
})

t.test('over all clients, the request that has been arriving for longest pays', async (t) => {
  const { port, open, raw } = await portOf(t, (_, answer) => answer(ok), { unfinishedBytes: 4 * mebibyte })
  const begun = Buffer.concat([Buffer.from([0, 0x80, 0, 0]), Buffer.alloc(mebibyte, ' ')])
  const slow: Socket[] = []
  let first = ''
  while (first === '' && slow.length < 8) {
    const socket = open()
    slow.push(socket)
    if (slow.length === 1) socket.on('data', (chunk) => (first += chunk))
    const before = port.tallies.unfinished.held
    socket.write(begun)
    await until(() => port.tallies.unfinished.held >= before + mebibyte || first !== '')
  }
  t.match(first, /overloaded.*this one has been arriving for longest/)
  t.ok(slow.length > 2, `${slow.length} were needed`)
  t.ok(port.tallies.unfinished.held <= 4 * mebibyte)
  const other = raw()
  other.socket.write('{"command":"ping"}\n')
  t.same(await other.answers(1), [ok], 'others are served')
})

t.test('memory of a request is given back when it is answered, though the client stays', async (t) => {
  const { port, open } = await portOf(t, (_, answer) => answer(ok))
  const clients = Array.from({ length: 20 }, () => open())
  const before = process.memoryUsage().arrayBuffers
  const request = frame({ id: 1, command: 'set', key: 'k', value: 'x'.repeat(7 * mebibyte) })
  for (const client of clients) {
    client.write(request)
    await once(client, 'data')
  }
  t.equal(port.tallies.unfinished.held, 0)
  t.equal(port.tallies.asked.held, 0)
  globalThis.gc?.()
  await turn()
  const grownMiB = (process.memoryUsage().arrayBuffers - before) / mebibyte
  t.ok(grownMiB < 100, `20 idle clients that had sent 7 MiB each keep ${grownMiB.toFixed(0)} MiB`)
})

t.test('requests that nobody answers are bounded: of one client and of all', async (t) => {
  const asked: { command: string }[] = []
  const { port, open, raw } = await portOf(
    t,
    (candidate, answer) => {
      asked.push(candidate as { command: string })
      if (candidate.command === 'ping') answer(ok)
    },
    { askedBytes: 4 * mebibyte, allAskedBytes: 12 * mebibyte },
  )
  const set = (id: number) => ({ id, command: 'set', key: 'k', value: 'x'.repeat(mebibyte) })
  const one = open()
  one.write(frame(...Array.from({ length: 8 }, (_, id) => set(id))))
  await until(() => asked.length === 2)
  await turn()
  t.equal(asked.length, 2, 'of eight, two are asked')
  for (let client = 0; client < 6; client++) open().write(frame(...Array.from({ length: 4 }, (_, id) => set(id))))
  await until(() => port.tallies.asked.isOver)
  const refused = raw()
  refused.socket.write(`${JSON.stringify({ command: 'set', key: 'k', value: 'x'.repeat(mebibyte) })}\n`)
  t.match(await refused.answers(1), [{ error: { code: 'overloaded', definite: true } }])
  refused.socket.write('{"command":"ping"}\n')
  t.same((await refused.answers(2))[1], ok, 'an operator is answered')
  t.ok(port.tallies.asked.held < 16 * mebibyte)
})

t.test('connections are bounded: those that were never used make room, those in use stay', async (t) => {
  const { events, raw, open } = await portOf(t, (_, answer) => answer(ok), { connections: 4 })
  const ping = async (client: Raw, count = 1) => {
    client.socket.write('{"command":"ping"}\n')
    return (await client.answers(count)).at(-1)
  }
  const used = [raw(), raw(), raw()]
  for (const client of used) await ping(client)
  const silent = open()
  await once(silent, 'connect')
  const dropped = closing(silent)
  silent.resume()
  const newcomer = raw()
  t.same(await ping(newcomer), ok)
  await dropped
  t.match(events, [{ event: 'client_dropped', reason: /asked nothing, and all 4 connections are taken/ }])
  const tooMany = raw()
  await tooMany.until(() => tooMany.ended)
  t.match(tooMany.lines(), [{ ok: false, error: { code: 'overloaded', message: /all 4 connections are taken/ } }])
  for (const client of used) t.same(await ping(client, 2), ok)
  t.match(events.at(-1), { event: 'client_refused' })
  const told = events.length
  for (let count = 0; count < 100; count++) {
    const one = open().resume()
    await closing(one)
  }
  t.ok(events.length - told < 60, `${events.length - told} events for 100 refused`)
})

t.test('connections leave room for the disk', async (t) => {
  for (const files of [64, 256, 1_024, 20_000, 1_048_576]) {
    const limits = connectionLimits(files)
    const all = Object.values(limits).reduce((sum, ofPort: number) => sum + ofPort, 0)
    t.ok(all <= Math.max(32, files - 96), `${files} files: ${JSON.stringify(limits)}`)
    t.ok(Object.values(limits).every((ofPort: number) => ofPort > 0))
  }
  t.ok(connectionLimits().clients > 0)
})

t.test('a port is closed in the end, also before a client that does not take its answers', async (t) => {
  const large: Answer = { ok: true, value: 'x'.repeat(8 * mebibyte) }
  const { port, open } = await portOf(t, (_, answer) => answer(large))
  const deaf = open()
  deaf.pause()
  deaf.write(frame({ id: 1, command: 'get', key: 'a' }, { id: 2, command: 'get', key: 'a' }))
  await until(() => port.tallies.answers.held > mebibyte)
  await port.close()
  t.ok(deaf.readableLength >= 0, 'it has not been waited for')
})
