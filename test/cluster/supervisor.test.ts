import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { some } from '../helpers/effort.js'
import { bare, cli, isAlive, isZombie, main, Raw, RunningCluster } from '../helpers/running.js'

const info = `${JSON.stringify({ command: 'info' })}\n`

t.test('headless with --json: the first line says who serves where; fault words come by standard input', async (t) => {
  const cluster = await new RunningCluster(t, 2).ready()
  const [first] = cluster.events.filter(({ event }) => event !== 'starting')
  t.match(first, { event: 'ready', stage: 2 }, 'ready is the first line')
  t.same(
    cluster.nodes.map(({ id }) => id),
    ['n1', 'n2', 'n3', 'n4', 'n5'],
  )
  for (const [at, { client, peer, pid }] of cluster.nodes.entries()) {
    const base = Number(cluster.nodes[0]!.client.split(':')[1]) - 1
    t.equal(client, `127.0.0.1:${base + at + 1}`)
    t.equal(peer, `127.0.0.1:${base + at + 101}`)
    t.ok(isAlive(pid))
  }

  t.test('a killed node stays dead until it is restarted', async (t) => {
    t.match(await cluster.say('kill n3'), { event: 'killed', node: 'n3' })
    t.notOk(isAlive(cluster.node('n3').pid))
    t.match(await cluster.say('kill n3'), { event: 'refused', message: /n3 is dead already/ })
    const restarted = await cluster.say('restart n3')
    t.match(restarted, { event: 'restarted', node: 'n3' })
    const raw = new Raw(t, cluster.node('n3').client)
    raw.socket.write(info)
    t.match(await raw.answers(1), [{ ok: true, info: { id: 'n3', pid: restarted.pid } }])
    t.match(await cluster.say('restart n3'), { event: 'refused', message: /n3 is not dead/ })
  })

  t.test('a node that dies by itself is news', async (t) => {
    const from = cluster.events.length
    process.kill(cluster.node('n4').pid, 'SIGKILL')
    t.match(await cluster.event(({ event }) => event === 'node_died', from), { node: 'n4', signal: 'SIGKILL' })
    t.match(await cluster.say('restart n4'), { event: 'restarted' })
  })

  t.test('what keeps nothing cannot be wiped', async (t) => {
    t.match(await cluster.say('wipe n4'), { event: 'refused', message: /n4 is not dead, and its disk is in use/ })
    await cluster.say('kill n4')
    t.match(await cluster.say('wipe n4'), { event: 'refused', message: /n4 keeps nothing that could be wiped/ })
    await cluster.say('restart n4')
  })

  t.test('a paused node neither answers nor refuses, and goes on when resumed', async (t) => {
    t.match(await cluster.say('pause n2'), { event: 'paused', node: 'n2' })
    const isStopped = () => /State:\s+T/.test(readFileSync(`/proc/${cluster.node('n2').pid}/status`, 'utf8'))
    // A signal takes effect when its process is scheduled, which is not at once on a busy machine.
    while (!isStopped()) await turn()
    t.match(await cluster.say('pause n2'), { event: 'refused', message: /n2 is paused/ })
    const raw = new Raw(t, cluster.node('n2').client)
    raw.socket.write(info)
    t.match(await cluster.say('resume n2'), { event: 'resumed' })
    t.match(await raw.answers(1), [{ ok: true, info: { id: 'n2' } }])
    t.match(await cluster.say('resume n2'), { event: 'refused', message: /n2 is not paused/ })
  })

  t.test('links are cut and healed', async (t) => {
    t.match(await cluster.say('cut n1 n2'), { event: 'cut', links: ['n1>n2', 'n2>n1'] })
    t.match(await cluster.say('cut n1>n3'), { event: 'cut', links: ['n1>n3'] })
    t.match(await cluster.say('cut n1 > n4'), { event: 'cut', links: ['n1>n4'] })
    const raw = new Raw(t, cluster.node('n1').client)
    raw.socket.write('{"command":"set","key":"cut","value":"1"}\n')
    t.match(await raw.answers(1), [{ ok: false, error: { code: 'timeout', definite: false, message: /2 of 5/ } }])
    t.match(await cluster.say('heal'), { event: 'healed' })
    const { links } = await cluster.say('split n1 n2')
    t.match(links, ['n1>n3', 'n3>n1', 'n1>n4'])
    t.equal((links as string[]).length, 12)
    await cluster.say('heal')
    raw.forget()
    raw.socket.write('{"command":"set","key":"cut","value":"2"}\n')
    t.same(await raw.answers(1), [{ ok: true }])
  })

  t.test('what is no fault word is answered too', async (t) => {
    for (const line of [
      'kill',
      'kill n9',
      'explode n1',
      'cut n1',
      'cut n1 n1',
      'cut n1 > ',
      'heal n1',
      'cut n1 n2 n3',
    ]) {
      t.match(await cluster.say(line), { event: 'refused', line, message: /\w/ }, line)
    }
  })

  t.test('SIGTERM ends it, with every process', async (t) => {
    const pids = cluster.nodes.map(({ pid }) => pid)
    t.equal(await cluster.stop(), 0)
    t.match(cluster.events.at(-1), { event: 'stopped' })
    t.equal(cluster.stderr, '')
    t.same(pids.filter(isAlive), [])
  })
})

t.test('a whole cluster ends at once: no leader hands over to a node that ends as well', async (t) => {
  const cluster = await new RunningCluster(t, 10, ['--nodes', '3']).ready()
  const from = cluster.events.length
  t.equal(await cluster.stop(), 0)
  const all = cluster.events.slice(from).map(({ event }) => event)
  t.same(
    all.filter((event) => event.startsWith('hand')),
    [],
  )
})

