/** Whole clusters over TLS, as a person starts them: by one word, in the foreground and in the background. */
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { credentials, Client as GrpcClient } from '@grpc/grpc-js'
import t from 'tap'
import { Client } from '../../client/client.js'
import { readClusterFile } from '../../client/cluster/cluster-file.js'
import { clientName, clientTls, placesIn } from '../../client/cluster/tls-places.js'
import { parseAddress } from '../../src/address.js'
import { place } from '../helpers/place.js'
import { cli, RunningCluster } from '../helpers/running.js'

const own = (folder: string) => ({ tls: clientTls(placesIn(folder), [clientName]) })
const raw = (bytes: Buffer) => bytes

/** Asks a node over gRPC whether it is there. */
function ping(address: string, folder: string | null): Promise<unknown> {
  const read = (name: string) => readFileSync(join(folder!, name))
  const secure = folder
    ? credentials.createSsl(read('ca.crt'), read('client.key'), read('client.crt'))
    : credentials.createInsecure()
  const client = new GrpcClient(address, secure)
  return new Promise<unknown>((resolve) =>
    client.makeUnaryRequest('/raftroadmap.NodeService/Ping', raw, raw, Buffer.alloc(0), (error) =>
      resolve(error?.code ?? 'served'),
    ),
  ).finally(() => client.close())
}

t.test('run --tls: the client, the services of gRPC and a node that is added speak TLS, and nobody else', async (t) => {
  const cluster = await new RunningCluster(t, 10, ['--tls', '--nodes', '3', '--app-ports', '--metrics']).ready()
  const { certs } = (await cluster.event(({ event }) => event === 'ready')) as unknown as { certs: string }
  await using client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000, ...own(certs) })
  await client.set('a', '1')
  t.equal(await client.get('a'), '1')
  const { metrics } = cluster.nodes[0] as RunningCluster['nodes'][number] & { metrics: string }
  const text = await (await fetch(`http://${metrics}/metrics`)).text()
  const [, expiry] = /^raft_roadmap_certificate_expiry_timestamp_seconds\{.*\} (\S+)$/m.exec(text) ?? []
  const { validTo } = new X509Certificate(readFileSync(join(certs, 'n1.crt')))
  t.equal(Number(expiry), Date.parse(validTo) / 1_000)
  t.match(await cluster.say('add n4'), { event: 'changed', voters: ['n1', 'n2', 'n3', 'n4'] })
  t.match(await cluster.say('kill n1'), { event: 'killed' })
  t.match(await cluster.say('restart n1'), { event: 'restarted' })
  await client.set('a', '2')
  await using plain = new Client({ addresses: cluster.addresses(), deadlineMs: 500 })
  t.match(await plain.call({ command: 'ping' }), { error: { message: /speaks TLS/ } })
  const asked = await cli(['client', '--connect', cluster.addresses().join(), '--certs', certs, 'get', 'a'])
  t.match(asked, { code: 0, stdout: '2\n' })
  const { host, port } = parseAddress(cluster.node('n2').client)!
  t.equal(await ping(`${host}:${port + 200}`, certs), 'served')
  t.not(await ping(`${host}:${port + 200}`, null), 'served')
  t.equal(cluster.stderr, '')
})

t.test(
  'up --tls over gRPC: all verbs find the certificates, SIGHUP reads them again, and down deletes them',
  async (t) => {
    const { verb, folder, addresses, pidOf } = await place(t, 3, 'network: grpc\n')
    const certs = join(folder, 'data', 'dev.tls')
    t.match(await verb('up', '--tls', '--node', 'n1'), { code: 2, stderr: /for one machine/ })
    t.match(await verb('up', '--tls'), { code: 0, stderr: '' })
    t.equal(statSync(join(certs, 'n1.key')).mode & 0o777, 0o600)
    t.match(await verb('status'), { code: 0 })
    await using client = new Client({ addresses, deadlineMs: 60_000, ...own(certs) })
    await client.set('a', '1')
    const events = () => readFileSync(join(folder, 'data', 'n1.process', 'events.ndjson'), 'utf8')
    const heard = async (event: string) => {
      while (!events().includes(`"event":"${event}"`)) await client.get('a')
    }
    process.kill(pidOf('n1'), 'SIGHUP')
    await heard('certificate_renewed')
    const good = readFileSync(join(certs, 'n1.key'))
    writeFileSync(join(certs, 'n1.key'), readFileSync(join(certs, 'n2.key')))
    process.kill(pidOf('n1'), 'SIGHUP')
    await heard('certificate_kept')
    t.match(events(), /"code":"key_mismatch"/)
    await verb('down', '--node', 'n1')
    t.match(await verb('up'), { code: 2, stderr: /private key .*n1\.key is of another certificate .*\(key_mismatch\)/ })
    writeFileSync(join(certs, 'n1.key'), good)
    t.match(await verb('up'), { code: 0 })
    t.equal(await client.get('a'), '1')
    t.match(await verb('down', '--wipe', '--yes'), { code: 0 })
    t.same(readdirSync(folder), ['cluster.yaml'])
  },
)

t.test('certs dev, and a file that names the certificates', async (t) => {
  const tls = 'tls: { ca: c/ca.crt, cert: "c/{name}.crt", key: "c/{name}.key", clientCertificates: false }\n'
  const { verb, folder, path, addresses } = await place(t, 1, `stage: 9\n${tls}`)
  t.match(readClusterFile(path).tls, { ca: join(folder, 'c', 'ca.crt'), clientCertificates: false })
  t.match(await verb('up', '--found'), { code: 2, stderr: /\(certificate_unreadable\)|cannot be read/ })
  const made = () => cli(['certs', 'dev', '--out', join(folder, 'c'), '--config', path])
  t.match(await made(), { code: 0, stdout: /n1 [\s\S]*client [\s\S]*take them with --certs/ })
  t.match(await made(), { code: 0, stdout: /none was issued/ })
  t.match(await verb('up', '--tls'), { code: 2, stderr: /others are named/ })
  t.match(await verb('up', '--found'), { code: 0 })
  await using client = new Client({ addresses, tls: { ca: join(folder, 'c', 'ca.crt') } })
  await client.set('a', '1')
  t.match(await cli(['certs', 'dev', '--out', folder, '--nodes', 'a.b']), { code: 2, stderr: /a name is 1 to 32/ })
})
