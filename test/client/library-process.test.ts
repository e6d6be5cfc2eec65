/** The client in a process of its own: what it loads, and how long it keeps the process alive. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { ClientPort } from '../../src/network/client-port.js'

const entry = new URL('../../client/index.js', import.meta.url).href

/** Runs a program that is given as text, to its end. */
async function run(program: string, options: readonly string[] = []) {
  const child = spawn(process.execPath, [...options, '--input-type=module', '--eval', program], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [texts, [code]] = await Promise.all([
    Promise.all(
      [child.stdout, child.stderr].map(async (stream) => (await stream.setEncoding('utf8').toArray()).join('')),
    ),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, stdout: texts[0]!, stderr: texts[1]! }
}

/** A node that answers `ping`, `members` and reads, and leaves all else without an answer. */
async function node(t: Test): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  const clients = new ClientPort(({ command }, answer) => {
    if (command === 'ping') answer({ ok: true })
    if (command === 'members') answer({ ok: true, members: [], leader: null })
    if (command === 'get') answer({ ok: true, value: '1' })
  })
  await clients.listen('127.0.0.1', port)
  t.teardown(() => clients.close())
  return `127.0.0.1:${port}`
}

/** A loader that writes the address of every module. */
const telling = `data:text/javascript,${encodeURIComponent(`
  import { writeSync } from 'node:fs'
  export function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context) }`)}`

t.test('the entry loads neither gRPC nor zod, nor what a node is made of', async (t) => {
  const program = `import { register } from 'node:module'; register(${JSON.stringify(telling)}); await import('${entry}')`
  const { stdout, stderr, code } = await run(program)
  t.equal(code, 0, stderr)
  const loaded = stdout.split('\n').filter((url) => url.startsWith('file:'))
  t.ok(loaded.includes(entry), 'the loader tells')
  t.same(
    loaded.filter((url) => /node_modules|\/(storage|proof|server|raft)\/|grpc|\/stage\.js$/.test(url)),
    [],
  )
  t.comment(`${loaded.length} modules`)
})

t.test('an idle client keeps no process alive, and a call does', async (t) => {
  const address = await node(t)
  const program = (rest: string) =>
    `import { Client } from '${entry}'
     const client = new Client({ addresses: ['${address}'], deadlineMs: 300 })
     ${rest}`
  const idle = await run(
    program(`console.log(await client.get('a'), (await client.call({ command: 'ping' })).outcome)`),
  )
  t.match(idle, { code: 0, stdout: '1 done\n', stderr: '' })
  const never = await run(program('console.log(typeof client)'))
  t.match(never, { code: 0, stdout: 'object\n' })
  const waits = await run(program(`client.call({ command: 'info' }).then(({ outcome }) => console.log(outcome))`))
  t.match(waits, { code: 0, stdout: /^(refused|unknown)\n$/ }, 'a call is waited for, to its deadline')
  const left = `const waiting = new AbortController()
     client.call({ command: 'set', key: 'a', value: '1' }, { signal: waiting.signal, deadlineMs: Infinity })
       .then(({ outcome, error }) => console.log(outcome, error.code))
     setTimeout(() => waiting.abort(), 50)`
  t.match(await run(program(left)), { code: 0, stdout: 'unknown left\n' }, 'a call that was left is waited for no more')
})
