import { fileURLToPath } from 'node:url'
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.js'
import { defaultTiming, limits, type Member } from '../../src/contracts.js'
import { GrpcNetwork } from '../../src/network/grpc.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { Node } from '../../src/node.js'
import stage from '../../stages/3-protobuf-rpc/stage.js'
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
        ...{ self: id, members, cluster: 'test', isOpen: false, codec: protobufCodec(stage), ...world, notice },
        ask: (command, answer) => node.ask(command, answer),
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

/** What anybody's client is made of: the .proto file, and nothing of ours. */
function genericClient(t: Test, address: string): Call {
  const file = fileURLToPath(new URL('../../../stages/3-protobuf-rpc/app.proto', import.meta.url))
  const { AppService } = loadPackageDefinition(loadSync(file)).raftroadmap as Record<string, ServiceClientConstructor>
  const client = new AppService!(address, credentials.createInsecure()) as Client
  t.teardown(() => client.close())
  const rpcs = client as unknown as Record<string, (...args: unknown[]) => void>
  return (rpc, request = {}) =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000
      rpcs[rpc]!(request, { deadline }, (error: Error | null, reply: Reply) => (error ? reject(error) : resolve(reply)))
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
    ['AddNode', { node: 'n4' }, 'unknown_command'],
    ['RemoveNode', { node: 'n3' }, 'unknown_command'],
    ['Reconfigure', { voters: ['n1'] }, 'unknown_command'],
    ['TransferLeader', {}, 'unknown_command'],
  ]
  for (const [rpc, request, code] of refusals) {
    t.match(await leader(rpc, request), { error: { code, definite: true } }, rpc)
  }
})
