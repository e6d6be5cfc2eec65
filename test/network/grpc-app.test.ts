import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Ask } from '../../src/contracts.js'
import {
  type Answer,
  type Argument,
  type Command,
  defaultTiming,
  failure,
  limits,
  type Member,
} from '../../src/contracts.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import { type CallGate, clientProtos, clientServices, commandOfRpc } from '../../src/network/grpc-app.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { loadProtos, Protos } from '../../src/network/grpc-protos.js'
import { Node } from '../../src/node.js'
import stage from '../../stages/3-protobuf-rpc/stage.js'
import { latest, stages } from '../../stages/index.js'
import { schemas } from '../../stages/schemas.js'
import { counting } from '../counter/counter.js'
import { members as freeMembers } from './peers.js'

/** Three nodes of stage 3, linked, in this process. */
async function cluster(t: Test): Promise<Member[]> {
  const members = await freeMembers(3)
  let links = 0
  await new Promise<void>((resolve) => {
    for (const { id } of members) {
      const notice = ({ event }: { event: string }) => {
        if (event === 'link_up' && ++links === 6) resolve()
      }
      const world = { clock: systemClock, random: systemRandom }
      const network = new GrpcNetwork({
        ...{
          self: id,
          members,
          cluster: 'test',
          isOpen: false,
          electionMs: 1_000,
          codec: protobufCodec(stage, schemas),
          ...world,
          notice,
        },
        schemas,
        served: { stage, ask: (command, answer) => node.ask(command, answer) },
      })
      const node = new Node(
        stage,
        { id, members, random: systemRandom, timing: defaultTiming, bootstrap: false, about: {} },
        {
          network,
          machine: stage.application.machine,
          ...world,
          notice,
          fatal: (error) => t.fail(error),
        },
      )
      t.teardown(() => node.stop(0))
      void node.start()
    }
  })
  return members
}

type Reply = Record<string, unknown>
type Call = (rpc: string, request?: object) => Promise<Reply>

/** What anybody's client is made of: the .proto files, and nothing of ours. */
function genericClient(t: Test, address: string): Call {
  const stagesFolder = fileURLToPath(new URL('../../../stages/', import.meta.url))
  const files = ['0-key-value-store/key-value.proto', '3-protobuf-rpc/node.proto']
  const definition = loadPackageDefinition(loadSync(files, { includeDirs: [stagesFolder] }))
  const { AppService, NodeService } = definition.raftroadmap as Record<string, ServiceClientConstructor>
  const clients = [AppService!, NodeService!].map((service) => new service(address, credentials.createInsecure()))
  t.teardown(() => clients.forEach((client) => void client.close()))
  return (rpc, request = {}) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000
      const client = clients.find((one) => rpc in one) as unknown as Record<string, (...args: unknown[]) => void>
      client[rpc]!(request, { deadline }, (error: Error | null, reply: Reply) =>
        error ? reject(error) : resolve(reply),
      )
    })
}

t.test('a generic gRPC client sets and gets, and is told why not', async (t) => {
  const members = await cluster(t)
  const [leader, follower] = [genericClient(t, members[0]!.peer), genericClient(t, members[1]!.peer)]

  t.same(await leader('Ping'), {})
  t.same(await leader('Set', { key: 'a', value: '1' }), {})
  t.same(await leader('Get', { key: 'a' }), { value: '1' })
  t.same(await leader('Get', { key: 'nobody' }), {}, 'absent is left out')
  t.same(await leader('Set', { key: 'empty' }), {})
  t.same(await leader('Get', { key: 'empty' }), { value: '' }, 'empty is there')
  t.match(await leader('Append', { key: 'a', value: '2' }), { length: 2 })
  t.same(await leader('Cas', { key: 'new', value: 'x' }), {}, 'nothing expected: the key must be absent')
  t.match(await leader('Cas', { key: 'a', value: 'x' }), {
    error: { code: 'cas_mismatch', definite: true, actual: '12' },
  })
  const mismatch = await leader('Cas', { key: 'nobody', expected: '', value: 'x' })
  t.match(mismatch, { error: { code: 'cas_mismatch' } })
  t.notOk('actual' in (mismatch.error as object), 'it expected an empty value, and the key is absent')
  t.same(await leader('Delete', { key: 'new' }), { existed: true })
  t.match(await leader('Scan', { limit: 1 }), { entries: [{ key: 'a', value: '12' }], more: true })
  t.match(await leader('Scan', { after: 'a' }), { entries: [{ key: 'empty', value: '' }] })
  const { page } = await leader('Scan', { limit: 1 })
  t.same(await leader('Scan', { page }), { entries: [{ key: 'empty', value: '' }], more: false })
  t.match(await leader('Scan', { page: '' }), { error: { code: 'bad_request' } })
  t.match(await leader('Scan', { page: 'x.1-0-a' }), { error: { code: 'compacted', definite: true } })
  const info = await leader('Info')
  t.match(info, { id: 'n1', role: 'leader', leader: 'n1', peers: ['n2', 'n3'] })
  t.match(JSON.parse(info.json as string), { stage: 3, role: 'leader' })

  t.match(await follower('Set', { key: 'a', value: '2' }), {
    error: { code: 'not_leader', message: 'n1 leads: ask there', definite: true, leader: 'n1', address: '127.0.0.1:1' },
  })
  const refusals: [string, object, string][] = [
    ['Get', {}, 'bad_request'],
    ['Set', { key: 'k', value: 'x'.repeat(limits.valueBytes + 1) }, 'too_large'],
    ['Scan', { limit: 0 }, 'bad_request'],
  ]
  for (const [rpc, request, code] of refusals) {
    t.match(await leader(rpc, request), { error: { code, definite: true } }, rpc)
  }
})

