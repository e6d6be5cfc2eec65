import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import type { Member } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { Cluster } from '../../src/server/cluster.js'
import { defaultPace } from '../../src/server/config.js'
import type { Happened } from '../helpers/happened.js'
import { bare, cli, main, Raw, RunningCluster } from '../helpers/running.js'

const entry = new URL('../../client/node-entry.js', import.meta.url).href

t.test('what children print besides their events ends neither them nor their supervisor', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const noisy = join(folder, 'noisy.mjs')
  writeFileSync(
    noisy,
    `process.stdout.write('a library says \\x1b[2J hello\\n{"event":"half')
     process.stdout.write('\\n{"event":"link_up","peer":{},"node":"n9"}\\n{"event":"elected","node":"n1"}\\n')
     process.send(null)
     process.send({ order: 1e9, status: 7 })
     await import(${JSON.stringify(entry)})`,
  )
  const events: Happened[] = []
  const cluster = new Cluster({
    stage: 2,
    entry: noisy,
    members: localMembers(3, '127.0.0.1', await freeBasePort(3, '127.0.0.1')),
    isFounded: null,
    network: 'tcp',
    cluster: 'noisy',
    log: 'memory',
    pace: defaultPace,
    dataDir: null,
    traceDir: null,
    onEvent: (event) => events.push(event),
    onStderr: () => {},
  })
  t.teardown(() => cluster.stop())
  await cluster.start()
  t.ok(cluster.isReady)
  const unreadable = events.filter(({ event }) => event === 'unreadable_output')
  t.equal(unreadable.length, 4 + 4 + 3, 'one of the lines is an event of n1')
  t.match(unreadable[0], { text: 'a library says \\u001b[2J hello' })
  t.equal((await cluster.statuses()).length, 3)
})

t.test('run --headless: a reader that stands still stops nobody, and hears what it has missed', async (t) => {
  const run = bare(process.execPath, [main, 'run', '2', '--nodes', '1', '--headless', '--json', '--base-port', '0'])
  t.teardown(() => run.kill('SIGKILL'))
  const [first] = (await once(run.stdout!, 'data')) as [Buffer]
  run.stdout!.pause()
  const { nodes } = JSON.parse(
    first
      .toString()
      .split('\n')
      .find((line) => line.includes('"ready"'))!,
  ) as {
    nodes: { client: string }[]
  }
  const lines = 5_000
  run.stdin!.write(`explode ${'n'.repeat(300)}\n`.repeat(lines))
  const raw = new Raw(t, nodes[0]!.client)
  // It has read all words when it has obeyed the last of them.
  run.stdin!.write('kill n1\n')
  await raw.until(() => raw.ended)
  const answers: Happened[] = []
  let rest = ''
  run.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const part of parts) answers.push(JSON.parse(part) as Happened)
    run.emit('heard')
  })
  run.stdout!.resume()
  const isTold = () => answers.some(({ event }) => event === 'output_dropped')
  while (!isTold()) await once(run, 'heard')
  run.kill('SIGTERM')
  const [code] = (await once(run, 'close')) as [number | null]
  t.equal(code, 0)
  const dropped = answers.filter(({ event }) => event === 'output_dropped')
  const missed = dropped.reduce((sum, event) => sum + (event.lines as number), 0)
  const told = answers.filter(({ event }) => event === 'refused' || event === 'killed').length
  t.ok(missed > 0 && told < lines, `${missed} lines were dropped`)
  t.ok(told + missed >= lines, 'and none was forgotten')
})

/** Starts a program, closes its standard output behind the first words, and has it say more than a pipe holds. */
async function unheard(t: Test, args: readonly string[], address: (first: string) => string) {
  const child = bare(process.execPath, [main, ...args])
  t.teardown(() => child.kill('SIGKILL'))
  let first = ''
  while (!first.includes('\n')) first += String(((await once(child.stdout!, 'data')) as [Buffer])[0])
  child.stdout!.destroy()
  const at = address(first)
  // Of each request of HTTP the node tells, the first twenty at once.
  for (let request = 0; request < 20; request++) {
    const raw = new Raw(t, at)
    raw.socket.write('GET / HTTP/1.1\r\n\r\n')
    await raw.until(() => raw.ended)
  }
  return { child, at }
}

