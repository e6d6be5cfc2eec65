/** An etcd that speaks TLS, demands certificates of its clients, and knows users. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client as Grpc, Metadata } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { tlsFrom } from '../../client/cluster/tls-places.js'
import { diallingOf, obstacleIn } from '../../client/engine/etcd/access.js'
import { etcdClient } from '../../client/engine/etcd/client.js'
import { localMembers } from '../../src/network/local-members.js'
import { etcdOnly } from '../helpers/etcd.js'
import { cli } from '../helpers/running.js'

const host = '127.0.0.1'

interface Guarded {
  readonly folder: string
  readonly certs: string
  readonly address: string
}

/** Starts one node that speaks TLS with clients. The folder has certificates as `certs dev` makes them, and no password. */
async function guardedEtcd(t: Test): Promise<Guarded> {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const certs = join(folder, 'certs')
  t.match(await cli(['certs', 'dev', '--out', certs, '--nodes', 'n1']), { code: 0 })
  const { client: address, peer } = localMembers(1, host, await freeBasePort(1, host))[0]!
  const options = {
    name: 'n1',
    'data-dir': join(folder, 'data'),
    'cert-file': join(certs, 'n1.crt'),
    'key-file': join(certs, 'n1.key'),
    'trusted-ca-file': join(certs, 'ca.crt'),
    'client-cert-auth': 'true',
    'listen-client-urls': `https://${address}`,
    'advertise-client-urls': `https://${address}`,
    'listen-peer-urls': `http://${peer}`,
    'initial-advertise-peer-urls': `http://${peer}`,
    'initial-cluster': `n1=http://${peer}`,
    logger: 'zap',
    'log-level': 'fatal',
  }
  const words = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const etcd = spawn('etcd', words, { stdio: 'ignore' })
  t.teardown(async () => {
    etcd.kill('SIGKILL')
    if (etcd.exitCode === null && etcd.signalCode === null) await once(etcd, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, certs, address }
}

/** A field of text in protobuf. */
const field = (number: number, text: string | Buffer) =>
  Buffer.concat([Buffer.of((number << 3) | 2, Buffer.byteLength(text)), Buffer.from(text)])

/** Has etcd know the user `root` and the user `ann`, who may read and write the keys from `a` up to `b`. */
async function enableUsers({ address, certs }: Guarded): Promise<void> {
  const { credentials, options } = diallingOf(address, tlsFrom(certs))
  const grpc = new Grpc(address, credentials, options)
  const same = (bytes: Buffer) => bytes
  const ask = (call: string, ...fields: Buffer[]) =>
    new Promise<void>((resolve, reject) => {
      const path = `/etcdserverpb.Auth/${call}`
      const deadline = { deadline: Date.now() + 60_000 }
      grpc.makeUnaryRequest(path, same, same, Buffer.concat(fields), new Metadata(), deadline, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  await ask('UserAdd', field(1, 'root'), field(2, 'r'))
  await ask('RoleAdd', field(1, 'root'))
  await ask('UserGrantRole', field(1, 'root'), field(2, 'root'))
  await ask('UserAdd', field(1, 'ann'), field(2, 'ann’s own'))
  await ask('RoleAdd', field(1, 'some'))
  const permission = Buffer.concat([Buffer.of(1 << 3, 2), field(2, 'a'), field(3, 'b')])
  await ask('RoleGrantPermission', field(1, 'some'), field(2, permission))
  await ask('UserGrantRole', field(1, 'ann'), field(2, 'some'))
  await ask('AuthEnable')
  grpc.close()
}

/** Asks until etcd serves. */
async function served({ address, certs }: Guarded): Promise<void> {
  const client = etcdClient({ addresses: [address], deadlineMs: 60_000, ...tlsFrom(certs) })
  try {
    while ((await client.call({ command: 'set', key: 'a', value: '1' })).outcome !== 'done') await delay(20)
  } finally {
    client.close()
  }
}

t.test('an etcd that speaks TLS is asked with certificates, and what is wrong is said', etcdOnly, async (t) => {
  const etcd = await guardedEtcd(t)
  const { address, certs, folder } = etcd
  await served(etcd)
  const at = ['--engine', 'etcd', '--connect', address]
  const ask = (...words: string[]) => cli(['client', ...at, ...words])
  t.match(await ask('--certs', certs, 'get', 'a'), { code: 0, stdout: '1\n', stderr: '' })
  t.match(await ask('--certs', certs, 'transfer_leader'), { code: 1, stderr: /no other voter/ })

  const backup = join(folder, 'out.ndjson')
  t.match(await cli(['backup', backup, ...at, '--certs', certs]), { code: 0, stdout: /: 1 lines?/ })
  t.match(await cli(['restore', backup, ...at, '--certs', certs]), { code: 0, stdout: /1 of them there before/ })
  const none = await cli(['backup', join(folder, 'none.ndjson'), ...at, '--certs', join(folder, 'no')])
  t.match(none, { code: 2, stderr: /a file for TLS cannot be read/ })

  const short = ['--deadline', '1500']
  t.match(await ask(...short, 'get', 'a'), { code: 1, stderr: /it may speak TLS, which --certs is for/ })
  rmSync(join(certs, 'client.crt'))
  const withoutOwn = /it demands a certificate of its clients/
  t.match(await ask(...short, '--certs', certs, 'get', 'a'), { code: 1, stderr: withoutOwn })
  const refused = await cli(['backup', join(folder, 'none.ndjson'), ...at, '--certs', certs])
  t.match(refused, { code: 1, stdout: withoutOwn })
  const other = join(folder, 'other')
  await cli(['certs', 'dev', '--out', other, '--nodes', 'n1'])
  t.match(await ask(...short, '--certs', other, 'get', 'a'), { code: 1, stderr: /not signed by our authority/ })
})

t.test('an etcd with users is asked as one of them', etcdOnly, async (t) => {
  const etcd = await guardedEtcd(t)
  const { address, certs, folder } = etcd
  await served(etcd)
  await enableUsers(etcd)
  const password = (name: string, text: string) => {
    writeFileSync(join(folder, name), `${text}\n`, { mode: 0o600 })
    return ['--password-file', join(folder, name)]
  }
  const [right, wrong, root] = [password('right', 'ann’s own'), password('wrong', 'x'), password('root', 'r')]
  const at = ['--engine', 'etcd', '--connect', address, '--certs', certs]
  const ask = (...words: string[]) => cli(['client', ...at, ...words])

  t.match(await ask('--user', 'ann', ...right, 'set', 'a', '2'), { code: 0 })
  t.match(await ask('--user', 'ann', ...right, 'append', 'a', '3'), { code: 0 })
  t.match(await ask('--user', 'ann', ...right, 'get', 'a'), { code: 0, stdout: '23\n' })
  t.match(await ask('--user', 'ann', ...right, 'set', 'c', '1'), { code: 1, stderr: /permission denied/ })
  t.match(await ask('--user', 'ann', ...wrong, 'get', 'a'), { code: 1, stderr: /invalid user ID or password/ })
  t.match(await ask('--user', 'bob', ...wrong, 'set', 'a', '9'), { code: 1, stderr: /invalid user ID or password/ })
  t.match(await ask('--user', 'ann', 'get', 'a'), { code: 2, stderr: /go together/ })
  t.match(await cli(['client', '--user', 'ann', ...right, 'get', 'a']), { code: 2, stderr: /go with --engine etcd/ })

  const backup = join(folder, 'out.ndjson')
  const denied = await cli(['backup', backup, ...at, '--user', 'ann', ...right])
  t.match(denied, { code: 1, stdout: /permission denied/ })
  t.match(await cli(['backup', backup, ...at, '--user', 'root', ...root]), { code: 0 })
  t.match(await cli(['restore', backup, ...at, '--user', 'root', ...root]), { code: 0 })
})

t.test('the reason why there is no connection is a sentence, or left as it is', async (t) => {
  const last = (text: string) => `No connection established. Last error: ${text}. Resolution note: `
  const said = (text: string) => obstacleIn(last(text), {})
  t.equal(said('Error: connect ECONNREFUSED 127.0.0.1:1'), null)
  t.match(said('Failed to connect'), { sentence: /may speak TLS/, stays: false })
  const tls = { ca: 'ca.crt', cert: 'client.crt', key: 'client.key' }
  t.equal(obstacleIn(last('Failed to connect'), { tls }), null)
  t.match(obstacleIn(last('tlsv1 alert unknown ca'), { tls }), { sentence: /refuses our certificate/, stays: true })
  t.match(obstacleIn(last('SSL routines: wrong version number'), { tls }), { sentence: /speaks no TLS/ })
  t.match(obstacleIn(last("Hostname/IP does not match certificate's altnames"), { tls }), { sentence: /another host/ })
})