const messageName = (type: unknown) => ((type as MessageTypeDefinition<object, object>).type as { name: string }).name

/** What a person types, as protobuf has it. A number that may pass 2^32, such as a byte of a file, has 64 bits. */
const typeOf: Readonly<Record<Argument['kind'], string>> = {
  text: 'TYPE_STRING',
  'text or null': 'TYPE_STRING',
  number: 'TYPE_UINT',
  flag: 'TYPE_BOOL',
  names: 'TYPE_STRING',
  json: 'TYPE_MESSAGE',
}

for (const stage of [...stages, counting])
  t.test(
    `${stage.title} of the ${stage.application.name}: there is an rpc for every command, with its fields, and no other`,
    async (t) => {
      const protos = new Protos(loadProtos(schemas, clientProtos(stage, schemas)))
      const rpcs = protos.services.flatMap((service) => Object.entries(service))
      t.same(rpcs.map(([rpc]) => commandOfRpc(rpc)).sort(), Object.keys(stage.commands).sort())
      for (const [rpc, { requestType, responseType }] of rpcs) {
        const { takes } = stage.commands[commandOfRpc(rpc)]!
        const [request, reply] = [requestType, responseType].map((type) => protos.message(messageName(type)))
        t.same(
          request!.fields.map(({ name, type, isRepeated, isOptional }) => ({
            ...{ name, isRepeated, isOptional },
            type: type.replace(/^TYPE_UINT(32|64)$/, 'TYPE_UINT'),
          })),
          takes.map(({ name, kind, optional }) => {
            const isRepeated = kind === 'names'
            const isOptional = kind === 'text or null' || (optional && !isRepeated)
            return { name, type: typeOf[kind], isRepeated, isOptional }
          }),
          rpc,
        )
        t.match(reply!.fields[0], { name: 'error', typeName: 'Error' }, `${rpc} can be refused`)
      }
    },
  )

type Beside = Readonly<Record<string, string>>

/**
 * The request that a stage's node hears, with metadata beside it, and the answer as it looks at the other end, with the
 * metadata beside that.
 */
async function asked(
  rpc: string,
  request: object,
  answer: object,
  given: Beside | Metadata = {},
): Promise<[heard: unknown, reply: unknown, beside: Beside]> {
  let heard: unknown
  const ask: Ask = (command, tell) => {
    heard = command
    tell(answer as Answer)
  }
  const gate: CallGate = { admit: () => null, answer: (_, told) => told }
  const services = clientServices({ ask, stage: latest }, schemas, gate)
  const [definition, handlers] = services.find(([methods]) => rpc in methods)!
  const method = definition[rpc]!
  const metadata = given instanceof Metadata ? given : new Metadata()
  if (!(given instanceof Metadata)) for (const [name, value] of Object.entries(given)) metadata.set(name, value)
  const call = { request: method.requestSerialize(request), getPeer: () => 'somebody', metadata }
  const [reply, beside] = await new Promise<[object, Beside]>((resolve) => {
    const respond = (_: unknown, told: object, trailer?: Metadata) =>
      resolve([told, (trailer?.getMap() ?? {}) as Beside])
    ;(handlers[rpc] as (call: unknown, respond: unknown) => void)(call, respond)
  })
  return [heard, plainOf(method.responseDeserialize(method.responseSerialize(reply))), beside]
}

const plainOf = (reply: unknown) => JSON.parse(JSON.stringify(reply)) as unknown

