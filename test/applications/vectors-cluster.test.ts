/** The vector stores on real processes: over lines, frames, gRPC and the command line, and through a killed leader. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import t, { type Test } from 'tap'
import { encodeVector } from '../../client/applications/vectors/encoding.js'
import { service } from '../../client/applications/vectors/service.js'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import type { Event } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { Cluster, type ClusterOptions } from '../../src/server/cluster.js'
import { defaultPace } from '../../src/server/config.js'
import { root } from '../docs.js'
import { cli } from '../helpers/running.js'

const text = join(root, 'client/applications/vectors/examples/raft.txt')
const host = '127.0.0.1'

async function running(t: Test, options: Partial<ClusterOptions> = {}) {
  const members = localMembers(3, host, await freeBasePort(3, host))
  const events: Event[] = []
  const cluster = new Cluster({
    ...{ stage: 10, cluster: 'words', network: 'grpc', log: 'file', pace: defaultPace, members, isFounded: false },
    entry: fileURLToPath(service.entry),
    choices: { snapshotEntries: 20, snapshotBytes: 20_000 },
    dataDir: t.testdir({}),
    traceDir: null,
    onEvent: (event) => void events.push(event),
    onStderr: (_, text) => t.comment(text),
    ...options,
  })
  t.teardown(() => cluster.stop())
  await cluster.start()
  const addresses = members.map(({ client }) => client)
  const client = new Client({ addresses, deadlineMs: 30_000 })
  t.teardown(() => client.close())
  return { cluster, client, members, events, connect: addresses.join(',') }
}

/** Asks in lines, as a person with `nc` does. */
async function inLines(address: string, lines: readonly string[]): Promise<unknown[]> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  await once(socket, 'connect')
  socket.write(lines.map((line) => `${line}\n`).join(''))
  const answers: unknown[] = []
  for await (const line of createInterface({ input: socket })) {
    answers.push(JSON.parse(line))
    if (answers.length === lines.length) break
  }
  socket.destroy()
  return answers
}

type Reply = Record<string, unknown>

/** Anybody's gRPC client: it has the `.proto` files, and nothing of ours. */
function grpcClient(t: Test, address: string) {
  const includeDirs = [join(root, 'stages'), join(root, 'client/applications/vectors')]
  const definition = loadPackageDefinition(
    loadSync('vectors.proto', { includeDirs, keepCase: true, defaults: true, longs: Number }),
  )
  const { VectorService } = definition.raftroadmap as Record<string, ServiceClientConstructor>
  const client = new VectorService!(address, credentials.createInsecure())
  t.teardown(() => client.close())
  return (rpc: string, request: object) =>
    new Promise<Reply>((resolve, reject) => {
      const call = (client as unknown as Record<string, (...args: unknown[]) => void>)[rpc]!.bind(client)
      call(request, { deadline: Date.now() + 30_000 }, (error: Error | null, reply: Reply) =>
        error ? reject(error) : resolve(reply),
      )
    })
}

const idsIn = (stdout: string) => stdout.split('\n').flatMap((line) => line.split('  ')[1] ?? [])

t.test('lines of a text are found by their words, also after the leader was killed', async (t) => {
  const { cluster, client, connect } = await running(t)
  const loaded = await cli(['vectors', 'load', 'docs', text, '--connect', connect])
  t.match(loaded, { code: 0, stdout: /^20 lines of .*raft\.txt are in the store docs\n$/, stderr: '' })
  const ask = (...words: string[]) => cli(['vectors', 'nearest', 'docs', ...words, '--connect', connect])
  const bananas = await ask('ripe banana', '--k', '1')
  t.same(idsIn(bananas.stdout), ['raft.txt:19'], bananas.stderr)
  const votes = await ask('who has voted for the leader?')
  t.equal(idsIn(votes.stdout)[0], 'raft.txt:1')

  const leader = (await cluster.statuses()).find(({ role }) => role === 'leader')!.id
  await cluster.faults.kill(leader)
  t.same((await ask('who has voted for the leader?')).stdout, votes.stdout, 'the same lines')
  const set = { command: 'set', store: 'docs', items: [{ id: 'new', vector: new Array(256).fill(1) }] }
  t.match(await client.call(set), { outcome: 'done', answer: { added: 1 } })
  const stale = await ask('ripe banana', '--k', '1', '--consistency', 'stale', '--json', '--where', 'file=raft.txt')
  t.match(JSON.parse(stale.stdout), { ok: true, items: [{ id: 'raft.txt:19' }], index: Number })

  await cluster.faults.restart(leader)
  await cluster.ready(30_000)
  const entries = async () => (await cluster.look()).map((one) => JSON.stringify(one.entries))
  while (new Set(await entries()).size > 1) await cluster.settled()
  t.equal((await entries()).length, 3, 'three replicas that hold the same')
  for (const [words, code, message] of [
    [['nearest', 'nowhere', 'x'], 2, /there is no store "nowhere"/],
    [['nearest', 'docs'], 2, /either a text or --vector/],
    [['nearest', 'docs', '--vector', '1,2'], 1, /wrong_dimension/],
    [['load', 'docs', 'no such file'], 2, /cannot read no such file/],
    [['load', 'docs', text, '--dimension', '8'], 2, /create_store is refused: the store "docs" is there, with vectors/],
    [['nonsense'], 2, /nonsense/],
  ] as const)
    t.match(await cli(['vectors', ...words, ...(words.length > 1 ? ['--connect', connect] : [])]), {
      code,
      stderr: message,
    })
})

