import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { readClusterFile } from '../../client/cluster/cluster-file.js'
import { environmentSettings, variableOf } from '../../client/cluster/environment.js'
import { ConfigError } from '../../src/errors.js'
import { quotaShapes } from '../../src/server/quotas.js'
import { defaultSettings, settingShapes } from '../../src/server/settings.js'
import { latest } from '../../stages/index.js'
import { cli } from '../helpers/running.js'

const n1 = 'nodes:\n  n1: { client: 127.0.0.1:7001, peer: 127.0.0.1:7101 }\n'

function fileWith(t: Test, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'cluster.yaml'), text)
  return join(folder, 'cluster.yaml')
}

t.test('the sample file is what it says', async (t) => {
  const sample = fileURLToPath(new URL('../../../client/examples/cluster.yaml', import.meta.url))
  const { cluster, stage, dataDir, settings, nodes } = readClusterFile(sample)
  t.match({ cluster, number: stage.number }, { cluster: 'orders', number: latest.number })
  t.equal(dataDir, join(sample, '..', 'data'), 'a relative path begins where the file is')
  t.same(settings, { network: latest.network, ...defaultSettings }, 'it spells out the usual settings, and all of them')
  t.same(
    Object.keys({ ...settings, ...quotaShapes, tokens: '' }).sort(),
    Object.keys(settingShapes).sort(),
    'but for bounds and a file of tokens, which are none',
  )
  const withTokens = readClusterFile(fileWith(t, `cluster: x\ntokens: own/tokens.json\n${n1}`))
  t.equal(withTokens.settings.tokens, join(dirname(withTokens.path), 'own', 'tokens.json'))
  t.match(nodes, [
    { id: 'n1', client: '127.0.0.1:7001', peer: '127.0.0.1:7101', appPort: 7201, metricsPort: 7301, priority: 0 },
    { id: 'n2' },
    { id: 'n3' },
  ])
})

const wrong: readonly (readonly [text: string, line: number, told: RegExp])[] = [
  ['', 1, /must be settings/],
  ['hello', 1, /must be settings/],
  ['\tcluster: x\n', 1, /no YAML: Tabs/],
  ['cluster: [x\nnodes:\n', 2, /no YAML: Flow sequence/],
  [`cluster: x\ncluster: y\n${n1}`, 2, /no YAML: Map keys must be unique/],
  [n1, 1, /^cluster: is missing: the name/],
  ['cluster: x\n', 1, /^nodes: is missing: n1: \{/],
  ['cluster: x\nnodes: [1]\n', 2, /^nodes: must list the nodes by their names/],
  ['cluster: x\nnodes: {}\n', 2, /^nodes: must have one node at least/],
  ['cluster: x\nnodes:\n  n1:\n', 3, /^nodes\.n1: must say where the node listens, such as/],
  ['cluster: x\nnodes:\n  n1: { client: 127.0.0.1:1 }\n', 3, /^nodes\.n1\.peer: is missing: an address/],
  [
    'cluster: x\nnodes:\n  n1:\n    peer: a:1\n    client: 127.0.0.1\n',
    5,
    /^nodes\.n1\.client: "127.0.0.1" must be host:port/,
  ],
  ["cluster: x\nnodes:\n  'a.b': { client: a:1, peer: a:2 }\n", 3, /a name is 1 to 32 letters/],
  [`cluster: x\n${n1}heartbeet: 3\n`, 4, /^heartbeet: there is no such setting; there are cluster, .*heartbeat/],
  [`cluster: x\nheartbeat: fast\n${n1}`, 2, /^heartbeat: must be a whole number from 1 to 60000/],
  [`cluster: x\nnetwork: pigeon\n${n1}`, 2, /^network: must be one of tcp, grpc, udp/],
  [`cluster: x\nleaseReads: yes\n${n1}`, 2, /^leaseReads: must be true or false/],
]

t.test('a wrong file is told where it is wrong, and what would be right', async (t) => {
  for (const [text, line, told] of wrong) {
    const path = fileWith(t, text)
    const error = t.throws(() => readClusterFile(path), ConfigError) as Error
    const [, at, message] = /cluster\.yaml:(\d+): (.*)$/.exec(error.message) ?? []
    t.equal(Number(at), line, error.message)
    t.match(message, told)
  }
  const whole: readonly (readonly [string, RegExp])[] = [
    ['nodes: *nobody\n', /Unresolved alias/],
    [`cluster: x\nstage: 99\n${n1}`, /there is no stage "99"; there are 0 to/],
    [`cluster: x\napplication: vecs\n${n1}`, /there is no application "vecs"; there are: key-value/],
    [`cluster: x\nheartbeat: 500\n${n1}`, /make it at least 3 times/],
    ['cluster: x\nnodes:\n  n1: { client: a:1, peer: a:2 }\n  n2: { client: a:2, peer: a:3 }\n', /a:2 is given twice/],
  ]
  for (const [text, told] of whole) t.throws(() => readClusterFile(fileWith(t, text)), { message: told })
  t.throws(() => readClusterFile('nowhere.yaml'), { message: /there is no file nowhere\.yaml/ })
})

t.test('the environment gives settings by the same shape', async (t) => {
  t.equal(variableOf('snapshotEntries'), 'RAFT_ROADMAP_SNAPSHOT_ENTRIES')
  const given = { RAFT_ROADMAP_HEARTBEAT: '50', RAFT_ROADMAP_LEASE_READS: 'true', RAFT_ROADMAP_ID: 'n1', HOME: '/' }
  t.same(environmentSettings(['heartbeat', 'leaseReads'], given), { heartbeat: '50', leaseReads: 'true' })
  t.throws(() => environmentSettings([], { RAFT_ROADMAP_HEARTBEET: '1' }), /there is no such setting; there are/)
  t.throws(() => environmentSettings(['heartbeat'], { RAFT_ROADMAP_HEARTBEAT: 'x' }), /must be a whole number from 1/)
})

t.test('a flag counts for more than the environment, and that for more than the file', async (t) => {
  const path = fileWith(t, `cluster: x\nheartbeat: 10\nelection: 100\n${n1}`)
  const node = (args: string[], env = {}) => cli(['node', '--config', path, '--id', 'n1', ...args], '', env)
  const env = { RAFT_ROADMAP_HEARTBEAT: '200' }
  t.match(await node([], env), { code: 2, stderr: /an election after 100 ms .* heartbeat's 200 ms/ })
  t.match(await node(['--heartbeat', '300'], env), { code: 2, stderr: /heartbeat's 300 ms/ })
  t.match(await node(['--peers', 'n1=a:1/a:2']), { code: 2, stderr: /--peers is in the file; leave it out/ })
  t.match(await node(['--log', 'stone']), { code: 2 })
  t.match(await cli(['node', '--config', path]), { code: 2, stderr: /--id is missing/ })
  t.match(await cli(['node', '--id', 'n1'], '', { RAFT_ROADMAP_CONFIG: path, RAFT_ROADMAP_ELECTION: '5' }), {
    code: 2,
    stderr: /an election after 5 ms/,
  })
})
