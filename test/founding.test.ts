import t from 'tap'
import { defaultTiming, nothingRecovered, type Persist } from '../src/contracts.js'
import { SeededRandom } from '../src/proof/simulation/random.js'
import membership from '../stages/8-membership/stage.js'

t.test('whoever founds a cluster leads it, however long its disk takes for each write', async (t) => {
  const core = membership.create({
    id: 'n1',
    members: [{ id: 'n1', client: 'c:1', peer: 'p:1' }],
    random: new SeededRandom(1),
    timing: defaultTiming,
    recovered: { ...nothingRecovered, incarnation: 'new' },
    bootstrap: true,
    machineClock: { now: () => 0 },
    about: {},
  })
  const writing: { ends: number; persist: Persist }[] = []
  for (let tick = 1; tick <= 40; tick++) {
    core.tick()
    const { persist } = core.take()
    if (persist) writing.push({ ends: tick + 5, persist })
    if (writing[0]?.ends === tick) core.durable(writing.shift()!.persist.upTo)
  }
  t.match(core.status, { role: 'leader', term: 2 }, 'elected once, by its own vote')
})
