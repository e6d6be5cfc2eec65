/**
 * Chaos on a real etcd, under our load, judged by our checker. etcd is meant to pass: where our client said unknown, it
 * was unknown, and what it called done is there.
 */
import t from 'tap'
import { etcdClient } from '../../client/engine/etcd/client.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { siegeMinutes, size } from '../helpers/effort.js'
import { etcdOnly } from '../helpers/etcd.js'
import { RunningCluster } from '../helpers/running.js'
import { type Habits, Siege } from '../helpers/siege.js'
import { agree, largestOf, piecesOf, z3Only } from '../helpers/smt.js'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
/** Clients that append and read at every node, and that no session tells what became of a write. */
const habits: Habits = { deadlineMs: 5_000, appends: true, clientOf: etcdClient }
/** Faults, one after another, and calls that are done between two of them. */
const [faults, calls] = size([3, 60], [80, 150])

type Cruelty = readonly [harm: string, repair: string]
const cruelties: readonly Cruelty[] = [
  ['kill', 'restart'],
  ['pause', 'resume'],
  ['stop', 'restart'],
]

t.test('etcd stays linearizable while its nodes are killed, paused and restarted', etcdOnly, async (t) => {
  const cluster = await new RunningCluster(t, 'etcd').ready()
  const siege = new Siege(cluster.addresses(), 8, 1, habits)
  t.teardown(() => siege.stop())
  await siege.served(calls)
  const random = new SeededRandom(1)
  const end = performance.now() + siegeMinutes * 60_000
  for (let fault = 0; fault < faults || performance.now() < end; fault++) {
    const [harm, repair] = cruelties[fault % cruelties.length]!
    // Every other time it is the leader's turn.
    const victim = fault % 2 === 0 ? 'leader' : random.pick(ids)
    const done = await cluster.say(`${harm} ${victim}`)
    if (done.event === 'refused') continue
    await siege.served(calls)
    await cluster.say(`${repair} ${String(done.node)}`)
    await siege.served(calls)
  }
  const { missing, miscounted, history, operations } = await siege.end()
  const { done, refused, unknown } = siege.counts
  t.comment(`${done} done, ${refused} refused, ${unknown} unknown`)
  t.same(missing, [], 'every acknowledged write is there')
  t.same(miscounted, [], 'every value that was appended is there once, or not, as it was said')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
  if (!z3Only.skip) await agree(t, largestOf(piecesOf(operations, 24), size(12, 200)))
})
