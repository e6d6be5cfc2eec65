/** The metrics and the health of nodes, as a person or Prometheus asks for them. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Client } from '../client/client.js'
import { freeBasePort, freeMember } from '../client/cluster/free-ports.js'
import type { Status } from '../src/contracts.js'
import { unreadiness } from '../src/metrics/health.js'
import { NodeMetrics } from '../src/metrics/node-metrics.js'
import { openMetricsPort } from '../src/metrics/port.js'
import { appPortsAbove, localAddress, localMember, metricsPortsAbove } from '../src/network/local-members.js'
import { place } from './helpers/place.js'
import { bare, cli, main, RunningCluster } from './helpers/running.js'

const dashboard = fileURLToPath(new URL('../../client/examples/grafana.json', import.meta.url))

async function page(address: string, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://${address}${path}`)
  return { status: answer.status, text: await answer.text() }
}

/** The value of a metric, added up over the labels that are not named; undefined if there is none. */
function metric(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const lines = text.split('\n').filter((line) => line.startsWith(`raft_roadmap_${name}{`))
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const fitting = lines.filter((line) => wanted.every((one) => line.includes(one)))
  if (fitting.length === 0) return undefined
  return fitting.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('run --metrics: each node tells what it does, and another leader shows', async (t) => {
  const options = ['--nodes', '3', '--metrics', '--snapshot-entries', '20']
  const cluster = await new RunningCluster(t, 10, options).ready()
  const addressOf = (id: string) => localAddress(cluster.nodes.find((node) => node.id === id)!, metricsPortsAbove)
  t.same(
    cluster.nodes.map((node) => (node as unknown as { metrics: string }).metrics),
    cluster.nodes.map(({ id }) => addressOf(id)),
  )
  const client = new Client({ addresses: cluster.addresses() })
  t.teardown(() => client.close())
  for (let write = 0; write < 30; write++)
    t.match(await client.call({ command: 'set', key: 'a', value: `${write}` }), { outcome: 'done' })
  t.match(await client.call({ command: 'get', key: 'a' }), { outcome: 'done' })
  const { leader } = await leaderOf(client)
  await cluster.event(({ event, node }) => event === 'snapshot' && node === leader)
  const { text } = await page(addressOf(leader), '/metrics')
  t.equal(metric(text, 'role', { role: 'leader' }), 1)
  t.ok(metric(text, 'term')! >= 2)
  t.ok(metric(text, 'commit_index')! >= 30)
  t.equal(metric(text, 'sessions'), 1)
  t.equal(metric(text, 'voters'), 3)
  t.ok(metric(text, 'request_seconds_count', { outcome: 'done' })! >= 31)
  t.ok(metric(text, 'queries_total')! >= 1)
  t.ok(metric(text, 'log_append_seconds_count')! >= 30)
  t.ok(metric(text, 'log_fsync_seconds_count')! >= 30)
  t.ok(metric(text, 'snapshot_save_seconds_count')! >= 1)
  t.ok(metric(text, 'snapshot_bytes')! > 0)
  t.ok(metric(text, 'messages_sent_total', { type: 'AppendEntries' })! >= 30)
  t.ok(metric(text, 'messages_sent_bytes_total', { type: 'AppendEntries' })! > 1_000)
  t.ok(metric(text, 'messages_received_total', { type: 'AppendEntriesReply' })! >= 30)
  t.ok(metric(text, 'client_connections')! >= 1)
  checkDashboard(t, text)
  for (const { id } of cluster.nodes) t.match(await page(addressOf(id), '/readyz'), { status: 200 })

  const others = cluster.nodes.filter(({ id }) => id !== leader).map(({ id }) => addressOf(id))
  await cluster.say(`kill ${leader}`)
  t.match(await client.call({ command: 'set', key: 'a', value: '' }, { deadlineMs: 60_000 }), { outcome: 'done' })
  const later = (await Promise.all(others.map((address) => page(address, '/metrics')))).map(({ text }) => text)
  t.ok(
    later.some((text) => metric(text, 'leader_changes_total')! >= 1),
    'another leader was seen',
  )
  t.ok(
    later.some((text) => metric(text, 'messages_undelivered_total')! >= 1),
    'what was meant for the dead node',
  )
})

async function leaderOf(client: Client): Promise<{ leader: string }> {
  const info = await client.call({ command: 'info' })
  return (info as unknown as { answer: { info: { leader: string } } }).answer.info
}

/** Metrics of nodes that speak TLS; `test/cluster/tls.test.ts` reads them. */
const withTls: ReadonlySet<string> = new Set(['raft_roadmap_certificate_expiry_timestamp_seconds'])

/** Checks that each metric of each panel is there, and each label of its legend. */
function checkDashboard(t: Test, text: string): void {
  const { panels } = JSON.parse(readFileSync(dashboard, 'utf8')) as {
    panels: { title: string; targets?: { expr: string; legendFormat: string }[] }[]
  }
  const targets = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
  t.ok(targets.length > 20)
  for (const { title, expr, legendFormat } of targets) {
    const names = expr.match(/raft_roadmap_\w+/g) ?? []
    if (names.every((name) => withTls.has(name))) continue
    const series = names.map((name) => text.split('\n').find((line) => line.startsWith(`${name}{`)))
    t.ok(names.length > 0 && series.every(Boolean), `${title}: ${expr}`)
    for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
      t.match(series[0], `${label}="`, `${title}: ${label}`)
  }
}

t.test('a node that knows no leader is not ready, and says so; it is alive', async (t) => {
  const port = await freePort()
  const { path, verb } = await place(t, 3)
  writeFileSync(path, readFileSync(path, 'utf8').replace(/ \}\n/, `, metricsPort: ${port} }\n`))
  t.match(await verb('up', '--node', 'n1'), { code: 0 })
  t.same(await page(`127.0.0.1:${port}`, '/readyz'), { status: 503, text: 'this node knows no leader\n' })
  t.match(await page(`127.0.0.1:${port}`, '/livez'), { status: 200 })
  await verb('up')
  t.match(await page(`127.0.0.1:${port}`, '/readyz'), { status: 200 })
  const { text } = await page(`127.0.0.1:${port}`, '/metrics')
  t.equal(metric(text, 'has_leader', { node: 'n1', cluster: 'orders' }), 1)
})

