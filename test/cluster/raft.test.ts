import t, { type Test } from 'tap'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { networkNames } from '../../src/stage.js'
import { longOnly, siegeMinutes, size } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { RunningCluster } from '../helpers/running.js'
import { hasty, judge, patient, Siege } from '../helpers/siege.js'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']

/** The first stage with elections, and the last: its clients ask again until they know the outcome. */
type Besieged = 6 | 10

const habitsAt = (stage: Besieged) => (stage === 6 ? hasty : patient)

/** A cluster with clients at work on it. */
async function besieged(t: Test, stage: Besieged, clients: number, args: readonly string[] = []) {
  const cluster = await new RunningCluster(t, stage, args).ready()
  const siege = new Siege(cluster.addresses(), clients, 1, habitsAt(stage))
  t.teardown(() => siege.stop())
  await siege.served(50)
  return { cluster, siege }
}

/** The node elected last. */
function leader({ events }: RunningCluster): string {
  return String(events.findLast(({ event }) => event === 'elected')!.node)
}

/** In the short form the clients of the last stage alone: they ask for more. */
for (const stage of size([10], [10, 6]) as readonly Besieged[]) {
  t.test(`stage ${stage}: each node in turn is killed under load and comes back`, longOnly, async (t) => {
    const { cluster, siege } = await besieged(t, stage, 8)
    for (const id of ids) {
      await cluster.say(`kill ${id}`)
      await siege.served(100)
      await cluster.say(`restart ${id}`)
      await siege.served(100)
    }
    await judge(t, siege)
  })

  t.test(`stage ${stage}: a leader that is stopped (SIGSTOP) is replaced, and follows when it goes on`, async (t) => {
    const { cluster, siege } = await besieged(t, stage, 8)
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

  t.test(`stage ${stage}: the power goes for all five in the middle of the load`, async (t) => {
    const { cluster, siege } = await besieged(t, stage, 8)
    for (let round = 1; round <= size(1, 2); round++) {
      await cluster.say('kill n1 n2 n3 n4 n5')
      await cluster.say('restart n1 n2 n3 n4 n5')
      await siege.served(100)
    }
    await judge(t, siege)
  })

  t.test(`stage ${stage}: a leader that is cut off is replaced; its clients find the new one`, longOnly, async (t) => {
    const { cluster, siege } = await besieged(t, stage, 8)
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
    const title = `stage ${stage} over ${network}: the leader is killed, another takes over, nothing acknowledged is lost`
    t.test(title, longOnly, async (t) => {
      const { cluster, siege } = await besieged(t, stage, 5, ['--network', network])
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
}

const clients = 15
const seed = Date.now() % 1_000_000

/**
 * A fault, what mends it, and how many calls may end in between. Without a majority no call of a patient client ends, and
 * each of a hasty one takes all its patience. A node that is cut off campaigns again and again, and deposes each leader: at
 * stage 6 few calls are served.
 */
function fault(stage: Besieged, random: SeededRandom): readonly [string, string, number] {
  const [one, other] = ids
    .map((id) => [random.next(), id] as const)
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id)
  const kind = random.between(1, 6)
  if (kind === 1) return ['kill n1 n2 n3 n4 n5', 'restart n1 n2 n3 n4 n5', stage === 6 ? clients : 0]
  if (kind === 2) return [`kill ${one} ${other}`, `restart ${one} ${other}`, 1_500]
  if (kind === 3) return [`pause ${one}`, `resume ${one}`, 1_500]
  if (kind === 4) return [`cut ${one} > ${other}`, 'heal', 150]
  if (kind === 5) return [`cut ${one} ${other}`, 'heal', 150]
  return [`kill ${one}`, `restart ${one}`, 1_500]
}

/** Plays faults drawn by chance, one after another. */
async function play(
  t: Test,
  stage: Besieged,
  cluster: RunningCluster,
  siege: Siege,
  random: SeededRandom,
  faults: number,
) {
  for (let round = 1; round <= faults; round++) {
    const [breaks, mends, most] = fault(stage, random)
    const calls = random.between(Math.min(1, most), most)
    t.comment(`${breaks}, for ${calls} calls`)
    await cluster.say(breaks)
    if (calls > 0) await siege.settled(calls)
    await cluster.say(mends)
    await siege.settled(random.between(1, 750))
  }
}

/** Besieges a cluster; and again, with keys of its own, while there are {@link siegeMinutes} left. */
async function endure(t: Test, stage: Besieged, faults: number, args: readonly string[]): Promise<void> {
  const cluster = await new RunningCluster(t, stage, args).ready()
  const random = new SeededRandom(seed)
  const until = performance.now() + siegeMinutes * 60_000
  let sittings = 0
  do {
    const siege = new Siege(cluster.addresses(), clients, ++sittings, habitsAt(stage), `sitting-${sittings}-`)
    t.teardown(() => siege.stop())
    await siege.served(50)
    await play(t, stage, cluster, siege, random, faults)
    await siege.served(100)
    await judge(t, siege)
  } while (performance.now() < until)
  t.comment(`${sittings} sittings of ${faults} faults`)
}

const sieges = [
  [10, 'tcp', 20],
  [10, 'grpc', 10],
  [10, 'udp', 10],
  [6, 'tcp', 20],
] as const
for (const [stage, network, faults] of sieges) {
  const title = `stage ${stage} over ${network}: ${faults} faults drawn by chance (seed ${seed}), with ${clients} clients`
  t.test(title, longOnly, (t) => endure(t, stage, faults, ['--network', network]))
}
