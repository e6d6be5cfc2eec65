/** Real nodes on folders that a power failure, or a person, left empty, cut off, or as another kind of log. */
import {
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { size, some } from '../helpers/effort.js'
import { cli, RunningCluster } from '../helpers/running.js'

const start = (t: Test, stage: number, folder: string, ...more: string[]) =>
  new RunningCluster(t, stage, ['--nodes', '3', '--data-dir', folder, ...more]).ready()

async function set(t: Test, cluster: RunningCluster, key: string, value: string): Promise<void> {
  const client = new Client({ addresses: cluster.addresses() })
  t.match(await client.call({ command: 'set', key, value }, { deadlineMs: 20_000 }), { outcome: 'done' })
  client.close()
}

async function get(t: Test, cluster: RunningCluster, key: string, value: string): Promise<void> {
  const client = new Client({ addresses: cluster.addresses() })
  t.match(await client.call({ command: 'get', key }, { deadlineMs: 20_000 }), { answer: { value } })
  client.close()
}

const snapshotsIn = (folder: string) =>
  ['n1', 'n2', 'n3'].map((id) => readdirSync(join(folder, id, 'snap')).filter((name) => name.endsWith('.ndjson')))

const kinds = [
  ['level', 'file'],
  ['file', 'level'],
] as const

for (const [kind, other] of some<(typeof kinds)[number]>(1, kinds))
  t.test(`run 7 --log ${kind} goes on where it was; --log ${other} and memory are refused`, async (t) => {
    const folder = t.testdir({})
    const options = ['--log', kind, '--snapshot-entries', '20']
    const first = await start(t, 7, folder, ...options)
    const client = new Client({ addresses: first.addresses() })
    for (let at = 0; at < 25; at++)
      await client.call({ command: 'set', key: `k${at}`, value: `v${at}` }, { deadlineMs: 20_000 })
    client.close()
    for (const node of ['n1', 'n2', 'n3'])
      await first.event((event) => event.event === 'snapshot' && event.node === node)
    await first.stop()
    const before = snapshotsIn(folder)
    t.ok(before.every((names) => names.length > 0))
    for (const wanted of some(1, [other, 'memory'])) {
      const args = ['run', '7', '--nodes', '3', '--base-port', '0', '--data-dir', folder, '--headless', '--log', wanted]
      t.match(await cli(args), {
        code: 2,
        stderr: new RegExp(`holds a log of the kind "${kind}", and one of the kind "${wanted}" was asked for`),
      })
      t.same(snapshotsIn(folder), before, `nothing is touched for ${wanted}`)
    }
    const again = await start(t, 7, folder, ...options)
    await get(t, again, 'k24', 'v24')
    await again.stop()
  })

/** Everything in the folder of a cluster of three at stage 8 that has been founded and stopped. */
async function founded(t: Test): Promise<string> {
  const folder = t.testdir({})
  const cluster = await start(t, 8, folder)
  await set(t, cluster, 'a', '1')
  await cluster.stop()
  return folder
}

t.test('cluster.json is empty, cut off or lost its fields: one sentence that says how it is to be', async (t) => {
  const folder = await founded(t)
  const path = join(folder, 'cluster.json')
  const whole = readFileSync(path, 'utf8')
  const run = () => cli(['run', '8', '--base-port', '0', '--data-dir', folder, '--headless'])
  let advice = ''
  const bad: readonly (readonly [text: string, what: string])[] = [
    [whole.slice(0, 100), 'it is cut off'],
    ['', 'it is empty'],
    ['\0'.repeat(300), 'it holds nothing but zeros'],
    ['{}', 'it does not hold the fields'],
  ]
  for (const [text, what] of some(1, bad)) {
    writeFileSync(path, text)
    const { code, stderr } = await run()
    t.equal(code, 65)
    t.match(stderr, new RegExp(`^${path}: ${what}[^\n]*; write it again[^\n]*\n$`))
    advice = stderr
  }
  const text = JSON.parse(/\{"cluster":.*\}$/m.exec(advice)![0]) as { cluster: string; nodes: { id: string }[] }
  const { cluster, nodes, founded: isFounded } = JSON.parse(whole)
  t.match(text, { cluster, founded: isFounded, nodes: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }] })
  writeFileSync(path, JSON.stringify({ ...text, nodes }))
  const again = await start(t, 8, folder)
  await get(t, again, 'a', '1')
  await again.stop()
  t.test('and all the folders that it names are gone', async (t) => {
    for (const id of ['n1', 'n2', 'n3']) renameSync(join(folder, id), join(folder, `away-${id}`))
    t.match(await run(), { code: 2, stderr: /none of their folders is here/ })
    t.match(JSON.parse(readFileSync(path, 'utf8')), { cluster, nodes }, 'it is not written over')
  })
})