t.test('no orphans: the nodes end when the supervisor is killed, even one that is stopped', async (t) => {
  const cluster = await new RunningCluster(t, 2, ['--nodes', '3']).ready()
  await cluster.say('pause n2')
  const waiting = cluster.nodes.map(async ({ client }) => {
    const raw = new Raw(t, client)
    await once(raw.socket, 'connect')
    await raw.until(() => raw.ended)
  })
  process.kill(cluster.pid, 'SIGKILL')
  await Promise.all(waiting)
  await cluster.closed
  // Their sockets are closed, so they are ending; the system may take a moment to say so.
  while (cluster.nodes.some(({ pid }) => isAlive(pid) && !isZombie(pid))) await new Promise(setImmediate)
  t.pass('all three are gone')
})

t.test('what cannot start says why in one sentence, with exit code 2', async (t) => {
  // All ports of two nodes are free but one, below those that the system hands out: the second node's for peers.
  const [server, base] = [createServer(), await freeBasePort(2, '127.0.0.1')]
  const port = base + 102
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const file = join(folder, 'file')
  writeFileSync(file, '')
  const cases: [string[], RegExp][] = [
    [
      ['run', '0', '--headless', '--nodes', '1', '--base-port', String(port - 1)],
      /^n1 cannot listen for clients on 127.0.0.1:\d+: it is in use/,
    ],
    [
      ['run', '2', '--headless', '--nodes', '2', '--base-port', String(base)],
      /^n2 cannot listen for peers on 127.0.0.1:\d+: it is in use/,
    ],
    [['run', '99'], /^there is no stage "99"; there are 0 to \d+/],
    [['run', 'raft'], /^there is no stage "raft"/],
    [['run', '0', '--data-dir', join(file, 'x'), '--headless'], /^cannot write to the folder .*file.x: ENOTDIR/],
    [['run', '0', '--nodes', 'five'], /^--nodes must be a whole number from 1 to 99/],
    [['run', '0', '--base-port', '70000'], /^--base-port must be a whole number/],
    [['run', '0', '--json'], /^with --json goes --headless/],
    [['run'], /Not enough non-option arguments/],
    [['rnu', '0'], /Did you mean run\?/],
    [['run', '0', '--nods', '3'], /Unknown argument: nods/],
    [['node', '2', '--id', 'n9', '--peers', 'n1=127.0.0.1:1/127.0.0.1:2'], /^n9 is not among the members n1/],
    [['node', '2', '--id', 'n1', '--peers', 'n1=127.0.0.1:1'], /^--peers: "n1=127.0.0.1:1" is not of the form/],
    [['node', '2', '--id', 'n1', '--peers', 'n1=127.0.0.1:1/127.0.0.1:1'], /^the address 127.0.0.1:1 is given twice/],
    [['node', '2', '--id', 'n1', '--peers', 'n1=here/there'], /must be host:port/],
    [['client', '--connect', 'nowhere', 'ping'], /^--connect: "nowhere" must be host:port/],
    [['client', 'fetch', 'a'], /^no command "fetch"; there are get set/],
    [['client', 'set', 'a'], /^usage: set key value/],
    [['client', '--deadline', '0', 'ping'], /^--deadline must be/],
  ]
  for (const [args, message] of some(3, cases)) {
    const { code, stdout, stderr } = await cli(args)
    t.match(stderr, message, args.join(' '))
    t.equal(stderr.trim().split('\n').length, 1, 'one sentence')
    t.same([code, stdout.replaceAll(/^ *starts, and waits for .*\n/gm, '')], [2, ''])
  }
})

t.test('one node alone: `node` serves, and ends on SIGTERM', async (t) => {
  const cluster = await new RunningCluster(t, 2, ['--nodes', '3']).ready()
  const { client, peer } = cluster.node('n1')
  const peers = cluster.nodes.map((node) => `${node.id}=${node.client}/${node.peer}`).join(',')
  await cluster.say('kill n1')
  const node = bare(process.execPath, [main, 'node', '2', '--id', 'n1', '--peers', peers, '--json'])
  t.teardown(() => node.kill('SIGKILL'))
  const [first] = (await once(node.stdout!, 'data')) as [Buffer]
  t.match(JSON.parse(first.toString().split('\n')[0]!), { event: 'serving', node: 'n1', client, peer })
  const raw = new Raw(t, client)
  raw.socket.write(info)
  t.match(await raw.answers(1), [{ ok: true, info: { role: 'leader' } }])
  node.kill('SIGTERM')
  const [code] = (await once(node, 'close')) as [number]
  t.equal(code, 0)
})

t.test('--trace writes everything that happens in a node, a line each', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const cluster = await new RunningCluster(t, 2, ['--nodes', '3', '--trace', folder]).ready()
  const raw = new Raw(t, cluster.node('n1').client)
  raw.socket.write('{"command":"set","key":"a","value":"1"}\n')
  await raw.answers(1)
  await cluster.stop()
  const events = (id: string) =>
    readFileSync(join(folder, `${id}.ndjson`), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; node: string; at: number })
  const leader = events('n1').map(({ event }) => event)
  t.ok(['serving', 'request', 'send', 'receive', 'apply', 'answer'].every((event) => leader.includes(event)))
  t.match(
    events('n3').find(({ event }) => event === 'receive'),
    { node: 'n3', at: Number, message: { type: 'Replicate', from: 'n1', command: { command: 'set', key: 'a' } } },
  )
})
