import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { limits } from '../../src/contracts.js'
import { encodeFrames } from '../../src/network/framing.js'
import { Raw, RunningCluster } from '../helpers/running.js'

/** One node of stage 0 in a process of its own, so that its memory can be looked at. */
async function oneNode(t: Test) {
  const cluster = await new RunningCluster(t, 0, ['--nodes', '1']).ready()
  const { client, pid } = cluster.nodes[0]!
  return { address: client, pid }
}

function memoryMiB(pid: number): number {
  const kiB = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
  return Number(kiB) / 1024
}

const line = (request: object) => Buffer.from(`${JSON.stringify(request)}\n`)
const frame = (...requests: object[]) => encodeFrames(requests.map((request) => JSON.stringify(request)))
const wide = '𝒳é'

/** Both framings, as functions that encode a request with an id and read what came back. */
const framings = {
  lines: { encode: line, answers: (raw: Raw, count: number) => raw.answers(count) },
  frames: {
    encode: (request: object) => frame(request),
    answers: (raw: Raw, count: number) => raw.framedAnswers(count),
  },
}

/** Another client is served as if nothing were the matter. */
async function othersAreServed(t: Test, address: string): Promise<void> {
  const other = new Raw(t, address)
  other.socket.write(line({ command: 'ping' }))
  t.same(await other.answers(1), [{ ok: true }], 'others are served')
}

