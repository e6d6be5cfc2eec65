/** Hints of commits, from the rules of stage 9 to a disk and back. */
import t from 'tap'
import { nothingRecovered, type Persist, type Recovered } from '../src/contracts.js'
import { SimulatedCluster } from '../src/proof/simulation/cluster.js'
import { SimulatedDisk } from '../src/proof/simulation/disk.js'
import { SeededRandom } from '../src/proof/simulation/random.js'
import { Timeline } from '../src/proof/simulation/timeline.js'
import type { Stage } from '../src/stage.js'
import membership from '../stages/8-membership/stage.js'
import clientInteraction from '../stages/9-client-interaction/stage.js'
import { nodeOptions } from './helpers/core.js'
import { batches, entry, expected, hinted, truncate } from './storage/stores.js'

const story = hinted(batches([entry(1, 1), entry(2, 1)], [entry(3, 1)]), 0, 2)

t.test('a node that starts performs at once what is known to be committed, and no more', (t) => {
  const recovered: Recovered = { ...nothingRecovered, ...expected(story), snapshots: [], incarnation: 'n1' }
  const performed = ({ create }: Stage) =>
    create(nodeOptions('n1', undefined, recovered))
      .take()
      .apply.map(({ index }) => index)
  t.same(performed(clientInteraction), [1, 2])
  t.same(performed(membership), [], 'and without the rules, nothing')
  t.end()
})

/** A disk in virtual time, with a way to write a batch whole, and one to begin it. */
function disk() {
  const [timeline, random, it] = [new Timeline(), new SeededRandom(7), new SimulatedDisk()]
  const after = (ms: number, task: () => void) => {
    timeline.schedule(ms, task)
    return () => {}
  }
  const store = it.store(
    { now: () => 0, after, soon: () => {} },
    random,
    () => {},
    () => true,
  )
  const write = async (batch: Persist) => {
    const written = store.write(batch)
    timeline.step()
    await written
  }
  return { it, store, random, write }
}

t.test('a simulated disk keeps a hint, and loses it with a batch that is torn', async (t) => {
  const seen = new Set<string>()
  for (let times = 0; times < 40; times++) {
    const { it, store, random, write } = disk()
    for (let skip = 0; skip < times; skip++) random.next()
    for (const batch of story) await write(batch)
    t.equal((await store.open()).commit, 2)
    void store.write(hinted(batches([entry(1, 1), entry(2, 1), entry(3, 1)], [entry(4, 1), entry(5, 1)]), 0, 3)[1]!)
    it.crash(random)
    const { entries, commit } = await store.open()
    seen.add(`${entries.length} entries, ${commit}`)
  }
  t.same([...seen].sort(), ['3 entries, 2', '4 entries, 2', '5 entries, 3'])
})

t.test('a simulated disk refuses what the others refuse, and keeps nothing of it', async (t) => {
  for (const records of [[truncate(2)], [entry(5, 1)]]) {
    const { store, write } = disk()
    for (const batch of story) await write(batch)
    await t.rejects(store.write({ records, upTo: { index: 9, term: 1 } }))
    t.equal((await store.open()).entries.length, 3)
  }
})

t.test('a cluster whose nodes all start anew knows what was committed before it has a leader', async (t) => {
  const cluster = await SimulatedCluster.start({ stage: clientInteraction, seed: 3 })
  const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
  await cluster.pass(3_000)
  const leader = () => ids.find((id) => cluster.host(id).node?.status.role === 'leader')!
  for (const value of ['1', '2', '3']) {
    cluster.ask(leader(), { command: 'set', key: 'a', value }, () => {})
    await cluster.pass(500)
  }
  for (const id of ids) cluster.kill(id)
  for (const id of ids) cluster.restart(id)
  await cluster.pass(20)
  t.ok(
    ids.every((id) => cluster.host(id).node?.status.role === 'follower'),
    'nobody leads yet',
  )
  t.same(
    ids.map((id) => cluster.host(id).contents().get('a')),
    ids.map(() => '2'),
    'the last one waits for a leader: no batch came after it',
  )
})
