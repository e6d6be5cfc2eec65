/** Tokens as an operator uses them: files, processes, every port; and the search for tokens in all that is left behind. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Metadata } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { parseAddress } from '../../src/address.js'
import { addToken, readTokens, removeToken } from '../../src/server/tokens.js'
import { place } from '../helpers/place.js'
import { ReflectingClient } from '../helpers/reflecting-client.js'
import { cli, Raw, RunningCluster } from '../helpers/running.js'

const get = { command: 'get', key: 'a/b' }
const set = { command: 'set', key: 'a/b', value: '1' }
const isRefused = (code: string) => ({ outcome: 'refused', error: { code, definite: true } }) as const

function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Makes a file of three tokens. */
async function tokensIn(file: string): Promise<Record<'admin' | 'shop' | 'look', string>> {
  const admin = await addToken(file, { name: 'admin', role: 'admin', prefixes: [] }, false)
  const shop = await addToken(file, { name: 'shop', role: 'write', prefixes: ['a/'] }, true)
  return { admin, shop, look: await addToken(file, { name: 'look', role: 'read', prefixes: [] }, true) }
}

function clientOf(t: Test, addresses: readonly string[], token?: string): Client {
  const client = new Client({ addresses, token, deadlineMs: 30_000 })
  t.teardown(() => client.close())
  return client
}

/** The text of every file below a folder. */
function textsBelow(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return all.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
}

/** The arguments and the environment of a process, as `ps` shows them. */
const shownOf = (pid: number) =>
  ['cmdline', 'environ'].map((name) => {
    const path = `/proc/${pid}/${name}`
    return existsSync(path) ? readFileSync(path, 'latin1') : ''
  })

/** Anything that has the form of a token. */
const tokenLike = /raft_[0-9a-f]{16}_[\w-]{43}/

t.test('tokens add, list, remove', async (t) => {
  const file = join(folderOf(t), 'tokens.json')
  const first = await cli([
    'tokens',
    'add',
    file,
    '--role',
    'write',
    '--prefix',
    'a/',
    '--prefix',
    'b/',
    '--name',
    'shop',
  ])
  t.match(first, { code: 0, stdout: tokenLike, stderr: /shop is in .*not shown again/ })
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.notMatch(readFileSync(file, 'utf8'), first.stdout.trim().slice(-43))
  t.match(readTokens(file), [{ name: 'shop', role: 'write', prefixes: ['a/', 'b/'] }])
  t.match(await cli(['tokens', 'list', file]), {
    code: 0,
    stdout: /^name {2}role {3}keys\nshop {2}write {2}"a\/" "b\/"\n$/,
  })
  t.match(await cli(['tokens', 'list', file, '--json']), {
    stdout: '{"name":"shop","role":"write","prefixes":["a/","b/"]}\n',
  })
  const before = readFileSync(file, 'utf8')
  const wanted = { name: 'x', role: 'read', prefixes: [] } as const
  const bad: readonly (readonly [object, RegExp])[] = [
    [{ name: 'shop' }, /has a token shop already/],
    [{ role: 'all' }, /a role is one of read, write, admin/],
    [{ role: 'admin', prefixes: ['a'] }, /an admin is for all keys/],
    [{ prefixes: [''] }, /a prefix is not empty/],
    [{ prefixes: ['\ud83d'] }, /a prefix is well-formed/],
    [{ prefixes: ['a'.repeat(5_000)] }, /4096 bytes at most/],
    [{ name: '../x' }, /a name is 1 to 64/],
    [{ name: 'x\u001b[2J' }, /a name is 1 to 64/],
    [{ name: '' }, /a name is 1 to 64/],
  ]
  for (const [field, message] of bad)
    await t.rejects(addToken(file, { ...wanted, ...field }, true), { name: 'ConfigError', message }, String(message))
  await t.rejects(removeToken(file, '__proto__'), { message: /has no token "__proto__"; it has shop/ })
  t.match(await cli(['tokens', 'add', file, '--name', 'x']), { code: 2, stdout: '', stderr: /--role is missing/ })
  t.match(await cli(['tokens', 'list', file, '--name', 'x']), { code: 2, stderr: /takes a file, and nothing else/ })
  t.equal(readFileSync(file, 'utf8'), before, 'nothing was changed')
  t.match(await cli(['tokens', 'remove', file, '--name', 'shop']), { code: 0, stderr: /shop is out of/ })
  t.match(await cli(['tokens', 'list', file]), { code: 0, stdout: 'no tokens\n' })
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('a file that is none, or that others may read, is refused', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'tokens.json')
  await tokensIn(file)
  const text = readFileSync(file, 'utf8')
  const [entry] = (JSON.parse(text) as { tokens: object[] }).tokens
  const file1 = (tokens: unknown) => JSON.stringify({ format: 1, tokens })
  const bad: readonly (readonly [string, RegExp])[] = [
    ['', /it is empty/],
    [text.slice(0, -9), /cut off, or is no JSON/],
    ['\0\0\0', /nothing but zeros/],
    ['[]', /does not hold the fields/],
    [text.replace('"format": 1', '"format": 2'), /format/],
    [file1([entry, entry]), /two tokens/],
    [file1([{ ...entry, role: 'root' }]), /tokens\.0\.role: a role is one of read, write, admin/],
    [file1([{ ...entry, prefixes: ['a'] }]), /tokens\.0: an admin is for all keys/],
    [file1([{ ...entry, role: 'read', prefixes: [''] }]), /a prefix is not empty/],
    [file1([{ ...entry, role: 'read', prefixes: ['\ud800'] }]), /well-formed/],
    [file1([{ ...entry, hash: 'abc' }]), /tokens\.0\.hash/],
    [file1([{ ...entry, token: 'x' }]), /tokens\.0/],
  ]
  for (const [text, message] of bad) {
    writeFileSync(file, text)
    t.throws(() => readTokens(file), { name: 'ConfigError', message }, String(message))
  }
  writeFileSync(file, text)
  for (const mode of [0o640, 0o604, 0o660, 0o644]) {
    chmodSync(file, mode)
    t.throws(() => readTokens(file), { name: 'ConfigError', message: /others than its owner.*chmod 600/ })
  }
  chmodSync(file, 0o600)
  t.equal(readTokens(file).length, 3)
  t.throws(() => readTokens(folder), { name: 'ConfigError' })
  const peers = ['--peers', 'n1=127.0.0.1:1/127.0.0.1:2', '--id', 'n1', '--data-dir', join(folder, 'n1')]
  const missing = await cli(['node', '10', ...peers, '--tokens', join(folder, 'none.json')])
  t.match(missing, { code: 2, stderr: /there is no file of tokens/ })
})