async function serves(t: Test, address: string): Promise<void> {
  const raw = new Raw(t, address)
  raw.socket.write('{"command":"ping"}\n')
  t.same(await raw.answers(1), [{ ok: true }])
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

t.test('a reader that goes away ends neither a node nor a cluster; a signal does', async (t) => {
  const [{ client, peer }] = localMembers(1, '127.0.0.1', await freeBasePort(1, '127.0.0.1')) as [Member]
  const alone = ['node', '4', '--id', 'n1', '--peers', `n1=${client}/${peer}`, '--log', 'memory']
  const run = ['run', '4', '--nodes', '1', '--headless', '--json', '--base-port', '0']
  const ready = (first: string) => (JSON.parse(first.split('\n')[0]!) as { nodes: Member[] }).nodes[0]!.client
  for (const [args, address] of [
    [alone, () => client],
    [[...alone, '--json'], () => client],
    [run, ready],
  ] as const) {
    const { child, at } = await unheard(t, args, address)
    await serves(t, at)
    t.equal(child.exitCode, null)
    child.kill('SIGTERM')
    t.equal(await exitOf(child), 0, args.join(' '))
  }
})

t.test('run --headless ends when nobody hears it and its standard input ends, too: its script is gone', async (t) => {
  const args = ['run', '4', '--nodes', '1', '--headless', '--json', '--base-port', '0']
  const { child } = await unheard(
    t,
    args,
    (first) => (JSON.parse(first.split('\n')[0]!) as { nodes: Member[] }).nodes[0]!.client,
  )
  child.stdin!.end('explode\n')
  t.equal(await exitOf(child), 0)
})

t.test('run --headless ends when no node lives any more, and its exit code says why', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const options = ['--nodes', '3', '--data-dir', folder]
  const cluster = await new RunningCluster(t, 6, options).ready()
  await cluster.stop()
  for (const id of ['n1', 'n2', 'n3']) damage(join(folder, id, 'wal'))
  const { code, stdout } = await cli(['run', '6', ...options, '--base-port', '0', '--headless', '--json'])
  t.equal(code, 65)
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Happened)
    .filter(({ event }) => event !== 'starting')
  const names = events.map(({ event }) => event)
  t.same(names, ['not_ready', 'log_damaged', 'log_damaged', 'log_damaged', 'all_dead', 'stopped'])
  t.match(events[0], { for: [{ why: /nobody leads; n1 is dead, n2 is dead, n3 is dead/ }] })
})

t.test('run --headless goes on while one node lives', async (t) => {
  const cluster = await new RunningCluster(t, 2, ['--nodes', '2']).ready()
  const from = cluster.events.length
  process.kill(cluster.node('n1').pid, 'SIGKILL')
  await cluster.event(({ event, node }) => event === 'node_died' && node === 'n1', from)
  t.match(await cluster.say('kill n2'), { event: 'killed' }, 'who kills all may start them again')
  t.match(await cluster.say('restart n1'), { event: 'restarted' })
  t.match(await cluster.say('restart n2'), { event: 'restarted' })
  for (const { node, pid } of cluster.events.filter(({ event }) => event === 'restarted')) {
    process.kill(pid as number, 'SIGKILL')
    await cluster.event((event) => event.event === 'node_died' && event.node === node, from + 1)
  }
  t.equal(await cluster.closed, 1)
  t.match(cluster.events.slice(-2), [{ event: 'all_dead', code: 1 }, { event: 'stopped' }])
})

function damage(wal: string): void {
  const file = join(wal, readdirSync(wal).sort()[0]!)
  const bytes = readFileSync(file)
  bytes[60]! ^= 0x15
  writeFileSync(file, bytes)
}