t.test('the port is a setting of the environment, and a wrong or a taken one is told', async (t) => {
  const wrong = await cli(['node', 'latest', '--id', 'n1', '--peers', 'n1=a:1/a:2', '--metrics-port', '70000'])
  t.match(wrong, { code: 2, stderr: /--metrics-port must be a whole number from 1 to 65535/ })
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const peers = `n1=127.0.0.1:${await freePort()}/127.0.0.1:${await freePort()}`
  const environment = { RAFT_ROADMAP_METRICS_PORT: String(port) }
  const refused = await cli(['node', '4', '--id', 'n1', '--peers', peers, '--log', 'memory'], '', environment)
  t.match(refused, { code: 2, stderr: /n1 cannot listen for metrics on 127\.0\.0\.1:\d+: it is in use/ })
})

t.test('ready is who knows a leader, and has performed nearly all that is committed', async (t) => {
  const status = (changes: object) =>
    ({ role: 'follower', leader: 'n1', applied: 10, commit: 10, ...changes }) as Status
  t.equal(unreadiness(status({})), null)
  t.equal(unreadiness(status({ role: 'standalone', leader: null })), null)
  t.equal(unreadiness(status({ commit: 4_000 })), null)
  t.match(unreadiness(status({ commit: 5_000 })), /4990 entries/)
  t.match(unreadiness(status({ leader: null })), /no leader/)
  t.match(unreadiness(status({ role: 'starting' })), /reading its disk/)
})

/** A port with a page of this length. */
async function port(t: Test, text: string) {
  const at = await freePort()
  const pages = { contentType: 'text/plain', metrics: async () => text, unreadiness: () => null }
  const served = await openMetricsPort({ host: '127.0.0.1', port: at }, pages)
  t.teardown(() => served.close())
  return at
}

t.test('the port takes GET only, and has three pages', async (t) => {
  const at = await port(t, 'a 1\n')
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    const answer = await fetch(`http://127.0.0.1:${at}/metrics`, { method })
    t.equal(answer.status, 405, method)
    t.equal(answer.headers.get('allow'), 'GET')
  }
  t.match(await page(`127.0.0.1:${at}`, '/metrics?x=1'), { status: 200, text: 'a 1\n' })
  t.match(await page(`127.0.0.1:${at}`, '/'), { status: 404, text: /\/metrics, \/livez and \/readyz/ })
})

