/** The port for clients where TLS is spoken: who comes in, who does not, and what a handshake may cost. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import type { TlsFiles } from '../../src/network/certificates.js'
import { ClientPort } from '../../src/network/client-port.js'
import { encodeFrames } from '../../src/network/framing.js'
import { TlsGate, type TlsGateOptions } from '../../src/network/tls-gate.js'
import { authority, certificate, stranger, tlsOf } from '../helpers/certificates.js'
import { size } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'

const ping = '{"command":"ping"}'
const clientFiles = await certificate({ kind: 'clients', name: 'client', hosts: [] })

/** A client port with a certificate of its own, which answers everything with what it was asked. */
async function port(t: Test, { clientCertificates = true } = {}) {
  const heard: Happened[] = []
  const watchers = new Set<() => void>()
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const place = { ca: authority.cert, cert: join(folder, 'n1.crt'), key: join(folder, 'n1.key') }
  const put = ({ cert, key }: TlsFiles) => {
    writeFileSync(place.cert, cert)
    writeFileSync(place.key, key)
  }
  put(await certificate({}))
  const notice = (event: Happened) => {
    heard.push(event)
    for (const watcher of watchers) watcher()
  }
  const tls = tlsOf('n1', { ...place, clientCertificates }, { notice })
  const clients = new ClientPort((_command, answer) => answer({ ok: true }), notice)
  clients.guard(tls.gateFor('clients'))
  await clients.listen('127.0.0.1', 0)
  t.teardown(async () => {
    tls.close()
    await clients.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const refused = async (reason: RegExp) => {
    while (!heard.some(({ reason: why }) => reason.test(String(why))))
      await new Promise<void>((resolve) => watchers.add(resolve))
  }
  return { clients, tls, put, heard, refused, address: `127.0.0.1:${clients.port}` }
}

const call = (address: string, tls?: object, deadlineMs = 10_000) => {
  const client = new Client({ addresses: [address], deadlineMs, ...(tls && { tls: tls as TlsFiles }) })
  return client.call({ command: 'ping' }).finally(() => client.close())
}

t.test('a client with a certificate of the cluster is served, by frames and by lines', async (t) => {
  const { address, clients } = await port(t)
  t.match(await call(address, clientFiles), { outcome: 'done' })
  t.match(await call(address, await certificate({ name: 'n7' })), { outcome: 'done' }, "a node's will do as well")
  const socket = connectTls({ host: '127.0.0.1', port: clients.port, ...clientFiles })
  socket.end(`${ping}\n`)
  const [line] = (await once(socket, 'data')) as [Buffer]
  t.same(JSON.parse(line.toString()), { ok: true })
})

const wrongClients: Record<string, readonly [() => Promise<object>, RegExp, RegExp]> = {
  'without a certificate': [async () => ({ ca: authority.cert }), /showed no certificate/, /demands a certificate/],
  'of another authority': [
    async () => ({ ...(await certificate({ kind: 'clients' }, stranger)), ca: `${authority.cert}${stranger.cert}` }),
    /not signed by our authority/,
    /127/,
  ],
  'of another cluster': [
    async () => ({ ...(await certificate({ kind: 'clients', cluster: 'other' })), cluster: 'test' }),
    /for another cluster: it names client "n1" of "other"/,
    /127/,
  ],
}

for (const [what, [files, atPort, atClient]] of Object.entries(wrongClients))
  t.test(`a client ${what} is refused`, async (t) => {
    const { address, refused } = await port(t)
    const outcome = await call(address, await files(), 1_000)
    t.not(outcome.outcome, 'done')
    t.match(outcome, { error: { message: atClient } })
    await refused(atPort)
  })

t.test('where clients need no certificate, one without is served, and still looks at that of the node', async (t) => {
  const { address, clients } = await port(t, { clientCertificates: false })
  t.match(await call(address, { ca: authority.cert }), { outcome: 'done' })
  t.match(await call(address, { ca: stranger.cert }, 500), {
    error: { message: /its certificate was not signed by our authority/ },
  })
  t.match(await call(address, { ca: authority.cert, cluster: 'other' }, 500), {
    error: { message: /of no node of the cluster other: it names node "n1" of "test"/ },
  })
  t.match(await call(`localhost:${clients.port}`, { ca: authority.cert }, 500), {
    error: { message: /does not match certificate's altnames/ },
  })
})

t.test('a bad certificate of a client is told of at once', async (t) => {
  const make = (tls: object) => () => new Client({ addresses: ['127.0.0.1:1'], tls: tls as TlsFiles })
  t.throws(make({ ca: '/nowhere/ca.crt' }), { name: 'ConfigError', code: 'certificate_unreadable' } as never)
  t.throws(make({ ...clientFiles, key: (await certificate({})).key }), { code: 'key_mismatch' } as never)
  t.throws(make({ ca: authority.cert, key: clientFiles.key }), { message: /tls\.cert and tls\.key go together/ })
  t.throws(make({ cert: '' }), { message: /tls is \{ ca, cert, key \}/ })
})

t.test('plain text is refused in its own form, and nothing of it is performed', async (t) => {
  const { clients, address, refused } = await port(t)
  const said = async (bytes: string | Buffer) => {
    const socket = connect({ host: '127.0.0.1', port: clients.port })
    socket.write(bytes)
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
  const told = { ok: false, error: { code: 'bad_request', message: /this port speaks TLS/ } }
  t.match(JSON.parse((await said(`${ping}\n`)).toString()), told)
  t.match(JSON.parse((await said(encodeFrames([ping]))).subarray(4).toString()), told)
  t.match((await said(`POST / HTTP/1.1\r\n\r\n${ping}\n`)).toString(), /^HTTP\/1\.1 400 [\s\S]*this port speaks TLS/)
  t.match(await call(address, undefined, 500), { error: { message: /this port speaks TLS/ } })
  await refused(/spoke plain text; this port speaks TLS/)
  await refused(/spoke HTTP; this port speaks TLS/)
})

t.test('TLS 1.2 is not spoken', async (t) => {
  const { clients, refused } = await port(t)
  const old = connectTls({ host: '127.0.0.1', port: clients.port, ...clientFiles, maxVersion: 'TLSv1.2' })
  await t.rejects(once(old, 'secureConnect'), /alert protocol version/i)
  await refused(/speaks no TLS 1\.3/)
})

t.test('a certificate is renewed under load, and no connection is lost', async (t) => {
  const { clients, tls, put } = await port(t)
  const standing = connectTls({ host: '127.0.0.1', port: clients.port, ...clientFiles })
  await once(standing, 'secureConnect')
  const serialOf = (socket: TLSSocket) => socket.getPeerCertificate().serialNumber
  const before = serialOf(standing)
  let [asked, answered] = [0, 0]
  standing.on('data', (chunk: Buffer) => {
    answered += chunk.filter((byte) => byte === 0x0a).length
  })
  const ask = () => standing.write(`${JSON.stringify({ id: ++asked, command: 'ping' })}\n`)
  for (let round = 0; round < 20; round++) {
    for (let each = 0; each < 50; each++) ask()
    put(await certificate({}))
    tls.renew()
    const late = connectTls({ host: '127.0.0.1', port: clients.port, ...clientFiles })
    await once(late, 'secureConnect')
    t.not(serialOf(late), before)
    late.destroy()
  }
  while (answered < asked) await once(standing, 'data')
  t.equal(asked, 1_000)
  t.notOk(standing.destroyed)
  standing.destroy()
})

/** A gate alone, behind a port of the system's choice. */
async function gate(t: Test, changes: Partial<TlsGateOptions>) {
  const refused: string[] = []
  const gate = new TlsGate({
    context: await certificate({}),
    isMutual: false,
    refuses: () => null,
    pass: (socket) => socket.on('error', () => {}).end('in'),
    turnedAway: (_remote, reason) => refused.push(reason),
    ...changes,
  })
  const server = createServer((socket) => gate.enter(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    gate.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const half = () => {
    const socket = connect({ host: '127.0.0.1', port }).on('error', () => {})
    socket.resume().write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
    return { socket, closed: once(socket, 'close') }
  }
  return { gate, refused, half, port }
}

t.test('half a handshake is ended in time, and so is one that says nothing', async (t) => {
  const { gate: one, refused, half, port } = await gate(t, { handshakeMs: 100 })
  const silent = connect({ host: '127.0.0.1', port }).resume()
  await Promise.all([half().closed, once(silent, 'close')])
  t.same(refused, ['its handshake took too long', 'its handshake took too long'])
  t.equal(one.size, 0)
})

t.test('of too many handshakes the oldest makes room', async (t) => {
  const { gate: one, refused, half, port } = await gate(t, { handshakes: 3 })
  const all = []
  for (let number = 0; number < 3; number++) {
    all.push(half())
    while (one.size < all.length) await new Promise((resolve) => setImmediate(resolve))
  }
  const good = connectTls({ host: '127.0.0.1', port, ca: authority.cert })
  const [said] = (await once(good, 'data')) as [Buffer]
  t.equal(said.toString(), 'in')
  await all[0]!.closed
  t.same(refused, ['3 newer handshakes wait'])
  for (const { socket } of all) socket.destroy()
})

t.test('many handshakes, whole and half, leave nothing behind', async (t) => {
  const count = size(400, 10_000)
  const { clients, address } = await port(t)
  const script = fileURLToPath(new URL('../helpers/handshakes.js', import.meta.url))
  const flood = spawn(process.execPath, [
    script,
    String(clients.port),
    String(count),
    '32',
    JSON.stringify(clientFiles),
  ])
  t.same(await once(flood, 'exit'), [0, null])
  while (clients.load.connections > 0) await new Promise((resolve) => setImmediate(resolve))
  t.match(await call(address, clientFiles), { outcome: 'done' })
  t.equal(clients.load.answerBytes, 0)
  // The port closes at once: no connection is left in its gate.
  await clients.close()
})

const withOpenssl = spawnSync('openssl', ['version']).status === 0 ? {} : { skip: 'openssl is not installed' }

t.test('openssl s_client is served with a certificate, and refused without', withOpenssl, async (t) => {
  const { clients, refused } = await port(t)
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(clientFiles)) writeFileSync(join(folder, name), text as string)
  const openssl = (options: readonly string[]) =>
    new Promise<string>((resolve) => {
      const common = ['s_client', '-connect', `127.0.0.1:${clients.port}`, '-CAfile', join(folder, 'ca'), '-quiet']
      const child = execFile('openssl', [...common, '-verify_return_error', ...options], (_error, stdout, stderr) =>
        resolve(`${stdout}${stderr}`),
      )
      child.stdin!.write(`${ping}\n`)
      child.stdout!.once('data', () => child.stdin!.end())
    })
  t.match(await openssl(['-cert', join(folder, 'cert'), '-key', join(folder, 'key'), '-no_ign_eof']), /\{"ok":true\}/)
  t.match(await openssl([]), /alert certificate required/)
  await refused(/showed no certificate/)
})
