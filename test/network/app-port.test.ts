/** The services of gRPC on a port of their own, asked by a client that knows nothing but what reflection tells it. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { Metadata } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { parseAddress } from '../../src/address.js'
import { askSchema } from '../../src/network/ask-schema.js'
import { Protos } from '../../src/network/grpc-protos.js'
import { stages } from '../../stages/index.js'
import { schemas } from '../../stages/schemas.js'
import { counting } from '../counter/counter.js'
import { HealthClient } from '../helpers/health-client.js'
import { LoneNodes } from '../helpers/lone-nodes.js'
import { place } from '../helpers/place.js'
import { ReflectingClient } from '../helpers/reflecting-client.js'
import { RunningCluster } from '../helpers/running.js'

type Fields = Record<string, unknown>

interface Descriptor {
  readonly field: readonly { name: string; number: number; oneofIndex?: number; proto3Optional?: boolean }[]
}

/** The numbers of the fields of a message, by their names. */
function numbersOf(stage: (typeof stages)[number], message: 'Request' | 'Reply'): Record<string, number> {
  const { type } = askSchema({ stage }, schemas)[`raftroadmap.${message}`] as unknown as { type: Descriptor }
  return Object.fromEntries(type.field.map(({ name, number }) => [name, number]))
}

/** Numbers that clients may have compiled in. */
const recorded = {
  ...{ id: 1, session: 2, sequence: 3, firstOutstanding: 4, consistency: 5, atLeast: 6, withIndex: 7, forward: 8 },
  ...{ prevLogIndex: 9, prevLogTerm: 10 },
  ...{ info: 16, ping: 17, add_node: 18, remove_node: 19, reconfigure: 20, cancel_change: 21, found_cluster: 22 },
  ...{ members: 23, open_session: 24, promote: 25, demote: 26, transfer_leader: 27 },
  ...{ get: 128, set: 129, delete: 130, append: 131, cas: 132, scan: 133 },
}

