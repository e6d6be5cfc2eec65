import t from 'tap'
import { addressProblem, parseAddress, plainAddress } from '../../src/address.js'
import { makeEntry } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { checkNodeConfig } from '../../src/server/config.js'
import { payloadOfConfiguration } from '../../stages/8-membership/configuration.js'
import membership from '../../stages/8-membership/stage.js'

const right = [
  '127.0.0.1:1',
  '10.0.0.255:65535',
  'localhost:7001',
  'sim:7001',
  'node_1.cluster-2.example.:80',
  `${'a'.repeat(63)}.${'b'.repeat(63)}:7`,
  '[::1]:7001',
  '[2001:DB8::7]:7001',
  '[::ffff:10.0.0.1]:7001',
]
const wrong = [
  '',
  'nowhere',
  ':7001',
  'host:',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  '127.0.0.1:71066',
  '127.0.0.1:07001',
  '127.0.0.1:7001 ',
  ' 127.0.0.1:7001',
  '127.0.0.1:-1',
  '127.0.0.1:1e3',
  '127.0.0.1:7001,127.0.0.1:7002',
  '127.0.0.1/8:7001',
  '256.0.0.1:7001',
  '127.1:7001',
  '0177.0.0.1:7001',
  '0:7001',
  '0x7f.0.0.1:7001',
  '0x7f000001:7001',
  '2130706433:7001',
  '0.0.0.0:7001',
  '[::]:7001',
  '[0:0:0:0:0:0:0:0]:7001',
  '[::ffff:0.0.0.0]:7001',
  '[::0.0.0.0]:7001',
  '224.0.0.1:7001',
  '255.255.255.255:7001',
  '[ff02::1]:7001',
  '[fe80::1%eth0]:7001',
  '::1:7001',
  '[::::]:7001',
  '[:::1]:7001',
  '[127.0.0.1]:7001',
  '[localhost]:7001',
  '-a.example:7001',
  'a..b:7001',
  'a b:7001',
  'a\tb:7001',
  'a\u0000b:7001',
  'a\u001b[31mb:7001',
  'bücher.example:7001',
  'user@host:7001',
  'http://host:7001',
  `${'a'.repeat(64)}:7001`,
  `${'abc.'.repeat(64)}d:7001`,
  `${'9'.repeat(5_000)}`,
]

t.test('one check says which addresses others can be told of', async (t) => {
  for (const text of right) t.equal(addressProblem(text), null, text)
  for (const text of wrong) {
    const problem = addressProblem(text)
    t.ok(problem, JSON.stringify(text))
    t.ok((problem ?? '').length < 400, 'it can be said to anybody')
  }
  t.match(addressProblem('127.0.0.1:71066'), /a port from 1 to 65535, not 71066/)
  t.match(addressProblem('0.0.0.0:7001'), /that others can connect to/)
})

t.test('a listener of our own may leave a choice to the system', async (t) => {
  t.same(parseAddress('0.0.0.0:0'), { host: '0.0.0.0', port: 0 })
  t.same(parseAddress('[::]:7001'), { host: '::', port: 7001 })
  t.equal(parseAddress('127.0.0.1:71066'), null)
})

t.test('an address is the same however it is written', async (t) => {
  for (const [one, other] of [
    ['LocalHost:7001', '127.0.0.1:7001'],
    ['[::FFFF:7f00:1]:7001', '127.0.0.1:7001'],
    ['[0:0:0:0:0:0:0:1]:7001', '[::1]:7001'],
    ['Example.ORG.:7001', 'example.org:7001'],
  ] as const)
    t.equal(plainAddress(one), plainAddress(other), one)
  t.not(plainAddress('127.0.0.1:7001'), plainAddress('127.0.0.1:7002'))
  t.not(plainAddress('127.0.0.2:7001'), plainAddress('127.0.0.1:7001'))
})

const config = {
  stage: 8,
  id: 'n1',
  network: 'tcp',
  cluster: 'c',
  dataDir: null,
  log: 'memory',
  heartbeatMs: 100,
  electionMs: 1_000,
  trace: null,
}

t.test('it is the check of a configuration, of commands, and of entries that come over the wire', async (t) => {
  const incarnation = 'd'
  const codec = jsonCodec(membership)
  const cross = (client: string, peer: string) => {
    const voters = [{ id: 'n1', client, peer, incarnation }]
    const entry = makeEntry(1, 1, payloadOfConfiguration({ origin: 'd', voters, outgoing: null, learners: [] }))
    const at = { term: 1, sequence: 1, leaderCommit: 0, prevLogIndex: 0, prevLogTerm: 0 }
    const about = { type: 'AppendEntries', from: 'n2', to: 'n1', incarnation, origin: 'd', entries: [entry], ...at }
    return codec.decode(codec.encode(about))
  }
  const add = (client: string, peer: string) =>
    membership.commands.add_node!.check({ command: 'add_node', node: 'n6', client, peer })
  const start = (client: string, peer: string) => checkNodeConfig({ ...config, members: [{ id: 'n1', client, peer }] })
  for (const text of wrong) {
    for (const pair of [
      [text, 'a:1'],
      ['a:1', text],
    ] as const) {
      const [client, peer] = pair
      t.throws(() => cross(client, peer), JSON.stringify(text))
      t.match(add(client, peer), { ok: false, error: { code: 'bad_request' } }, JSON.stringify(text))
      t.throws(() => start(client, peer), ConfigError, JSON.stringify(text))
    }
  }
  for (const text of right) {
    t.doesNotThrow(() => cross(text, 'z:1'), text)
    t.match(add(text, 'z:1'), { ok: true }, text)
    t.doesNotThrow(() => start(text, 'z:1'), text)
  }
  t.throws(() => start('localhost:1', '127.0.0.1:1'), /given twice/)
})

t.test('a configuration from the wire names each node once, and no more of them than a cluster may have', async (t) => {
  const { check } = membership.messages.AppendEntries!
  const server = (id: string) => ({ id, client: 'a:1', peer: 'a:2', incarnation: 'd' })
  const accepts = (parts: object) => {
    const payload = { kind: 'configuration', configuration: { origin: 'd', outgoing: null, learners: [], ...parts } }
    const entries = [{ index: 1, term: 1, payload, text: '' }]
    return check({ term: 1, sequence: 1, prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, entries })
  }
  const many = Array.from({ length: 65 }, (_, at) => server(`m${at}`))
  t.ok(accepts({ voters: many.slice(1) }))
  t.notOk(accepts({ voters: [] }), 'a cluster of nobody')
  t.notOk(accepts({ voters: many }), 'too many')
  t.notOk(accepts({ voters: [server('n1'), server('n1')] }), 'twice')
  for (const name of ['n 1', '', 'n'.repeat(33), '__proto__']) {
    t.notOk(accepts({ voters: [server(name)] }), `no name: ${name}`)
    const members = [{ id: name, client: 'a:1', peer: 'a:2' }]
    t.throws(() => checkNodeConfig({ ...config, id: name, members }), ConfigError)
    const add = { command: 'add_node', node: name, client: 'a:1', peer: 'a:2' }
    t.match(membership.commands.add_node!.check(add), { ok: false, error: { code: 'bad_request' } })
  }
  t.notOk(accepts({ voters: [server('n1')], outgoing: [server('n2'), server('n2')] }))
  t.notOk(accepts({ voters: [server('n1')], learners: many }))
})
