/** Hosts of their own whose packets are delayed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { insideVariable } from '../../client/commands/inside-hosts.js'
import { obstacle, obstacleToDelays } from '../../src/server/hosts/tools.js'
import { size } from '../helpers/effort.js'
import { cli, isAlive, isZombie } from '../helpers/running.js'

const delaysOnly = { skip: obstacle() ?? obstacleToDelays() ?? false } as const
const slow = fileURLToPath(new URL('../hosts/slow.js', import.meta.url))
const inside = fileURLToPath(new URL('../hosts/inside.js', import.meta.url))
const inNamespaces = ['--net', '--mount', process.execPath]

t.test('packets between hosts take the time that they are told', delaysOnly, async (t) => {
  const pidFile = join(t.testdir(), 'pid')
  await t.spawn('unshare', [...inNamespaces, slow, pidFile], { env: process.env }, 'the line of packets')
  const pid = Number(readFileSync(pidFile, 'utf8'))
  while (isAlive(pid) && !isZombie(pid)) await new Promise(setImmediate)
  t.pass('the line ended with the program that had opened it')
})

t.test('a cluster whose hosts are far from each other keeps its leader', delaysOnly, async (t) => {
  const command = [...inNamespaces, inside, 'far', size('tcp', 'grpc'), insideVariable]
  await t.spawn('unshare', command, { env: process.env }, 'far')
})

t.test('words for delays at the prompt', delaysOnly, async (t) => {
  const lines = [
    'delay n3 40..60ms',
    'delay n3 off',
    'sites 50ms n1,n2 n3,follower',
    'sites off',
    'delay n9 5ms',
    'delay n3 60..40ms',
    'delay n3 5',
    'sites 50ms n1,n1',
    'sites 50ms',
    'heal',
  ]
  const { stdout } = await cli(['run', '10', '--hosts', 'netns'], `${lines.join('\n')}\n`)
  for (const told of [
    /n3 +sends packets that take 40 to 60 ms longer/,
    /n3 +sends its packets without delay again/,
    /from one site to another, packets take 50 ms: n1,n2 n3,n[45]/,
    /all hosts are near each other again/,
    /there is no host n9/,
  ])
    t.match(stdout, told)
  t.equal(stdout.match(/usage: delay n3/g)?.length, 2)
  t.equal(stdout.match(/usage: sites 50ms/g)?.length, 2)
})

t.test('without hosts, words for delays say what they need', async (t) => {
  const { stdout } = await cli(['run', '2'], 'delay n1 50ms\n')
  t.match(stdout, /needs a host for each node: start the cluster with `--hosts netns`/)
})