interface Harm {
  readonly what: string
  readonly event: string
  readonly message: RegExp
  readonly code: number
  do(folder: string): void
}

const harms: readonly Harm[] = [
  {
    what: 'IDENTITY is empty',
    event: 'log_damaged',
    message: /n1.IDENTITY: it is empty; .*npx raft-roadmap log .*n1 --repair$/,
    code: 65,
    do: (folder) => truncateSync(join(folder, 'n1', 'IDENTITY')),
  },
  {
    what: 'IDENTITY is cut off',
    event: 'log_damaged',
    message: /n1.IDENTITY: it is cut off/,
    code: 65,
    do: (folder) => truncateSync(join(folder, 'n1', 'IDENTITY'), 30),
  },
  {
    what: 'IDENTITY is a folder',
    event: 'disk_failed',
    message: /cannot read .*n1.IDENTITY: .*a folder/,
    code: 74,
    do: (folder) => cpSync(join(folder, 'n1', 'LOCK'), replaced(join(folder, 'n1', 'IDENTITY')), { recursive: true }),
  },
  {
    what: 'the segment is empty',
    event: 'log_damaged',
    message: /000000000001\.ndjson, line 1/,
    code: 65,
    do: (folder) => truncateSync(join(folder, 'n1', 'wal', '000000000001.ndjson')),
  },
  {
    what: "the folder is another node's",
    event: 'folder_refused',
    message: /n1 belongs to node n2 of cluster/,
    code: 2,
    do: (folder) => cpSync(join(folder, 'n2'), replaced(join(folder, 'n1')), { recursive: true }),
  },
  {
    what: 'the log is a file',
    event: 'disk_failed',
    message: /n1.wal/,
    code: 74,
    do: (folder) => writeFileSync(replaced(join(folder, 'n1', 'wal')), ''),
  },
  {
    what: 'the folder is a file',
    event: 'disk_failed',
    message: /n1/,
    code: 74,
    do: (folder) => writeFileSync(replaced(join(folder, 'n1')), ''),
  },
]

function replaced(path: string): string {
  rmSync(path, { recursive: true })
  return path
}

/** Where the members are fixed, the name of the cluster comes from the folders alone. */
const harmsAt: Record<number, readonly Harm[]> = { 7: harms.slice(0, 1), 8: harms.slice(1) }

for (const stage of size([8], [7, 8]))
  t.test(`stage ${stage}: the node of a bad folder is dead, and the others serve`, async (t) => {
    const folder = t.testdir({})
    const first = await start(t, stage, folder)
    await set(t, first, 'a', '1')
    await first.stop()
    const sound = `${folder}-sound`
    rmSync(sound, { recursive: true, force: true })
    renameSync(folder, sound)
    t.teardown(() => rmSync(sound, { recursive: true, force: true }))
    for (const harm of some(1, harmsAt[stage]!)) {
      rmSync(folder, { recursive: true, force: true })
      cpSync(sound, folder, { recursive: true })
      symlinkSync('/nonexistent', join(folder, 'dangling'))
      harm.do(folder)
      const cluster = await start(t, stage, folder)
      const { message } = await cluster.event(({ event, node }) => event === harm.event && node === 'n1')
      t.match(message, harm.message, harm.what)
      t.notMatch(message, /\n/, 'one sentence')
      await get(t, cluster, 'a', '1')
      await set(t, cluster, 'b', '2')
      t.match(await cluster.say('restart n1'), { event: 'refused', message: /n1 did not start/ })
      t.match(await cluster.event(({ event, node }) => event === 'node_died' && node === 'n1'), { code: harm.code })
      await cluster.stop()
      t.equal(cluster.stderr, '', `${harm.what}: no stack trace`)
      t.notMatch((await cli(['log', folder, '--verify'])).stderr, /at /, 'nor from `log`')
    }
  })