t.test('a client port', async (t) => {
  const { address, pid } = await oneNode(t)

  for (const [name, { encode, answers }] of Object.entries(framings)) {
    t.test(`${name}: W1, any fragmentation`, async (t) => {
      const requests = [
        { id: 1, command: 'set', key: `${name}${wide}`, value: wide },
        { id: 2, command: 'get', key: `${name}${wide}` },
        { id: 3, command: 'ping' },
        { id: 4, command: 'get', key: 'absent' },
        { id: 5, command: 'ping' },
      ]
      const expected = [
        { id: 1, ok: true },
        { id: 2, ok: true, value: wide },
        { id: 3, ok: true },
        { id: 4, ok: true, value: null },
        { id: 5, ok: true },
      ]
      const byId = (replies: unknown[]) => [...(replies as { id: number }[])].sort((a, b) => a.id - b.id)
      const bytes = Buffer.concat(requests.map(encode))

      const whole = new Raw(t, address)
      whole.socket.write(bytes)
      t.same(byId(await answers(whole, 5)), expected, 'five requests in one packet')

      const slow = new Raw(t, address)
      slow.socket.setNoDelay(true)
      for (const byte of bytes) await new Promise((resolve) => slow.socket.write(Buffer.from([byte]), resolve))
      t.same(byId(await answers(slow, 5)), expected, 'one byte at a time, characters cut in half')

      const half = new Raw(t, address)
      const twoAndAHalf =
        Buffer.concat(requests.slice(0, 2).map(encode)).length + Math.floor(encode(requests[2]!).length / 2)
      await new Promise((resolve) => half.socket.write(bytes.subarray(0, twoAndAHalf), resolve))
      await answers(half, 2)
      half.socket.write(bytes.subarray(twoAndAHalf))
      t.same(byId(await answers(half, 5)), expected, 'two and a half requests a segment')
    })

    t.test(`${name}: W4, a client that has asked and closes its side gets its answer`, async (t) => {
      const raw = new Raw(t, address)
      raw.socket.end(
        Buffer.concat([
          encode({ id: 1, command: 'set', key: 'h', value: name }),
          encode({ id: 2, command: 'get', key: 'h' }),
        ]),
      )
      await raw.until(() => raw.ended)
      t.same(await answers(raw, 2), [
        { id: 1, ok: true },
        { id: 2, ok: true, value: name },
      ])
    })

    t.test(`${name}: W3, what is wrong is said, and the connection goes on`, async (t) => {
      const raw = new Raw(t, address)
      const bad: [object | string, string, RegExp][] = [
        ['{"command":', 'bad_request', /not JSON/],
        ['null', 'bad_request', /a request is a JSON object/],
        ['[1]', 'bad_request', /a request is a JSON object/],
        ['"get"', 'bad_request', /a request is a JSON object/],
        [{ id: 1, command: 'fetch' }, 'unknown_command', /no command "fetch"; there are get set/],
        [{ id: 1, command: '__proto__' }, 'unknown_command', /no command/],
        [{ id: 1 }, 'bad_request', /"command" must be one of/],
        [{ id: 1, command: 'get' }, 'bad_request', /"key" must be a string/],
        [{ id: 1, command: 'set', key: 'a', value: 7 }, 'bad_request', /"value" must be a string/],
        [
          { id: 1, command: 'set', key: 'a', value: 'x'.repeat(limits.valueBytes + 1) },
          'too_large',
          /"value" must be at most/,
        ],
        [{ id: {}, command: 'ping' }, 'bad_request', /"id" must be/],
        [{ id: 1.5, command: 'ping' }, 'bad_request', /"id" must be/],
      ]
      for (const [request, code, message] of bad) {
        const text = typeof request === 'string' ? request : JSON.stringify(request)
        raw.forget()
        raw.socket.write(name === 'lines' ? `${text}\n` : encodeFrames([text]))
        t.match(await answers(raw, 1), [{ ok: false, error: { code, message, definite: true } }], text.slice(0, 60))
      }
      raw.forget()
      raw.socket.write(encode({ id: 'last', command: 'ping' }))
      t.same(await answers(raw, 1), [{ id: 'last', ok: true }])
    })

    t.test(`${name}: bytes that are not UTF-8 are refused`, async (t) => {
      const raw = new Raw(t, address)
      const bytes = Buffer.from('{"id":1,"command":"get","key":"\u00ff"}', 'latin1')
      raw.socket.write(name === 'lines' ? Buffer.concat([bytes, Buffer.from('\n')]) : encodeFrames([bytes]))
      t.match(await answers(raw, 1), [{ ok: false, error: { code: 'bad_request', message: 'not UTF-8' } }])
    })

    t.test(`${name}: a reset in the middle of a request harms nobody`, async (t) => {
      for (let round = 0; round < 20; round++) {
        const raw = new Raw(t, address)
        await new Promise((resolve) => raw.socket.write(encode({ id: 1, command: 'ping' }).subarray(0, 9), resolve))
        raw.socket.resetAndDestroy()
      }
      await othersAreServed(t, address)
    })

    t.test(`${name}: a megabyte of value, every character escaped, comes back as it went`, async (t) => {
      const value = '\u0001'.repeat(limits.valueBytes)
      const raw = new Raw(t, address)
      raw.socket.write(
        Buffer.concat([
          encode({ id: 1, command: 'set', key: 'big', value }),
          encode({ id: 2, command: 'get', key: 'big' }),
        ]),
      )
      const replies = (await answers(raw, 2)) as { value?: string }[]
      t.equal(replies.length, 2)
      t.ok(replies[1]!.value === value)
    })
  }

  t.test('lines: telnet ends them with CR LF; a last line may lack its end', async (t) => {
    const raw = new Raw(t, address)
    raw.socket.write('{"command":"set","key":"t","value":"1"}\r\n\r\n')
    t.same(await raw.answers(1), [{ ok: true }])
    raw.socket.end('{"command":"get","key":"t"}')
    t.same(await raw.answers(2), [{ ok: true }, { ok: true, value: '1' }])
  })

  t.test('lines without an id are answered one at a time: what was typed first has happened first', async (t) => {
    const raw = new Raw(t, address)
    const requests = Array.from({ length: 200 }, (_, number) => [
      line({ command: 'append', key: 'typed', value: 'x' }),
      ...(number % 50 === 0 ? [line({ command: 'scan', prefix: 'typed' }), line({ command: 'nonsense' })] : []),
    ])
    raw.socket.write(Buffer.concat(requests.flat()))
    const replies = (await raw.answers(208)) as { length?: number }[]
    t.equal(replies.length, 208)
    const lengths = replies.map(({ length }) => length).filter((length) => length !== undefined)
    t.same(
      lengths,
      Array.from({ length: 200 }, (_, at) => at + 1),
    )
  })

  t.test('nothing but zeros is no stream of empty frames: one answer, and the connection is closed', async (t) => {
    const raw = new Raw(t, address)
    raw.socket.write(Buffer.alloc(100_000))
    await raw.until(() => raw.ended)
    t.match(raw.frames(), [{ ok: false, error: { code: 'bad_request', message: /a frame without a request/ } }])
  })

  t.test('frames need an id', async (t) => {
    const raw = new Raw(t, address)
    raw.socket.write(frame({ command: 'ping' }))
    t.match(await raw.framedAnswers(1), [{ ok: false, error: { code: 'bad_request', message: /needs an "id"/ } }])
  })

  t.test('W2: a header that announces 4 GiB is refused at once, and costs no memory', async (t) => {
    const before = memoryMiB(pid)
    const raw = new Raw(t, address)
    // A frame of such a length would not begin with 0; one that does is decided by its first, small, frame.
    raw.socket.write(Buffer.concat([frame({ id: 1, command: 'ping' }), Buffer.from([0xff, 0xff, 0xff, 0xff])]))
    await raw.until(() => raw.ended)
    t.match(
      new Set(raw.frames()),
      new Set([
        { id: 1, ok: true },
        { ok: false, error: { code: 'too_large', message: /4294967295 bytes/ } },
      ]),
    )
    const justOver = new Raw(t, address)
    justOver.socket.write(Buffer.from([0x00, 0x80, 0x00, 0x01]))
    await justOver.until(() => justOver.ended)
    t.match(justOver.frames(), [{ ok: false, error: { code: 'too_large', message: /8388609 bytes/ } }])
    const asLine = new Raw(t, address)
    asLine.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0a]))
    t.match(await asLine.answers(1), [{ ok: false, error: { code: 'bad_request', message: 'not UTF-8' } }])
    t.ok(memoryMiB(pid) - before < 64, 'memory is flat')
    await othersAreServed(t, address)
  })

  t.test('a line that never ends is refused at the limit, and the connection closed', async (t) => {
    const before = memoryMiB(pid)
    const raw = new Raw(t, address)
    const chunk = Buffer.alloc(1024 * 1024, 'x')
    for (let sent = 0; sent < 64 && !raw.ended; sent++) {
      await new Promise((resolve) => raw.socket.write(chunk, resolve))
    }
    await raw.until(() => raw.ended)
    t.match(raw.lines(), [{ ok: false, error: { code: 'too_large', message: /a line is longer than/ } }])
    t.ok(memoryMiB(pid) - before < 64, 'what came after is thrown away')
    await othersAreServed(t, address)
  })

  t.test('a client that never reads its answers is not read any more, and costs bounded memory', async (t) => {
    const set = new Raw(t, address)
    set.socket.write(line({ command: 'set', key: 'heavy', value: 'x'.repeat(limits.valueBytes) }))
    await set.answers(1)
    const before = memoryMiB(pid)
    const [host, port] = address.split(':') as [string, string]
    const deaf: Socket[] = []
    // Each may have 16 MiB under way at first. All together stay below the bound beyond which one would be dropped.
    for (let count = 0; count < 7; count++) {
      const socket = connect({ host, port: Number(port) })
      t.teardown(() => socket.destroy())
      socket.pause()
      const requests = frame(...Array.from({ length: 5_000 }, (_, id) => ({ id, command: 'get', key: 'heavy' })))
      socket.write(requests)
      deaf.push(socket)
    }
    for (let round = 0; round < 20; round++) await othersAreServed(t, address)
    const grown = memoryMiB(pid) - before
    t.ok(grown < 256, `35,000 answers of 1 MiB were asked for; the node grew by ${grown.toFixed(0)} MiB`)
    for (const socket of deaf) socket.resume()
    const bytes = await new Promise<number>((resolve) => {
      let count = 0
      deaf[0]!.on('data', (chunk) => {
        count += chunk.length
        if (count > 50 * limits.valueBytes) resolve(count)
      })
    })
    t.ok(bytes > 50 * limits.valueBytes, 'and once it reads, it is answered')
    for (const socket of deaf) socket.destroy()
  })

  t.test('a client that reads a thousand megabytes as fast as it can keeps nobody else waiting', async (t) => {
    const [host, port] = address.split(':') as [string, string]
    const greedy = connect({ host, port: Number(port) })
    t.teardown(() => greedy.destroy())
    let bytes = 0
    const begun = new Promise<void>((resolve) => {
      greedy.on('data', (chunk) => {
        bytes += chunk.length
        resolve()
      })
    })
    greedy.write(frame(...Array.from({ length: 1_000 }, (_, id) => ({ id, command: 'get', key: 'heavy' }))))
    await begun
    await othersAreServed(t, address)
    t.ok(bytes < 500 * limits.valueBytes, `it had ${Math.round(bytes / limits.valueBytes)} MiB when another was served`)
  })

  t.test('10,000 idle connections', async (t) => {
    const [host, port] = address.split(':') as [string, string]
    const before = memoryMiB(pid)
    const sockets: Socket[] = []
    t.teardown(() => sockets.map((socket) => socket.destroy()))
    for (let batch = 0; batch < 20; batch++) {
      const opened = Array.from({ length: 500 }, () => {
        const socket = connect({ host, port: Number(port) })
        sockets.push(socket)
        return new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      })
      await Promise.all(opened)
    }
    await othersAreServed(t, address)
    t.equal(sockets.filter((socket) => !socket.destroyed).length, 10_000)
    const each = ((memoryMiB(pid) - before) * 1024) / 10_000
    t.ok(each < 32, `each costs the node ${each.toFixed(1)} KiB`)
  })
})
