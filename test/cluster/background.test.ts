/** The cluster of a file, in the background: up, status, restart, down, as a person types them. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../../client/client.js'
import { Background } from '../../client/cluster/background.js'
import { readClusterFile } from '../../client/cluster/cluster-file.js'
import { parseAddress } from '../../src/address.js'
import { ProcessFolder } from '../../src/server/process-folder.js'
import { isLong, longOnly } from '../helpers/effort.js'
import { type Event, place } from '../helpers/place.js'
import { cli } from '../helpers/running.js'

const namesOf = (events: readonly Event[]) =>
  events.map(({ event, node }) => (node ? `${event} ${node}` : event)).sort()
const three = ['n1', 'n2', 'n3']

const write = { command: 'set', key: 'a', value: '1' }
const read = { command: 'get', key: 'a' }
const isKept = { outcome: 'done', answer: { value: '1' } } as const

t.test('up, restart, down --wipe', async (t) => {
  const { folder, verb, addresses } = await place(t, 3)
  const first = await verb('up')
  t.match(first, { code: 0, stderr: '' })
  t.same(namesOf(first.events), ['cluster_serves', ...three.map((id) => `launched ${id}`)])
  const client = new Client({ addresses })
  t.teardown(() => client.close())
  t.match(await client.call(write), { outcome: 'done' })
  const info = await client.call({ command: 'info' })
  const { leader } = (info.outcome === 'done' ? info.answer.info : {}) as { leader: string }
  const { events } = await verb('restart')
  const restarted = events.filter(({ event }) => event === 'restarted').map(({ node }) => node!)
  t.same([...restarted].sort(), three)
  t.equal(restarted.at(-1), leader, 'the leader is the last one')
  t.match(await client.call(read), isKept)
  t.match(await verb('down', '--wipe'), { code: 2, stderr: /no terminal to ask on: say --yes/ })
  t.match(await client.call(read), isKept, 'nothing was done')
  const last = await verb('down', '--wipe', '--yes')
  t.same(namesOf(last.events), [...three.map((id) => `ended ${id}`), 'folders_deleted'].sort())
  t.same(readdirSync(folder), ['cluster.yaml'])
})

t.test('killed by hand and up again, down and up again: all is kept', longOnly, async (t) => {
  const { verb, pidOf, addresses } = await place(t, 3)
  await verb('up')
  const client = new Client({ addresses })
  t.teardown(() => client.close())
  t.match(await client.call(write), { outcome: 'done' })
  t.match(await verb('status'), { code: 0 })
  process.kill(pidOf('n2'), 'SIGKILL')
  const again = await verb('up')
  t.same(namesOf(again.events), ['cluster_serves', 'launched n2', 'running n1', 'running n3'])
  t.match(await verb('down'), { code: 0 })
  t.match(await verb('status'), { code: 1 })
  t.match(await verb('up'), { code: 0 })
  t.match(await client.call(read), isKept)
})

t.test('the words about a cluster that does not run', longOnly, async (t) => {
  const { verb } = await place(t, 3)
  t.match(await verb('status'), { code: 1 })
  t.match(await verb('restart'), { code: 2, stderr: /nothing runs/ })
  const { code, events } = await verb('down')
  t.equal(code, 0)
  t.same(
    namesOf(events),
    three.map((id) => `not_running ${id}`),
  )
})

t.test(
  'a cluster of one node is founded by a word, and once; a pid that another process has is left alone',
  async (t) => {
    const { verb, folder } = await place(t, 1)
    t.match(await verb('up'), { code: 2, stderr: /n1 is not there\. If orders is new, say --found/ })
    t.same(readdirSync(folder), ['cluster.yaml'])
    const own = new ProcessFolder(join(folder, 'data'), 'n1')
    mkdirSync(join(own.path, 'LOCK'), { recursive: true })
    writeFileSync(join(own.path, 'LOCK', `${process.pid}-1-00000000`), '')
    t.match(await verb('down'), { code: 0, events: [{ event: 'not_running', node: 'n1' }] })
    t.equal(await own.find(), null)
    t.match(await verb('up', '--found'), { code: 0, events: [{ event: 'launched' }, { event: 'cluster_serves' }] })
    t.match(await verb('up'), { code: 0, events: [{ event: 'running' }, { event: 'cluster_serves' }] })
    await verb('down')
    rmSync(join(folder, 'data', 'n1'), { recursive: true })
    t.match(await verb('up'), { code: 2, stderr: /its disk is lost or elsewhere/ })
  },
)

t.test('a start that fails leaves nothing behind', async (t) => {
  const { verb, folder, path } = await place(t, 3)
  const taken = parseAddress(readClusterFile(path).nodes[2]!.peer)!
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(taken, resolve))
  t.match(await verb('up'), { code: 2, stderr: /n3 cannot listen for peers on .* it is in use/ })
  t.same(readdirSync(folder), ['cluster.yaml'])
  // Past the check of the ports, as if the port had been taken just now.
  const background = new Background(readClusterFile(path))
  await t.rejects(background.start('n3'), /n3 cannot listen for peers/)
  background.close()
  t.same(readdirSync(folder), ['cluster.yaml'])
  await new Promise((resolve) => server.close(resolve))
  if (isLong) t.match(await verb('up'), { code: 0 })
})

t.test('folders of another cluster, and a file that was moved, are refused', longOnly, async (t) => {
  const { verb, folder, path } = await place(t, 3)
  await verb('up', '--node', 'n1')
  const moved = join(folder, 'elsewhere.yaml')
  writeFileSync(moved, readFileSync(path, 'utf8').replace('nodes:', 'dataDir: other\nnodes:'))
  t.match(await cli(['up', '--config', moved]), { code: 2, stderr: /n1 answers at .* was not started from/ })
  t.match(await cli(['down', '--config', moved]), { code: 0, stdout: /n1.* was not started from here, and goes on/ })
  t.notOk(existsSync(join(folder, 'other')))
  await verb('down')
  const renamed = join(folder, 'renamed.yaml')
  writeFileSync(renamed, readFileSync(path, 'utf8').replace('orders', 'letters'))
  t.match(await cli(['up', '--config', renamed, '--node', 'n1']), {
    code: 2,
    stderr: /belongs to node n1 of cluster orders/,
  })
  const wipe = await cli(['down', '--config', renamed, '--wipe', '--yes'])
  t.match(wipe, { code: 2, stderr: /belongs to node n1 of cluster orders.*nothing was deleted/ })
  writeFileSync(join(folder, 'data', 'n1.process', 'mine'), '')
  t.match(await verb('down', '--wipe', '--yes'), { code: 2, stderr: /holds mine, which is not of a node/ })
  t.ok(existsSync(join(folder, 'data', 'n1', 'IDENTITY')))
})

t.test('a node whose log is damaged stays down, and the others serve', longOnly, async (t) => {
  const { verb, folder } = await place(t, 3)
  await verb('up')
  await verb('down')
  writeFileSync(join(folder, 'data', 'n3', 'IDENTITY'), 'nonsense')
  const { code, events } = await verb('up')
  t.equal(code, 1)
  t.same(namesOf(events), ['cluster_serves', 'launched n1', 'launched n2', 'not_started n3'])
  t.match(await verb('down', '--wipe', '--yes'), { code: 2, stderr: /nobody can tell whose folder/ })
})

t.test('one node, and stages without logs or leaders', longOnly, async (t) => {
  const kinds = [
    [1, 10],
    [2, 2],
    [2, 0],
    [3, 6],
    [1, 8],
  ] as const
  for (const [nodes, stage] of kinds) {
    const { verb } = await place(t, nodes, `stage: ${stage}\n`)
    const word = nodes === 1 ? ['--found'] : []
    t.match(await verb('up', ...word), { code: 0, stderr: '' }, `stage ${stage}`)
    t.match(await verb('status'), { code: 0 })
    t.match(await verb('restart'), { code: 0, stderr: '' })
    t.match(await verb('down', '--wipe', '--yes'), { code: 0 })
  }
})

t.test('the events of a node are kept in bounds', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const { path } = new ProcessFolder(folder, 'n1')
  const events = new ProcessFolder(folder, 'n1').events()
  const line = `${'x'.repeat(64 * 1024)}\n`
  for (let sent = 0; sent < 20 * 1024 * 1024; sent += line.length)
    await new Promise<void>((resolve) => events.write(line, () => resolve()))
  await new Promise<void>((resolve) => events.end(() => resolve()))
  t.same(readdirSync(path).sort(), ['events.ndjson', 'events.ndjson.1'])
})
