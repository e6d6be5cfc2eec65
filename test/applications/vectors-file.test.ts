/** The vector stores as a cluster that a file describes, in the background: through a killed leader. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { Client } from '../../client/client.js'
import { readClusterFile } from '../../client/cluster/cluster-file.js'
import { root } from '../docs.js'
import { place } from '../helpers/place.js'
import { cli } from '../helpers/running.js'

const lines = join(root, 'client/applications/vectors/examples/raft.txt')
const question = 'who has voted for the leader?'

t.test('the sample file names the application', async (t) => {
  const sample = fileURLToPath(new URL('../../../client/examples/vectors.yaml', import.meta.url))
  const { cluster, stage, nodes } = readClusterFile(sample)
  t.match({ cluster, application: stage.application }, { cluster: 'vectors:words', application: { name: 'vectors' } })
  t.equal(nodes.length, 3)
})

t.test('up, load, nearest, a killed leader, nearest, up, down', async (t) => {
  const { folder, path, verb, pidOf, addresses } = await place(t, 3, 'application: vectors\n')
  const own = (...words: string[]) => cli(['vectors', ...words, '--connect', addresses.join(',')])
  const up = await verb('up')
  t.match(up, { code: 0, stderr: '' })
  const served = up.events.find(({ event }) => event === 'cluster_serves') as { cluster?: string; leader?: string }
  t.match(served, { cluster: 'vectors:orders', leader: /^n[123]$/ })
  t.match(await own('load', 'docs', lines), { code: 0 })
  const before = await own('nearest', 'docs', question)
  t.match(before, { code: 0, stdout: /raft\.txt:1\b.*\n/ })

  process.kill(pidOf(served.leader!), 'SIGKILL')
  t.strictSame(await own('nearest', 'docs', question), before, 'the same lines, in the same order')
  const again = await verb('up')
  t.match(again, { code: 0, stderr: '' })
  t.match(again.events.find(({ event }) => event === 'launched')?.node, served.leader)
  const client = new Client({ addresses })
  t.teardown(() => client.close())
  t.match(await client.call({ command: 'list_stores' }), { answer: { stores: [{ store: 'docs' }] } })

  t.match(await cli(['vectors', 'node', '--config', path, '--id', 'n1']), { code: 2, stderr: /n1 runs already/ })
  t.match(await verb('down', '--wipe', '--yes'), { code: 0 })
  t.strictSame(readdirSync(folder), ['cluster.yaml'])
})

t.test('a command line of an application takes files of that application alone', async (t) => {
  const early = await place(t, 1, 'application: vectors\nstage: 8\n')
  t.match(await early.verb('up'), { code: 2, stderr: /vectors needs stage 9 or a later one, and this is stage 8/ })
  const { path } = await place(t, 1)
  const told = await cli(['vectors', 'node', '--config', path, '--id', 'n1'])
  t.match(told, { code: 2, stderr: /the file is of key-value on stage 10, and this command runs vectors on stage 10/ })
})
