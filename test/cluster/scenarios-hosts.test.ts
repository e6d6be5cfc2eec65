/** Scenarios on hosts of their own, and what is on record of them. */
import t from 'tap'
import { recordedOnHosts } from '../../src/proof/scenario/on-record.js'
import { obstacle } from '../../src/server/hosts/tools.js'
import { isLong, size } from '../helpers/effort.js'
import { inVirtualTime, nameOf, pairsNamed, pairsOnHosts, playOnHosts } from '../helpers/plays-on-hosts.js'

const hostsOnly = { skip: obstacle() ?? false } as const

/** A leader that is split off for a moment and for long, at four stages; in E18, links that are cut one way. */
const few = ['H5 2', 'E6 6', 'E2 8', 'E18 10']
const many = [
  ...few,
  ...['N1 2', 'N6 2', 'W6 2', 'L3 4', 'H3 5', 'E2 6', 'E9 6', 'E10 6', 'E12 6'],
  ...['C2 7', 'M1 8', 'M4 8', 'M5 8', 'M8 8', 'R5 9', 'E9 10', 'E12 10', 'E16 10', 'E19 10', 'E21 10', 'T7 10'],
]

t.test('on hosts the verdicts are those of virtual time', hostsOnly, async (t) => {
  await playOnHosts(
    pairsNamed(size(few, many)),
    2,
    () => true,
    (played) => {
      const story = played.transcript.join('\n')
      t.equal(played.onHosts, played.expected, `${nameOf(played)}\n${story}`)
      if (played.scenario.id === 'E18') t.match(story, /speak udp here/, 'what else is there is told')
    },
  )
})

t.test('what is on record of hosts is as in virtual time: `npm run on-hosts` plays what has changed', async (t) => {
  const record = new Map(recordedOnHosts().map((one) => [`${one.scenario} ${one.stage}`, one]))
  const pairs = pairsOnHosts()
  t.same(
    [...record.keys()].filter((name) => !pairs.some((pair) => nameOf(pair) === name)),
    [],
    'all can be played',
  )
  const looked = pairs.filter(({ stage }) => size(stage.number === 2, true))
  const [changed, missing]: [string[], string[]] = [[], []]
  for (const pair of looked) {
    const known = record.get(nameOf(pair))
    const { play, expected } = await inVirtualTime(pair)
    if (known?.play === play) t.equal(known.verdict, expected, nameOf(pair))
    else (known ? changed : missing).push(nameOf(pair))
  }
  t.comment(`of ${looked.length}, ${missing.length} are not on record, and ${changed.length} have changed since`)
  if (isLong) t.same(changed, [])
})
