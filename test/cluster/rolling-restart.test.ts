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

/** A cluster whose nodes can be restarted, one after another. */
interface Fleet {
  readonly ids: readonly NodeId[]
  address(id: NodeId): string
  restart(siege: Siege, watcher: Client): Promise<void>
}

/** A supervisor restarts its nodes by the fault word. */
async function supervised(t: Test, network: string): Promise<Fleet> {
  const cluster = await new RunningCluster(t, 10, ['--network', network]).ready()
  return {
    ids: cluster.nodes.map(({ id }) => id),
    address: (id) => cluster.node(id).client,
    async restart(_, watcher) {
      const { leader } = await info(watcher)
      const from = cluster.events.length
      await cluster.say('restart all')
      const restarted = () => cluster.events.slice(from).filter(({ event }) => event === 'restarted')
      while (restarted().length < nodes) {
        const seen = cluster.events.length
        const { event, message } = await cluster.event(({ event }) => /^(restarted|refused)$/.test(event), seen)
        if (event === 'refused') throw new Error(String(message))
      }
      t.equal(new Set(restarted().map(({ node }) => node)).size, nodes)
      t.equal(restarted().at(-1)!.node, leader, 'the leader is the last one')
    },
  }
}

/** Nodes on their own, the leader first: each next one may lead by then. */
async function lone(t: Test, network: string): Promise<Fleet> {
  const cluster = await LoneNodes.found(t, 10, nodes, { all: ['--network', network] })
  const ids = cluster.members.map(({ id }) => id)
  return {
    ids,
    address: (id) => cluster.address(id),
    async restart(siege, watcher) {
      const leader = (await info(watcher)).leader!
      for (const id of [leader, ...ids.filter((id) => id !== leader)]) {
        t.equal(await cluster.stop(id), 0, `${id} ends with exit code 0`)
        await siege.served(between)
        const { commit = 0 } = await info(watcher)
        await cluster.start(id)
        await catchUp(watcher, cluster.address(id), commit)
      }
    },
  }
}

async function info(client: Client, at?: string): Promise<Status> {
  const outcome = await client.call({ command: 'info' }, { ...(at !== undefined && { at }), deadlineMs: 60_000 })
  if (outcome.outcome !== 'done') throw new Error(outcome.error.message)
  return outcome.answer.info as Status
}

/** Waits until a node that was away has all that the cluster had committed when it came back. */
async function catchUp(client: Client, at: string, committed: number): Promise<void> {
  for (;;) {
    const { applied, leader } = await info(client, at)
    if (leader !== null && applied >= committed) return
  }
}

async function roll(t: Test, fleet: Fleet): Promise<void> {
  const addresses = fleet.ids.map((id) => fleet.address(id))
  const watcher = new Client({ addresses })
  t.teardown(() => watcher.close())
  const siege = new Siege(addresses, clients, 1, patient)
  t.teardown(() => siege.stop())
  await siege.served(between)
  siege.longestMs = 0
  await fleet.restart(siege, watcher)
  await siege.served(between)
  const { missing, miscounted, history } = await siege.end()
  t.comment(`${siege.counts.done} calls done; the longest took ${Math.round(siege.longestMs)} ms`)
  t.same(siege.lost, [], 'no call is refused, and none is unknown')
  t.same(missing, [], 'every acknowledged write is there')
  t.same(miscounted, [], 'every value that was appended is there once')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
}

for (const network of size(['tcp'] as const, networkNames)) {
  t.test(`${network}: \`restart all\`, the leader last`, async (t) => roll(t, await supervised(t, network)))
  t.test(`${network}: \`node\` processes, the leader first`, async (t) => roll(t, await lone(t, network)))
}
