/** Clusters on hosts of their own, network namespaces, where packets are really lost. */
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { insideVariable } from '../../client/commands/inside-hosts.js'
import { obstacle } from '../../src/server/hosts/tools.js'
import { size } from '../helpers/effort.js'
import { etcdOnly } from '../helpers/etcd.js'
import { cli, RunningCluster } from '../helpers/running.js'
import { type Trial, trials } from '../hosts/trials.js'

const hostsOnly = { skip: obstacle() ?? false } as const
const inside = fileURLToPath(new URL('../hosts/inside.js', import.meta.url))
const insideEtcd = fileURLToPath(new URL('../hosts/etcd.js', import.meta.url))
const etcdOnHosts = { skip: hostsOnly.skip || etcdOnly.skip } as const

const played = size<readonly (readonly [Trial, string])[], readonly (readonly [Trial, string])[]>(
  [
    ['vanish', 'tcp'],
    ['move', 'grpc'],
    ['chaos', 'tcp'],
  ],
  ['tcp', 'grpc', 'udp'].flatMap((network) => trials.map((trial) => [trial, network] as const)),
)

t.test('a cluster on hosts keeps its promises', hostsOnly, async (t) => {
  for (const [trial, network] of played) {
    const command = ['--net', '--mount', process.execPath, inside, trial, network, insideVariable]
    await t.spawn('unshare', command, { env: process.env }, `${trial} over ${network}`)
  }
})

t.test('a scenario on hosts', hostsOnly, async (t) => {
  const played = await cli(['scenario', 'N3', '--stage', '2', '--real', '--hosts', 'netns'])
  t.match(played, { code: 1, stdout: /five hosts/ }, played.stderr)
})

t.test('etcd on hosts', etcdOnHosts, async (t) => {
  const command = ['--net', '--mount', process.execPath, insideEtcd, insideVariable]
  await t.spawn('unshare', command, { env: process.env }, 'its links break in the kernel')
  for (const id of size(['E2'], ['E2', 'E6', 'L3', 'R5', 'T7'])) {
    const played = await cli(['scenario', id, '--engine', 'etcd', '--real', '--hosts', 'netns'])
    t.match(played.stdout, /etcd 3\S+, five hosts/, played.stderr)
    t.equal(played.code, 0, played.stdout)
  }
})

t.test('words of hosts at the prompt', hostsOnly, async (t) => {
  const lines = [
    'unplug n2',
    'unplug n2',
    'plug n9',
    'loss n3 101%',
    'rate n3',
    'mtu n3 20',
    'resolver gone',
    'heal',
    'set a 1',
  ]
  const { stdout } = await cli(['run', '10', '--hosts', 'netns'], `${lines.join('\n')}\n`)
  for (const told of [
    /n2 +is cut off: its cable is pulled/,
    /the cable of n2 is pulled already/,
    /there is no host n9/,
  ])
    t.match(stdout, told)
  for (const usage of ['loss n3 5%', 'rate n3 1mbit', 'mtu n3 600', 'resolver silent'])
    t.match(stdout, `usage: ${usage}`)
  t.match(stdout, /every link carries again\nok/)
})

t.test('a page of a cluster on hosts is served on this machine, and ends with the cluster', hostsOnly, async (t) => {
  const cluster = await new RunningCluster(t, 10, ['--hosts', 'netns', '--ui']).ready()
  const { address } = await cluster.event(({ event }) => event === 'page')
  t.equal((await fetch(String(address))).status, 200)
  t.equal(await cluster.stop(), 0)
  await t.rejects(fetch(String(address)), 'nobody listens there any more')
})

t.test('without hosts, their words and options say what they need', async (t) => {
  t.match(await cli(['scenario', 'N3', '--hosts', 'netns']), { code: 2, stderr: /with --hosts netns goes --real/ })
  const { stdout } = await cli(['run', '2'], 'unplug n1\n')
  t.match(stdout, /needs a host for each node: start the cluster with `--hosts netns`/)
})
