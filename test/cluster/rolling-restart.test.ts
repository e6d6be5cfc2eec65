/** A cluster is restarted node by node under load, each node asked to end (SIGTERM): no client notices more than a pause. */
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import type { NodeId, Status } from '../../src/contracts.js'
import { networkNames } from '../../src/stage.js'
import { size } from '../helpers/effort.js'
import { LoneNodes } from '../helpers/lone-nodes.js'
import { RunningCluster } from '../helpers/running.js'
import { patient, Siege } from '../helpers/siege.js'

const nodes = 5
const clients = 8
/** Calls between two restarts. */
const between = 60

/** A cluster whose nodes can be asked to end, and started again. */
interface Fleet {
  readonly ids: readonly NodeId[]
  address(id: NodeId): string
  stop(id: NodeId): Promise<unknown>
  start(id: NodeId): Promise<unknown>
}

async function supervised(t: Test, network: string): Promise<Fleet> {
  const cluster = await new RunningCluster(t, 10, ['--network', network]).ready()
  return {
    ids: cluster.nodes.map(({ id }) => id),
    address: (id) => cluster.node(id).client,
    stop: (id) => cluster.say(`stop ${id}`),
    start: (id) => cluster.say(`restart ${id}`),
  }
}

async function lone(t: Test, network: string): Promise<Fleet> {
  const cluster = await LoneNodes.found(t, 10, nodes, { all: ['--network', network] })
  return {
    ids: cluster.members.map(({ id }) => id),
    address: (id) => cluster.address(id),
    stop: async (id) => t.equal(await cluster.stop(id), 0, `${id} ends with exit code 0`),
    start: (id) => cluster.start(id),
  }
}

/** Orders in which the nodes are restarted, with the leader of the beginning. */
const orders = {
  'the leader last': (ids: readonly NodeId[], leader: NodeId) => [...ids.filter((id) => id !== leader), leader],
  'the leader first': (ids: readonly NodeId[], leader: NodeId) => [leader, ...ids.filter((id) => id !== leader)],
}

async function info(client: Client, at?: string): Promise<Status> {
  const outcome = await client.call({ command: 'info' }, { ...(at !== undefined && { at }), deadlineMs: 60_000 })
  if (outcome.outcome !== 'done') throw new Error(outcome.error.message)
  return outcome.answer.info as Status
}

/** Waits until a node that was away has all that the cluster had committed when it came back. */
async function catchUp(client: Client, fleet: Fleet, id: NodeId, committed: number): Promise<void> {
  for (;;) {
    const { applied, leader } = await info(client, fleet.address(id))
    if (leader !== null && applied >= committed) return
  }
}

async function roll(t: Test, fleet: Fleet, order: keyof typeof orders): Promise<void> {
  const addresses = fleet.ids.map((id) => fleet.address(id))
  const watcher = new Client({ addresses })
  t.teardown(() => watcher.close())
  const siege = new Siege(addresses, clients, 1, patient)
  t.teardown(() => siege.stop())
  await siege.served(between)
  const { leader } = await info(watcher)
  siege.longestMs = 0
  for (const id of orders[order](fleet.ids, leader!)) {
    await fleet.stop(id)
    await siege.served(between)
    const { commit = 0 } = await info(watcher)
    await fleet.start(id)
    await catchUp(watcher, fleet, id, commit)
  }
  await siege.served(between)
  const { missing, miscounted, history } = await siege.end()
  t.comment(`${siege.counts.done} calls done; the longest took ${Math.round(siege.longestMs)} ms`)
  t.same(siege.lost, [], 'no call is refused, and none is unknown')
  t.same(missing, [], 'every acknowledged write is there')
  t.same(miscounted, [], 'every value that was appended is there once')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
}

for (const network of size(['tcp'] as const, networkNames)) {
  t.test(`${network}: supervised nodes, the leader last`, async (t) =>
    roll(t, await supervised(t, network), 'the leader last'),
  )
  t.test(`${network}: \`node\` processes, the leader first`, async (t) =>
    roll(t, await lone(t, network), 'the leader first'),
  )
}
