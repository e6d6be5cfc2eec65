/**
 * One trial of a cluster on hosts, as a program that runs in namespaces of its own: its clients are where the hosts are.
 * `test/cluster/hosts.test.ts` starts one for each trial.
 */
import t, { type Test } from 'tap'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { siegeMinutes, size } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { RunningCluster } from '../helpers/running.js'
import { judge, patient, Siege } from '../helpers/siege.js'
import type { Trial } from './trials.js'

const [name, network, inside] = process.argv.slice(2) as [Trial, string, string]
// The command line makes its hosts here, where this program is, and not in namespaces of its own.
process.env[inside] = '1'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
const clients = 6
/** Calls that show that the cluster serves. */
const some = size(60, 300)

/** A cluster on hosts, with clients at work on it. */
interface Place {
  readonly t: Test
  readonly cluster: RunningCluster
  readonly siege: Siege
}

const leaderOf = ({ events }: RunningCluster) => String(events.findLast(({ event }) => event === 'elected')!.node)
const followersOf = (cluster: RunningCluster) => ids.filter((id) => id !== leaderOf(cluster))

/** Resolves when each of these events came from a node, or to it, since a moment. */
async function reached(cluster: RunningCluster, node: string, from: number): Promise<void> {
  const isReached = (other: string) => (happened: Happened) =>
    happened.event === 'link_up' && happened.node === other && happened.peer === node
  for (const other of ids.filter((id) => id !== node)) await cluster.event(isReached(other), from)
}

/** Events of an election, or of an attempt at one. */
const disturbs = new Set(['campaign', 'elected', 'deposed', 'quorum_lost'])
/** Times that a node which hears nobody asks whether it would be elected. */
const questions = size(2, 30)

/** A host that vanished comes back without an election. */
async function vanish({ t, cluster, siege }: Place): Promise<void> {
  const away = followersOf(cluster)[0]!
  const from = cluster.events.length
  await cluster.say(`unplug ${away}`)
  await cluster.event(({ event, node }) => event === 'pre_vote' && node === away, from)
  for (let asked = 0; asked < questions; asked++) await siege.served(some / 10)
  const back = cluster.events.length
  await cluster.say(`plug ${away}`)
  await reached(cluster, away, back)
  await siege.served(some)
  const elections = cluster.events.slice(from).filter(({ event }) => disturbs.has(event))
  t.same(elections, [], 'the one that came back caused no election')
}

/** Each host in turn gets another address; the others find it by its name. */
async function move({ cluster, siege }: Place): Promise<void> {
  for (const id of ids) {
    const from = cluster.events.length
    await cluster.say(`move ${id}`)
    await reached(cluster, id, from)
    await siege.served(some)
  }
}

/** A host dies while its cable is pulled: the others' connections to it stand, and nobody is at their other end. */
async function halfOpen({ cluster, siege }: Place): Promise<void> {
  for (const id of [followersOf(cluster)[0]!, leaderOf(cluster)]) {
    await cluster.say(`unplug ${id}`)
    await cluster.say(`kill ${id}`)
    const from = cluster.events.length
    await cluster.say(`plug ${id}`)
    await cluster.say(`restart ${id}`)
    await reached(cluster, id, from)
    await siege.served(some)
  }
}

/** Names are not found for a while: what stands goes on, its disk too, and who was away comes back with the names. */
async function silentResolver({ t, cluster, siege }: Place): Promise<void> {
  const away = followersOf(cluster)[0]!
  await cluster.say('resolver silent')
  await cluster.say(`kill ${away}`)
  await siege.served(some)
  await cluster.say(`restart ${away}`)
  await siege.served(some)
  const from = cluster.events.length
  t.equal((await cluster.say('resolver back')).silent, false)
  await reached(cluster, away, from)
}

/** Lines that are slow, lossy, short of breath or deaf serve as long as they carry. */
async function poorLines({ t, cluster, siege }: Place): Promise<void> {
  const [one, two, three] = followersOf(cluster)
  for (const fault of [`rate ${one} 1200kbit`, `loss ${two} 3%`, `mtu ${three} 600`, `deafen ${one}`]) {
    const { event } = await cluster.say(fault)
    t.not(event, 'refused', fault)
    await siege.served(some)
  }
  await cluster.say(`kill ${three}`)
  await cluster.say(`restart ${three}`)
  await siege.served(some)
}

