import t from 'tap'
import { SimulatedCluster } from '../src/proof/simulation/cluster.js'
import { stages } from '../stages/index.js'

t.test('a dead node can be given an empty disk; one that runs keeps its own', async (t) => {
  const cluster = await SimulatedCluster.start({ stage: stages[4]!, seed: 1 })
  await cluster.pass(100)
  cluster.ask('n1', { command: 'set', key: 'a', value: '1' }, () => {})
  await cluster.pass(100)
  const last = () => cluster.host('n5').node?.status.log?.last
  const returned = async () => {
    cluster.kill('n5')
    cluster.wipe('n5')
    cluster.split(['n5'])
    cluster.restart('n5')
    await cluster.pass(100)
  }
  cluster.wipe('n5')
  t.ok(last()! > 0)
  await returned()
  t.equal(last(), 0, 'it remembers nothing')
  cluster.heal()
  cluster.ask('n1', { command: 'set', key: 'a', value: '2' }, () => {})
  await cluster.pass(1_000)
  t.same([...cluster.host('n5').contents()], [['a', '2']], 'and is told everything anew')
})