const three = ['n1', 'n2', 'n3']

/** Sends SIGHUP to the nodes of a place, and waits until each has told this event. */
async function heardHangup(folder: string, pidOf: (id: string) => number, event: string): Promise<void> {
  for (const id of three) process.kill(pidOf(id), 'SIGHUP')
  const said = (id: string) => readFileSync(join(folder, 'data', `${id}.process`, 'events.ndjson'), 'utf8')
  while (!three.every((id) => said(id).includes(`"${event}"`))) await new Promise((resolve) => setTimeout(resolve, 20))
}

t.test('a cluster of a file: up, roles, SIGHUP, restart, down; and no token is left anywhere', async (t) => {
  const { folder, verb, addresses, pidOf } = await place(t, 3, 'tokens: tokens.json\n')
  const file = join(folder, 'tokens.json')
  t.match(await verb('up'), { code: 2, stderr: /demand a token.*RAFT_ROADMAP_TOKEN or --token-file/ })
  const { admin, shop, look } = await tokensIn(file)
  const own = join(folderOf(t), 'token')
  writeFileSync(own, `${admin}\n`, { mode: 0o600 })
  const token = ['--token-file', own]
  t.match(await verb('up', ...token), { code: 0, stderr: '' })
  t.match(await verb('status', ...token), { stderr: '' })
  t.match(await verb('status'), { code: 2, stderr: /demand a token/ })
  const asShop = clientOf(t, addresses, shop)
  t.match(await asShop.call(set), { outcome: 'done' })
  t.match(await asShop.call({ ...set, key: 'b' }), isRefused('permission_denied'))
  t.equal(await clientOf(t, addresses, look).get('a/b'), '1')
  t.match(await clientOf(t, addresses, look).call(set), isRefused('permission_denied'))
  for (const address of addresses)
    t.match(await clientOf(t, [address]).call(set), isRefused('unauthenticated'), 'a follower sends nothing on')
  const info = await clientOf(t, addresses, admin).call({ command: 'info' })
  t.equal(info.outcome, 'done')
  t.notMatch(JSON.stringify(info), /raft_[0-9a-f]{16}|"hash"|"salt"/)
  for (const id of three) for (const text of shownOf(pidOf(id))) t.notMatch(text, tokenLike)

  const hangUp = (event: string) => heardHangup(folder, pidOf, event)
  const good = readFileSync(file, 'utf8')
  writeFileSync(file, '{"format": 1')
  await hangUp('tokens_unread')
  t.match(await asShop.call(set), { outcome: 'done' }, 'a bad file changes nothing')
  writeFileSync(file, good)
  t.match(await cli(['tokens', 'remove', file, '--name', 'shop']), { code: 0 })
  await hangUp('tokens_read')
  t.match(await asShop.call(set), isRefused('unauthenticated'), 'revoked while connected')
  t.match(await asShop.call(get), isRefused('unauthenticated'))
  t.match(await verb('restart', ...token), { code: 0 })
  t.equal(await clientOf(t, addresses, look).get('a/b'), '1')
  t.match(await verb('down'), { code: 0 }, 'whoever may end the processes needs no token')
  const texts = textsBelow(folder)
  t.ok(texts.length > 9)
  for (const text of texts) t.notMatch(text, tokenLike)
})