t.test('a request, and a reply, has every command of its stage, by a number that later stages keep', async (t) => {
  for (const stage of [...stages, counting]) {
    const definitions = askSchema({ stage }, schemas)
    const protos = new Protos(definitions)
    const names = Object.keys(stage.commands).sort()
    for (const message of ['Request', 'Reply']) {
      const { fields, choice } = protos.message(message)
      t.same(
        fields.flatMap(({ name, type }) => (type === 'TYPE_MESSAGE' && name !== 'error' ? [name] : [])).sort(),
        names,
      )
      t.equal(choice, message === 'Request' ? 'command' : 'answer')
    }
    const streams = protos.services.flatMap((service) =>
      Object.values(service).filter(({ requestStream }) => requestStream),
    )
    t.same(
      streams.map(({ path }) => path.split('/').at(-1)),
      ['Ask'],
    )
  }
  for (const message of ['Request', 'Reply'] as const) {
    const last = numbersOf(stages.at(-1)!, message)
    for (const stage of stages) t.match(last, numbersOf(stage, message), `stage ${stage.number}`)
  }
  t.match(numbersOf(stages.at(-1)!, 'Request'), recorded, 'numbers are for good')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** One node, whose services of gRPC have a port of their own. */
async function node(t: Test, stage: number, options: readonly string[] = []) {
  const port = await freePort()
  const nodes = await LoneNodes.found(t, stage, 1, { n1: ['--app-port', String(port), ...options] })
  return { nodes, client: await ReflectingClient.connect(t, `127.0.0.1:${port}`) }
}

/** Sends requests on one stream, and reads as many replies. */
async function asked(client: ReflectingClient, requests: readonly Fields[]): Promise<Fields[]> {
  const stream = client.stream('Ask')
  const replies: Fields[] = []
  stream.on('data', (reply: Fields) => replies.push(reply))
  for (const request of requests) stream.write(request)
  stream.end()
  await once(stream, 'end')
  return replies.sort((a, b) => Number(a.id) - Number(b.id))
}

t.test('single calls, over a tcp cluster of stage 10', async (t) => {
  const { client, nodes } = await node(t, 10)
  t.match(
    nodes.events.find(({ event }) => event === 'serving'),
    { app: /^127\.0\.0\.1:\d+$/ },
  )
  t.same([...client.services].sort(), [
    'raftroadmap.AppService',
    'raftroadmap.BackupService',
    'raftroadmap.HandoverService',
    'raftroadmap.MembershipService',
    'raftroadmap.NodeService',
    'raftroadmap.SessionService',
  ])
  t.match(await client.call('Set', { key: 'a', value: '1' }), { error: { code: 'no_leader', definite: true } })
  t.match(await client.call('FoundCluster'), { voters: ['n1'] })
  t.same(await client.call('Set', { key: 'a', value: '1' }), {})
  t.match(await client.call('Get', { key: 'a' }), { value: '1' })
  t.match(await client.call('Members'), { members: [{ id: 'n1', role: 'voter' }], leader: 'n1' })
  t.match(await client.call('AddNode', { node: 'n1', client: 'x', peer: 'y' }), { error: { code: 'bad_request' } })
  t.match(await client.call('AddNode', { node: 'n2', client: 'a:1', peer: 'a:2', role: 'boss' }), {
    error: { code: 'bad_request', message: /"role" must be "learner"/ },
  })
  t.match(await client.call('Promote', { node: 'n9' }), { error: { code: 'bad_request', message: /n9 is no member/ } })
  t.match(await client.call('Demote', { node: 'n1' }), {
    error: { code: 'bad_request', message: /one voter at least/ },
  })
  t.match(await client.call('TransferLeader'), { error: { code: 'transfer_failed' } })
  const stale = new Metadata()
  stale.set('consistency', 'stale')
  t.match(await client.call('Get', { key: 'a' }, stale), { value: '1' })
})

t.test('a stream of requests, each with a command of its own', async (t) => {
  const { client } = await node(t, 10)
  await client.call('FoundCluster')
  await client.call('Set', { key: 'a', value: '1' })
  const replies = await asked(client, [
    { id: 1, set: { key: 'b', value: 'x' }, withIndex: true },
    { id: 2, cas: { key: 'nobody', expected: 'y', value: 'z' } },
    { id: 3, get: { key: 'a' }, consistency: 'stale' },
    { id: 4, members: {} },
    { id: 5, open_session: {} },
    { id: 6 },
    { id: 7, set: { key: '', value: '' } },
    { id: 8, get: { key: 'a' }, consistency: 'fresh' },
  ])
  t.match(replies, [
    { id: 1, answer: 'set', index: Number, set: {} },
    { id: 2, cas: { error: { code: 'cas_mismatch', definite: true } } },
    { id: 3, get: { value: '1' } },
    { id: 4, members: { members: [{ id: 'n1' }] } },
    { id: 5, open_session: { session: Number } },
    { id: 6, error: { code: 'bad_request', message: /one command/ } },
    { id: 7, set: { error: { code: 'bad_request' } } },
    { id: 8, get: { error: { code: 'bad_request', message: /"consistency" must be/ } } },
  ])
  const session = (replies[4]!.open_session as { session: number }).session
  const twice = { session, sequence: 1, firstOutstanding: 1, append: { key: 'b', value: 'y' } }
  t.match(await asked(client, [{ id: 1, ...twice }]), [{ append: { length: 2 } }])
  t.match(await asked(client, [{ id: 2, ...twice }]), [{ append: { length: 2 } }], 'once, though it was asked twice')
})

t.test('more requests than a stream may have waiting are all answered', async (t) => {
  const { client } = await node(t, 10)
  await client.call('FoundCluster')
  const requests = Array.from({ length: 5_000 }, (_, id) => ({ id, set: { key: `k${id % 7}`, value: String(id) } }))
  const replies = await asked(client, requests)
  t.same(
    replies.map(({ id, answer }) => [id, answer]),
    requests.map(({ id }) => [id, 'set']),
  )
})

t.test('health follows the leader; stages without one are healthy', async (t) => {
  const { client, nodes } = await node(t, 10)
  const late = new HealthClient(t, String(nodes.events.find(({ event }) => event === 'serving')!.app))
  t.equal(await late.check(), 'NOT_SERVING')
  await client.call('FoundCluster')
  await late.until('SERVING')
  const { path, verb } = await place(t, 1, 'stage: 0\nnetwork: udp\n')
  const port = await freePort()
  writeFileSync(path, readFileSync(path, 'utf8').replace(' }', `, appPort: ${port} }`))
  t.match(await verb('up'), { code: 0 })
  const zero = `127.0.0.1:${port}`
  await new HealthClient(t, zero).until('SERVING')
  const plain = await ReflectingClient.connect(t, zero)
  t.same(await plain.call('Set', { key: 'a', value: '1' }), {})
  t.match(await asked(plain, [{ id: 1, get: { key: 'a' } }]), [{ id: 1, get: { value: '1' } }])
})

t.test('run opens one for each node, above its port for clients', async (t) => {
  const cluster = new RunningCluster(t, 6, ['--nodes', '2', '--app-ports'])
  const { nodes } = await cluster.event(({ event }) => event === 'ready')
  for (const { client } of nodes as { client: string }[]) {
    const { host, port } = parseAddress(client)!
    await new HealthClient(t, `${host}:${port + 200}`).until('SERVING')
  }
})