t.test('the same answers over lines, frames and gRPC', async (t) => {
  const { client, members } = await running(t)
  const leader = members[0]!
  const grpc = grpcClient(t, leader.peer)
  const one = encodeVector(Float32Array.of(1, 0))
  const two = Buffer.from(encodeVector(Float32Array.of(0, 2)), 'base64')
  t.match(await client.call({ command: 'create_store', store: 'docs', dimension: 2 }), { answer: { created: true } })
  t.same(await inLines(leader.client, ['{"command":"set","store":"docs","items":[{"id":"a","vector":[1,0]}]}']), [
    { ok: true, added: 1, replaced: 0 },
  ])
  const items = [{ id: 'b', vector: two, metadata: { lang: 'en' } }]
  t.match(await grpc('Set', { store: 'docs', items }), { added: 1 })
  t.match(await grpc('Get', { store: 'docs', ids: ['b', 'a', 'c'] }), {
    items: [
      { id: 'b', vector: two, metadata: { lang: 'en' } },
      { id: 'a', vector: Buffer.from(one, 'base64'), metadata: {} },
    ],
  })
  t.match(await grpc('ListStores', {}), { stores: [{ store: 'docs', dimension: 2 }] })
  const question = { store: 'docs', k: 2, metric: 'euclidean' }
  const answer = {
    items: [
      { id: 'b', distance: 1 },
      { id: 'a', distance: Math.SQRT2 },
    ],
  }
  t.match(await client.call({ command: 'nearest', vector: [0, 1], ...question }), { outcome: 'done', answer })
  const vector = Buffer.from(encodeVector(Float32Array.of(0, 1)), 'base64')
  t.match(await grpc('Nearest', { vector, ...question }), answer)
  t.match(await grpc('Nearest', { vector, ...question, where: { lang: 'en' } }), { items: [{ id: 'b' }] })
  t.match(await grpc('Nearest', { vector: vector.subarray(1), ...question }), {
    error: { code: 'bad_request', message: /"vector" must be base64 of float32/, definite: true },
  })
  t.match(await grpc('Nearest', { ...question, store: 'none', vector }), {
    error: { code: 'no_such_store', message: 'there is no store "none"', definite: true },
  })
  t.match(await grpc('Delete', { store: 'docs' }), {
    error: { code: 'bad_request', message: /either "ids" or "where"/ },
  })
  t.match(await grpc('Delete', { store: 'docs', where: { lang: 'en' } }), { deleted: 1 })
  t.match(await client.call({ command: 'set', key: 'a', value: '1' }), { error: { code: 'bad_request' } })
  t.match(await client.call({ command: 'cas', key: 'a', value: '1' }), { error: { code: 'unknown_command' } })
})

/** A node of the key-value store, in a cluster that is called the same. */
function keyValueNode(t: Test, options: Pick<ClusterOptions, 'members' | 'dataDir'> & Partial<ClusterOptions>) {
  const cluster = new Cluster({
    ...{ stage: 10, cluster: 'words', network: 'tcp', log: 'file', pace: defaultPace, isFounded: true },
    entry: fileURLToPath(new URL('../../client/node-entry.js', import.meta.url)),
    traceDir: null,
    onEvent: () => {},
    onStderr: (_, text) => t.comment(text),
    ...options,
  })
  t.teardown(() => cluster.stop())
  return cluster
}

const says = (words: RegExp) => (event: Event) => words.test(JSON.stringify(event))

t.test('a node of another application is refused by name, and its folder too', async (t) => {
  const dataDir = t.testdir({ vectors: {}, other: {} })
  const { cluster, members, events } = await running(t, { network: 'tcp', dataDir: join(dataDir, 'vectors') })
  const [own] = localMembers(1, host, await freeBasePort(1, host))
  const refused = new Promise<Event>((resolve) =>
    cluster.subscribe((event) => says(/belongs to the cluster ..words/)(event) && resolve(event)),
  )
  const stranger = keyValueNode(t, {
    members: [{ ...own!, id: 'n9' }],
    membersOf: () => [{ ...own!, id: 'n9' }, ...members.slice(0, 2)],
    isFounded: false,
    dataDir: join(dataDir, 'other'),
  })
  const started = stranger.start().catch(() => {})
  t.ok(await refused, 'its connection')
  await stranger.stop()
  await started
  t.notOk(events.some(says(/vectors:vectors/)))

  await cluster.stop()
  const heard: Event[] = []
  const onEvent = (event: Event) => void heard.push(event)
  const thief = keyValueNode(t, { members: members.slice(0, 1), dataDir: join(dataDir, 'vectors'), onEvent })
  await thief.start().catch(() => {})
  const why = /folder_refused.*belongs to node n1 of cluster vectors:words, not to node n1 of cluster words/
  t.ok(heard.some(says(why)), 'its folder')
})