t.test('readers that take nothing keep nobody out: a newcomer always comes in', async (t) => {
  const at = await port(t, 'x'.repeat(4 * 1024 * 1024))
  const slow = Array.from({ length: 40 }, () => connect(at, '127.0.0.1'))
  const gone = slow.map((socket) => new Promise((resolve) => socket.on('error', () => {}).on('close', resolve)))
  for (const socket of slow) {
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.pause()
    socket.write('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(20))
  }
  t.match(await page(`127.0.0.1:${at}`, '/livez'), { status: 200 })
  slow[0]!.resume()
  await gone[0]
  t.pass('the oldest made room')
})

t.test("no label comes from a client: types of messages and events are the stage's own", async (t) => {
  const metrics = new NodeMetrics({ labels: { node: 'n1', cluster: 'c' }, messageTypes: ['Vote'] })
  t.teardown(() => metrics.stop())
  for (let at = 0; at < 100; at++) {
    const message = { type: `T${at}`, from: `n${at}`, to: 'n1' }
    metrics.hear({ event: 'receive', message })
    metrics.hear({ event: 'request', request: at, command: { command: `c${at}` } })
    metrics.hear({ event: 'answer', request: at, answer: { ok: true } })
    metrics.hear({ event: 'client_dropped', remote: `10.0.0.${at}`, reason: `r${at}` })
  }
  metrics.hear({ event: 'send', message: { type: 'Vote', from: 'n1', to: 'n2' } })
  const text = await metrics.text()
  t.notMatch(text, /[Tcr]99|10\.0\.0\./)
  t.equal(metric(text, 'messages_received_total'), 0)
  t.equal(metric(text, 'messages_undelivered_total', { type: 'Vote' }), 1)
  t.equal(metric(text, 'request_seconds_count', { outcome: 'done' }), 100)
  t.equal(metric(text, 'events_total', { event: 'client_dropped' }), 100)
  t.equal(await metrics.text().then((again) => again.split('\n').length), text.split('\n').length, 'nothing grows')
})

t.test('each other leader, or term, is counted, however shortly it leads', async (t) => {
  const metrics = new NodeMetrics({ labels: { node: 'n1', cluster: 'c' }, messageTypes: ['Vote'] })
  t.teardown(() => metrics.stop())
  let [status, asked] = [{ leader: 'n1', term: 1 } as unknown as Status, 0]
  metrics.measure({
    status: () => {
      asked++
      return status
    },
    load: () => ({ connections: 0, answerBytes: 0 }),
  })
  const hear = (leader: string | null, term: number) => {
    status = { leader, term } as unknown as Status
    metrics.hear({ event: 'receive', message: { type: 'Vote', from: 'n2', to: 'n1', term } })
    metrics.turned()
  }
  hear('n1', 1)
  for (const [leader, term] of [
    [null, 2],
    ['n2', 2],
    ['n2', 2],
    ['n3', 3],
    ['n2', 4],
    ['n2', 5],
  ] as const)
    hear(leader, term)
  const before = asked
  for (let turn = 0; turn < 100; turn++) hear('n2', 5)
  t.equal(asked, before, 'a message of the same term costs no look')
  t.equal(metric(await metrics.text(), 'leader_changes_total'), 4)
})

t.test('run: the variable of the environment names the port for metrics of n1', async (t) => {
  const port = await freePort()
  const run = bare(process.execPath, [main, 'run', '0', '--nodes', '1', '--base-port', '0', '--headless', '--json'], {
    RAFT_ROADMAP_METRICS_PORT: String(port),
  })
  t.teardown(() => run.kill('SIGKILL'))
  let said = ''
  while (!said.includes('"ready"')) said += String((await once(run.stdout!, 'data'))[0])
  t.match(said, `127.0.0.1:${port}`)
  t.match(await page(`127.0.0.1:${port}`, '/livez'), { status: 200 })
})

t.test('a node whose further ports are taken gets others', async (t) => {
  const base = await freeBasePort(1, '127.0.0.1', [appPortsAbove])
  const member = localMember(1, '127.0.0.1', base)
  t.same(await freeMember(member, '127.0.0.1', [appPortsAbove]), member)
  const taken = createServer().listen(base + 1 + appPortsAbove, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  t.same(await freeMember(member, '127.0.0.1', []), member)
  t.not((await freeMember(member, '127.0.0.1', [appPortsAbove])).client, member.client)
})
