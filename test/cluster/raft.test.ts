import t, { type Test } from 'tap'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { networkNames } from '../../src/stage.js'
import { longOnly, size } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { RunningCluster } from '../helpers/running.js'
import { Siege } from '../helpers/siege.js'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']

/** A cluster of stage 6 with clients at work on it. */
async function besieged(t: Test, clients: number, args: readonly string[] = []) {
  const cluster = await new RunningCluster(t, 6, args).ready()
  const siege = new Siege(cluster.addresses(), clients, 1)
  t.teardown(() => siege.stop())
  await siege.served(50)
  return { cluster, siege }
}

/** The node elected last. */
function leader({ events }: RunningCluster): string {
  return String(events.findLast(({ event }) => event === 'elected')!.node)
}

async function judge(t: Test, siege: Siege): Promise<void> {
  const { missing, history } = await siege.end()
  const { done, refused, unknown } = siege.counts
  t.comment(`${done} done, ${refused} refused, ${unknown} unknown; ${siege.acknowledged.size} acknowledged keys`)
  t.same(missing, [], 'every acknowledged write is there')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
}

t.test('each node in turn is killed under load and comes back', longOnly, async (t) => {
  const { cluster, siege } = await besieged(t, 8)
  for (const id of ids) {
    await cluster.say(`kill ${id}`)
    await siege.served(100)
    await cluster.say(`restart ${id}`)
    await siege.served(100)
  }
  await judge(t, siege)
})

t.test('a leader that is stopped (SIGSTOP) is replaced, and follows when it goes on', async (t) => {
  const { cluster, siege } = await besieged(t, 8)
  const old = leader(cluster)
  const from = cluster.events.length
  await cluster.say(`pause ${old}`)
  const elected = await cluster.event(({ event }) => event === 'elected', from)
  t.not(elected.node, old)
  await siege.served(100)
  await cluster.say(`resume ${old}`)
  const deposed = ({ event, node }: Happened) => event === 'deposed' && node === old
  t.ok(await cluster.event(deposed, from), 'the old leader hears of it')
  await siege.served(100)
  await judge(t, siege)
})

t.test('the power goes for all five in the middle of the load', async (t) => {
  const { cluster, siege } = await besieged(t, 8)
  for (let round = 1; round <= size(1, 2); round++) {
    await cluster.say('kill n1 n2 n3 n4 n5')
    await cluster.say('restart n1 n2 n3 n4 n5')
    await siege.served(100)
  }
  await judge(t, siege)
})

t.test('a leader that is cut off is replaced; its clients find the new one', longOnly, async (t) => {
  const { cluster, siege } = await besieged(t, 8)
  const old = leader(cluster)
  const from = cluster.events.length
  for (const other of ids.filter((id) => id !== old)) await cluster.say(`cut ${old} ${other}`)
  await cluster.event(({ event, node }) => event === 'elected' && node !== old, from)
  await siege.served(100)
  await cluster.say('heal')
  await siege.served(100)
  await judge(t, siege)
})

for (const network of networkNames) {
  const title = `over ${network}: the leader is killed, another takes over, nothing acknowledged is lost`
  t.test(title, longOnly, async (t) => {
    const { cluster, siege } = await besieged(t, 5, ['--network', network])
    const old = leader(cluster)
    const from = cluster.events.length
    t.match(await cluster.say('kill leader'), { event: 'killed', node: old })
    const elected = await cluster.event(({ event }) => event === 'elected', from)
    t.not(elected.node, old)
    await siege.served(50)
    await cluster.say(`restart ${old}`)
    await siege.served(50)
    await judge(t, siege)
  })
}

const clients = 15
const faults = 20
const seed = Date.now() % 1_000_000

/**
 * A fault, what mends it, and how many calls may end in between. With nobody to ask, each takes all its client's
 * patience. A node that is cut off campaigns again and again, and deposes each leader: at stage 6 few calls are served.
 */
function fault(random: SeededRandom): readonly [string, string, number] {
  const [one, other] = ids
    .map((id) => [random.next(), id] as const)
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id)
  const kind = random.between(1, 6)
  if (kind === 1) return ['kill n1 n2 n3 n4 n5', 'restart n1 n2 n3 n4 n5', clients]
  if (kind === 2) return [`kill ${one} ${other}`, `restart ${one} ${other}`, 1_500]
  if (kind === 3) return [`pause ${one}`, `resume ${one}`, 1_500]
  if (kind === 4) return [`cut ${one} > ${other}`, 'heal', 150]
  if (kind === 5) return [`cut ${one} ${other}`, 'heal', 150]
  return [`kill ${one}`, `restart ${one}`, 1_500]
}

t.test(`${faults} faults drawn by chance (seed ${seed}), with ${clients} clients`, longOnly, async (t) => {
  const { cluster, siege } = await besieged(t, clients)
  const random = new SeededRandom(seed)
  for (let round = 1; round <= faults; round++) {
    const [breaks, mends, most] = fault(random)
    const calls = random.between(1, most)
    t.comment(`${breaks}, for ${calls} calls`)
    await cluster.say(breaks)
    await siege.settled(calls)
    await cluster.say(mends)
    await siege.settled(random.between(1, 750))
  }
  await siege.served(100)
  await judge(t, siege)
})