t.test('members are asked and changed over gRPC as on the JSON port', async (t) => {
  const n4 = { node: 'n4', client: 'h:1', peer: 'h:2' }
  const calls: [string, object, object][] = [
    ['AddNode', n4, { command: 'add_node', ...n4 }],
    ['AddNode', { ...n4, force: true }, { command: 'add_node', ...n4, force: true }],
    ['AddNode', { ...n4, force: false }, { command: 'add_node', ...n4 }],
    ['RemoveNode', { node: 'n4' }, { command: 'remove_node', node: 'n4' }],
    ['Reconfigure', { voters: ['n1', 'n2'] }, { command: 'reconfigure', voters: ['n1', 'n2'] }],
    ['CancelChange', {}, { command: 'cancel_change' }],
    ['FoundCluster', {}, { command: 'found_cluster' }],
    ['FoundCluster', { members: ['n2=h:1/h:2'] }, { command: 'found_cluster', members: ['n2=h:1/h:2'] }],
  ]
  for (const [rpc, request, command] of calls) {
    const [heard, reply] = await asked(rpc, request, { ok: true, voters: ['n1', 'n4'] })
    t.same(heard, command)
    t.ok(latest.commands[(command as Command).command]!.check(command).ok, 'a node takes it')
    t.match(reply, { voters: ['n1', 'n4'] })
  }
  const members = [
    { id: 'n1', client: 'h:3', peer: 'h:4', role: 'voter' },
    { id: 'n4', client: 'h:1', peer: 'h:2', role: 'learner', disk: 'older' },
  ]
  const [heard, reply] = await asked('Members', {}, { ok: true, members, leader: null })
  t.same(heard, { command: 'members' })
  t.match(reply, { members })
  const [, refused] = await asked('RemoveNode', { node: 'n9' }, failure('bad_request', 'n9 is no member'))
  t.match(refused, { error: { code: 'bad_request', definite: true } })
})

t.test('what stands beside a command and beside an answer is metadata', async (t) => {
  const write = { session: '7', sequence: '3', 'first-outstanding': '2', 'with-index': 'true' }
  const append = { command: 'append', key: 'a', value: 'x' }
  const [heard, reply, beside] = await asked('Append', append, { ok: true, length: 1, index: 12 }, write)
  t.same(heard, { ...append, session: 7, sequence: 3, firstOutstanding: 2, withIndex: true })
  t.match(reply, { length: 1 })
  t.same(beside, { index: '12' })

  const read = { consistency: 'stale', 'at-least': '12' }
  const [asks, value, age] = await asked('Get', { key: 'a' }, { ok: true, value: 'x', index: 12, ageMs: 40 }, read)
  t.same(asks, { command: 'get', key: 'a', consistency: 'stale', atLeast: 12 })
  t.match(value, { value: 'x' })
  t.same(age, { index: '12', 'age-ms': '40' })
  const [, opened] = await asked('OpenSession', {}, { ok: true, session: 6 })
  t.match(opened, { session: 6 })
})

t.test('metadata that is wrong meets the check that a line meets', async (t) => {
  const problemWith = async (rpc: string, request: object, given: Beside | Metadata) => {
    const [heard] = await asked(rpc, request, { ok: true }, given)
    const { command } = heard as Command
    return latest.commands[command]!.check(heard as object)
  }
  const set = { key: 'a', value: '1' }
  const twice = new Metadata()
  for (const number of ['1', '2']) twice.add('session', number)
  twice.set('sequence', '1')
  const cases: [string, object, Beside | Metadata, RegExp][] = [
    ['Set', set, { session: '7' }, /"session" and "sequence" go together/],
    ['Set', set, { session: 'x', sequence: '1' }, /"session" must be a whole number/],
    ['Set', set, { session: '-7', sequence: '1' }, /"session" must be a whole number/],
    ['Set', set, { session: '1e3', sequence: '1' }, /"session" must be a whole number/],
    ['Set', set, { session: '9007199254740993', sequence: '1' }, /"session" must be a whole number/],
    ['Set', set, { 'with-index': 'yes' }, /"withIndex" must be true/],
    ['Set', set, twice, /"session" must be a whole number/],
    ['Set', set, { consistency: 'stale' }, /no field "consistency"/],
    ['Get', { key: 'a' }, { consistency: 'fresh' }, /"consistency" must be/],
    ['Get', { key: 'a' }, { session: '7', sequence: '1' }, /no field "se/],
    ['Ping', {}, { session: '7' }, /no field "session"/],
  ]
  for (const [rpc, request, given, message] of cases)
    t.match(await problemWith(rpc, request, given), { ok: false, error: { code: 'bad_request', message } })
})

t.test('an rpc without a command is found when the node starts', async (t) => {
  const { get: _, ...commands } = latest.commands
  const stage = { ...latest, commands }
  t.throws(
    () => clientServices({ ask: () => {}, stage }, schemas, { admit: () => null, answer: (_, told) => told }),
    /an rpc for the command get, which there is not/,
  )
})
