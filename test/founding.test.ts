import t from 'tap'
import { type Core, defaultTiming, nothingRecovered, type Persist, type Recovered } from '../src/contracts.js'
import { SeededRandom } from '../src/proof/simulation/random.js'
import membership from '../stages/8-membership/stage.js'

/** A node that founds a cluster alone. */
function founder(recovered: Partial<Recovered> = {}): Core {
  return membership.create({
    id: 'n1',
    members: [{ id: 'n1', client: 'c:1', peer: 'p:1' }],
    random: new SeededRandom(1),
    timing: defaultTiming,
    recovered: { ...nothingRecovered, incarnation: 'new', ...recovered },
    bootstrap: true,
    machineClock: { now: () => 0 },
    about: {},
  })
}

t.test('a founding that a crash cut short in the middle of its batch begins anew', async (t) => {
  const [founding] = (() => {
    const core = founder()
    core.tick()
    return core.take().persist!.records
  })()
  t.match(founding, { record: 'term', term: 1, votedFor: null }, 'the part of the batch that reached the disk')
  const core = founder({ term: 1 })
  core.tick()
  t.match(core.take().persist!.records, [
    { record: 'term', term: 1 },
    { record: 'entry', entry: { index: 1, term: 1 } },
  ])
})

t.test('whoever founds a cluster leads it, however long its disk takes for each write', async (t) => {
  const core = founder()
  const writing: { ends: number; persist: Persist }[] = []
  for (let tick = 1; tick <= 40; tick++) {
    core.tick()
    const { persist } = core.take()
    if (persist) writing.push({ ends: tick + 5, persist })
    if (writing[0]?.ends === tick) core.durable(writing.shift()!.persist.upTo)
  }
  t.match(core.status, { role: 'leader', term: 2 }, 'elected once, by its own vote')
})