/** Hosts far from each other, with packets that overtake each other, elect nobody: it only takes longer. */
async function far({ t, cluster, siege }: Place): Promise<void> {
  const from = cluster.events.length
  const [one] = followersOf(cluster)
  for (const fault of ['sites 50ms n1,n2 n3,n4', `delay ${one} 150..250ms`, 'sites off', 'delay 1..30ms']) {
    const { event } = await cluster.say(fault)
    t.not(event, 'refused', fault)
    await siege.served(some)
  }
  const elections = cluster.events.slice(from).filter(({ event }) => disturbs.has(event))
  t.same(elections, [], 'nobody stands for election')
}

/** Faults of hosts and of processes, drawn by chance, with what mends each. */
function faultOf(random: SeededRandom): readonly [breaks: string, mends: string] {
  const [one, other] = ids
    .map((id) => [random.next(), id] as const)
    .sort(([a], [b]) => a - b)
    .map(([, id]) => id)
  const faults = [
    [`unplug ${one}`, `plug ${one}`],
    [`unplug ${one} ${other}`, `plug ${one} ${other}`],
    [`cut ${one} > ${other}`, 'heal'],
    [`split ${one} ${other}`, 'heal'],
    [`deafen ${one}`, 'heal'],
    [`loss ${one} 10%`, 'heal'],
    [`rate ${one} 500kbit`, 'heal'],
    [`mtu ${one} 600`, 'heal'],
    [`delay ${one} 300ms`, 'heal'],
    [`delay ${one} ${other} 0..80ms`, 'heal'],
    [`sites 50ms ${one},${other}`, 'heal'],
    ['resolver silent', 'resolver back'],
    [`move ${one}`, 'heal'],
    [`kill ${one} ${other}`, `restart ${one} ${other}`],
    [`pause ${one}`, `resume ${one}`],
    ['unplug n1 n2 n3 n4 n5', 'plug n1 n2 n3 n4 n5'],
  ] as const
  return faults[random.between(0, faults.length - 1)]!
}

/** Faults drawn by chance, one after another. */
async function chaos({ t, cluster, siege }: Place): Promise<void> {
  const seed = Date.now() % 1_000_000
  const random = new SeededRandom(seed)
  t.comment(`seed ${seed}`)
  for (let round = 1; round <= size(4, 20); round++) {
    const [breaks, mends] = faultOf(random)
    t.comment(breaks)
    await cluster.say(breaks)
    // Without a majority, nothing is served.
    if (!breaks.includes('n1 n2 n3 n4 n5')) await siege.served(random.between(1, some))
    await cluster.say(mends)
    await siege.served(random.between(1, some))
  }
}

const trials: Readonly<Record<Trial, (place: Place) => Promise<void>>> = {
  vanish,
  move,
  'half-open': halfOpen,
  resolver: silentResolver,
  lines: poorLines,
  far,
  chaos,
}

/** A trial takes so many minutes at least: chaos lasts in a proof of hours. Each sitting has a history that can be judged. */
const minutes = name === 'chaos' ? siegeMinutes : 0

t.test(`${name} over ${network}`, async (t) => {
  // Nodes that are far from each other, on a machine with other work, are given time.
  const election = name === 'far' ? ['--election', '4000'] : []
  const cluster = await new RunningCluster(t, 10, ['--hosts', 'netns', '--network', network, ...election]).ready()
  const until = performance.now() + minutes * 60_000
  let sittings = 0
  do {
    const siege = new Siege(cluster.addresses(), clients, ++sittings, patient, `sitting-${sittings}-`)
    t.teardown(() => siege.stop())
    await siege.served(some)
    await trials[name]({ t, cluster, siege })
    await cluster.say('heal')
    await siege.served(some)
    await judge(t, siege)
  } while (performance.now() < until)
})
