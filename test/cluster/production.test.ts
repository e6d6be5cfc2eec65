/** Options of stage 10, on real processes: a preferred leader, and reads by a lease. */
import t from 'tap'
import { Client } from '../../client/client.js'
import { size } from '../helpers/effort.js'
import { LoneNodes } from '../helpers/lone-nodes.js'
import { RunningCluster } from '../helpers/running.js'
import { patient, Siege } from '../helpers/siege.js'
import { agree, largestOf, piecesOf, z3Only } from '../helpers/smt.js'

t.test('a preferred node leads again when it is back, and nobody waits for an election time-out', async (t) => {
  const cluster = await LoneNodes.found(t, 10, 3, { n3: ['--priority', '1'] })
  await using client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  /** What happens until n3 leads. */
  const untilLed = async (from: number) => {
    const elected = await cluster.event(({ event, node }) => event === 'elected' && node === 'n3', from)
    return cluster.events.slice(from, cluster.events.indexOf(elected) + 1)
  }
  await untilLed(0)
  await client.set('a', '1')
  await cluster.stop('n3')
  await client.set('a', '2')
  const from = cluster.events.length
  await cluster.start('n3')
  const happened = await untilLed(from)
  t.equal(happened.filter(({ event }) => event === 'elected').length, 1, 'one election')
  t.equal(happened.filter(({ event, to }) => event === 'handing_over' && to === 'n3').length, 1, 'by a hand-over')
  t.equal(await client.get('a'), '2')
})

t.test('reads by a lease are linearizable, also where the leader stands still (SIGSTOP)', async (t) => {
  const cluster = await new RunningCluster(t, 10, ['--lease-reads']).ready()
  const siege = new Siege(cluster.addresses(), 8, 1, patient)
  t.teardown(() => siege.stop())
  await siege.served(50)
  for (let round = 1; round <= size(2, 10); round++) {
    const from = cluster.events.length
    const { node: old } = await cluster.say('pause leader')
    await cluster.event(({ event, node }) => event === 'elected' && node !== old, from)
    await siege.served(50)
    await cluster.say(`resume ${String(old)}`)
    await siege.served(50)
  }
  const { missing, miscounted, history, operations } = await siege.end()
  t.comment(`${siege.counts.done} calls done`)
  t.same(siege.lost, [])
  t.same(missing, [])
  t.same(miscounted, [])
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
  if (!z3Only.skip) await agree(t, largestOf(piecesOf(operations, 24), size(8, 100)))
})
