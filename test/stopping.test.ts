/** A leader that is asked to end hands over first, where its stage can do that. */
import t from 'tap'
import { SimulatedCluster } from '../src/proof/simulation/cluster.js'
import { latest } from '../stages/index.js'

const electionMs = 1_000
const drainMs = 1_000

async function led(events: string[] = []) {
  const cluster = await SimulatedCluster.start({
    stage: latest,
    seed: 1,
    trace: ({ event }) => void events.push(event),
  })
  await cluster.pass(electionMs)
  return { cluster, leader: cluster.leader()!.id }
}

t.test('a leader that is asked to end hands over, and nobody waits for an election time-out', async (t) => {
  const events: string[] = []
  const { cluster, leader } = await led(events)
  events.length = 0
  const began = cluster.now
  cluster.stop(leader)
  t.ok(await cluster.until(() => cluster.host(leader).condition === 'dead', electionMs))
  t.not(cluster.leader()!.id, leader)
  t.ok(cluster.now - began < electionMs)
  t.notOk(events.includes('pre_vote'))
})

t.test('a leader that is being stopped waits for no successor once it has died', async (t) => {
  const { cluster, leader } = await led()
  for (const { id } of cluster.hosts) if (id !== leader) cluster.kill(id)
  const { node } = cluster.host(leader)
  let isOver = false
  const stopped = node!.stop(drainMs).then(() => {
    isOver = true
  })
  await cluster.pass(100)
  t.notOk(isOver, 'it waits')
  node!.kill()
  await stopped
  t.ok(isOver)
})

t.test('the last leader of a cluster that ends waits for no successor', async (t) => {
  const { cluster, leader } = await led()
  const { node } = cluster.host(leader)
  await node!.stop(drainMs, { isLast: true })
  t.equal(node!.status.role, 'leader')
})