t.test('nodes that demand tokens are not joined, by accident, by some that demand none', async (t) => {
  const { folder, verb, path } = await place(t, 1)
  const file = join(folder, 'tokens.json')
  const own = join(folder, 'own')
  writeFileSync(own, (await tokensIn(file)).admin, { mode: 0o600 })
  t.match(await verb('up', '--found', '--tokens', file, '--token-file', own), { code: 0 })
  t.match(await verb('restart', '--token-file', own), {
    code: 2,
    stderr: /n1 demands the tokens of .*would demand none/,
  })
  chmodSync(own, 0o644)
  const bad = await cli(['status', '--config', path, '--token-file', own])
  t.match(bad, { code: 2, stderr: /others than its owner/ })
  t.match(await cli(['status', '--config', path, '--token-file', file]), { code: 2, stderr: /holds no token/ })
})

function shown(token: string): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

/** Calls with a token, and without one. */
async function overGrpc(
  t: Test,
  grpc: ReflectingClient,
  { shop, look }: Record<'shop' | 'look', string>,
): Promise<void> {
  t.match(await grpc.call('Set', set), { error: { code: 'unauthenticated', definite: true } })
  t.match(await grpc.call('Set', set, shown(look)), { error: { code: 'permission_denied' } })
  t.match(await grpc.call('Set', { ...set, key: 'b' }, shown(shop)), { error: { code: 'permission_denied' } })
  t.match(await grpc.call('Get', get, shown(look)), { error: null })
}

/** The reply to the first request of a stream. */
async function firstReply(grpc: ReflectingClient, metadata?: Metadata): Promise<unknown> {
  const stream = grpc.stream('Ask', metadata)
  const reply = new Promise((resolve) => stream.once('data', resolve))
  stream.write({ id: 1, get: { key: 'a/b' } })
  const told = await reply
  stream.end()
  return told
}

t.test('run --tokens: every port demands one, and what the supervisor does goes on', async (t) => {
  const folder = folderOf(t)
  const file = join(folder, 'tokens.json')
  const { admin, shop, look } = await tokensIn(file)
  const kept = ['--data-dir', join(folder, 'data'), '--trace', join(folder, 'trace')]
  const ports = ['--app-ports', '--metrics', '--network', 'grpc']
  const cluster = await new RunningCluster(t, 10, ['--nodes', '3', '--tokens', file, ...kept, ...ports]).ready()
  const [{ client, peer }] = cluster.nodes as [RunningCluster['nodes'][number]]
  const metrics = (cluster.nodes[0] as unknown as { metrics: string }).metrics

  t.match(await cluster.say('kill n2'), { event: 'killed' })
  t.match(await cluster.say('restart n2'), { event: 'restarted' })
  t.match(await cluster.say('add n4'), { event: 'changed' })

  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const status = async (path: string, init?: object) => (await fetch(`http://${metrics}/${path}`, init)).status
  t.same([await status('livez'), await status('metrics'), await status('readyz')], [200, 401, 401])
  t.same([await status('metrics', bearer(look)), await status('readyz', bearer(look))], [200, 200])
  t.equal(await status('metrics', bearer(look.replace(/.$/, '!'))), 401)

  const { host, port } = parseAddress(client)!
  const known = await ReflectingClient.connect(t, `${host}:${port + 200}`)
  await overGrpc(t, known, { shop, look })
  await overGrpc(t, known.at(t, peer), { shop, look })
  t.match(await firstReply(known), { get: { error: { code: 'unauthenticated' } } })
  t.match(await firstReply(known, shown(look)), { get: { error: null } })

  const raw = new Raw(t, client)
  const wrong = `${admin.slice(0, -1)}!`
  raw.socket.write(
    `${JSON.stringify({ command: 'auth', token: wrong })}\n${JSON.stringify({ command: 'auth', token: admin })}\n`,
  )
  t.match(await raw.answers(2), [{ error: { code: 'unauthenticated' } }, { ok: true, role: 'admin' }])
  const forwards = cluster.addresses().map((address) => clientOf(t, [address], look).call({ ...set, forward: true }))
  for (const outcome of await Promise.all(forwards)) t.match(outcome, isRefused('permission_denied'))
  t.match(await clientOf(t, cluster.addresses(), admin).call(set), { outcome: 'done' })

  for (const pid of [cluster.pid, ...cluster.nodes.map((node) => node.pid)])
    for (const text of shownOf(pid)) t.notMatch(text, tokenLike)
  t.equal(await cluster.stop(), 0)
  for (const text of textsBelow(folder)) t.notMatch(text, tokenLike)
  t.notMatch(JSON.stringify(cluster.events) + cluster.stderr, tokenLike)
  t.notMatch(JSON.stringify(cluster.events) + cluster.stderr, wrong)
})

t.test('run --tokens --metrics-open: metrics are told to anybody', async (t) => {
  const file = join(folderOf(t), 'tokens.json')
  await tokensIn(file)
  const options = ['--nodes', '1', '--tokens', file, '--metrics', '--metrics-open']
  const cluster = await new RunningCluster(t, 2, options).ready()
  const { metrics, client } = cluster.nodes[0] as RunningCluster['nodes'][number] & { metrics: string }
  t.equal((await fetch(`http://${metrics}/metrics`)).status, 200)
  t.match(await clientOf(t, [client]).call(set), isRefused('unauthenticated'))
})
