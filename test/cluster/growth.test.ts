import t from 'tap'
import { longOnly } from '../helpers/effort.js'
import { RunningCluster } from '../helpers/running.js'
import { Siege } from '../helpers/siege.js'

const clients = 10

/** What is done, a line each, and the voters that there are then; between them, clients go on with so many calls. */
const story: readonly (readonly [line: string, voters?: string])[] = [
  ['add n6', 'n1 n2 n3 n4 n5 n6'],
  ['kill n2'],
  ['add n7', 'n1 n2 n3 n4 n5 n6 n7'],
  ['restart n2'],
  ['kill leader'],
  ['remove n1', 'n2 n3 n4 n5 n6 n7'],
  ['remove n2', 'n3 n4 n5 n6 n7'],
  ['kill n6'],
  ['remove n3', 'n4 n5 n6 n7'],
  ['restart n6'],
  ['remove n4', 'n5 n6 n7'],
  ['kill leader'],
]
const callsBetween = 150

const title = `five become seven and then three, with ${clients} clients at work and nodes killed on the way`

t.test(title, longOnly, async (t) => {
  const cluster = await new RunningCluster(t, 8, ['--snapshot-entries', '300']).ready()
  const siege = new Siege(cluster.addresses(), clients, 1)
  t.teardown(() => siege.stop())
  await siege.served(callsBetween)
  const dead = new Set<string>()
  for (const [line, voters] of story) {
    const event = await cluster.say(line)
    t.comment(`${line}: ${JSON.stringify(event)}`)
    if (event.event === 'killed') dead.add(String(event.node))
    if (voters !== undefined) t.same([...(event.voters as string[])].sort(), voters.split(' '), line)
    else t.not(event.event, 'refused', line)
    await siege.served(callsBetween)
  }
  for (const id of dead) await cluster.say(`restart ${id}`)
  await siege.served(callsBetween)
  const { missing, history } = await siege.end()
  const { done, refused, unknown } = siege.counts
  t.comment(`${done} done, ${refused} refused, ${unknown} unknown; ${siege.acknowledged.size} acknowledged keys`)
  t.ok(cluster.events.filter(({ event }) => event === 'snapshot').length > 5, 'snapshots were taken meanwhile')
  t.same(missing, [], 'every acknowledged write is there')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
})
