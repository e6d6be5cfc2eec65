import fc from 'fast-check'
import t from 'tap'
import { type Entry, makeEntry, type Status } from '../src/contracts.js'
import { SimulatedCluster } from '../src/simulation/cluster.js'
import { type Counters, sumCounters } from '../src/simulation/counters.js'
import { SimulatedDisk } from '../src/simulation/disk.js'
import { type InvariantName, invariants, type Observation } from '../src/simulation/invariants.js'
import type { PlannedFault } from '../src/simulation/plan.js'
import { SeededRandom } from '../src/simulation/random.js'
import { shrink } from '../src/simulation/shrink.js'
import { simulate } from '../src/simulation/simulate.js'
import { planFor, runSeed, smallestDisaster } from '../src/simulation/sweep.js'
import { Timeline } from '../src/simulation/timeline.js'
import { stages } from '../stages/index.js'

const naive = stages[2]!

t.test('the same seed gives the same trace, always: a hundred seeds twice', async (t) => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 100; seed++) {
    const stage = stages[seed % stages.length]!
    const climate = seed % 5 === 0 ? 'calm' : 'storm'
    const [first, second] = [await runSeed(stage, seed, climate), await runSeed(stage, seed, climate)]
    if (first.traceHash !== second.traceHash) t.fail(`seed ${seed} of stage ${stage.number}`)
    hashes.add(first.traceHash)
  }
  t.equal(hashes.size, 100, 'and different seeds give different ones')
})

t.test('storms reach what they are meant to reach', async (t) => {
  const all: Counters[] = []
  for (let seed = 1; seed <= 40; seed++) all.push((await runSeed(naive, seed, 'storm')).counters)
  const sums = sumCounters(all)
  const wanted = [
    'kill',
    'restart',
    'pause',
    'resume',
    'cut',
    'heal',
    'lost',
    'cut_off',
    'duplicated',
    'done',
    'refused',
    'unknown',
  ] as const
  for (const name of wanted) t.ok(sums[name] >= 10, `${name}: ${sums[name]}`)
})

t.test('a cut link is counted once, however many messages are lost on it', async (t) => {
  const plan = planFor(naive, 1, 'storm')
  const cut: PlannedFault[] = [{ at: 1, fault: { word: 'cut', from: 'n1', to: 'n2', bothWays: true } }]
  const { counters } = await simulate(naive, { ...plan, faults: cut })
  t.equal(counters.cut, 1)
  t.ok(counters.cut_off > 1, `${counters.cut_off} messages`)
})

t.test('no stage breaks in a storm what it gives', async (t) => {
  for (const stage of stages) {
    for (let seed = 1; seed <= 40; seed++) {
      for (const climate of ['calm', 'storm'] as const) {
        const { findings } = await runSeed(stage, seed, climate)
        const broken = findings.filter(({ guarantee }) => stage.gives.includes(guarantee))
        if (broken.length > 0) t.fail(`stage ${stage.number}, ${climate}, seed ${seed}`, { broken })
      }
    }
  }
})

t.test('no stage with a log breaks what it gives while leaders change all the time', async (t) => {
  for (const stage of stages.filter(({ keeps }) => keeps !== 'nothing')) {
    for (let seed = 1; seed <= 40; seed++) {
      const { findings } = await runSeed(stage, seed, 'churn')
      t.same(
        findings.filter(({ guarantee }) => stage.gives.includes(guarantee)),
        [],
        `stage ${stage.number}, seed ${seed}`,
      )
    }
  }
})

t.test('seed 103: an answer to the leader of an earlier life is not counted in this one', async (t) => {
  const { findings } = await runSeed(naive, 103, 'storm')
  t.same(
    findings.filter(({ guarantee }) => guarantee === 'G4'),
    [],
  )
})

t.test('seed 143: a leader whose disk is slow to take the new term is not silent to itself, and leads', async (t) => {
  const { findings } = await runSeed(stages[5]!, 143, 'season')
  t.same(findings, [])
})

t.test('a run that breaks is shrunk to a story of few lines, which breaks the same', async (t) => {
  for (const [seed, climate, guarantee] of [
    [1, 'storm', 'G12'],
    [8, 'storm', 'G6'],
    [3, 'calm', 'G3'],
  ] as const) {
    const story = await smallestDisaster(naive, seed, climate, guarantee)
    t.ok(story.length <= 10, `${story.length} lines`)
    t.match(story[0], `stage 2, seed ${seed}`)
    t.ok(story.some((line) => line.startsWith(`✘ ${guarantee}`)))
  }
  await t.rejects(smallestDisaster(stages[0]!, 1, 'calm', 'G3'), /does not break G3/)
})

t.test('shrinking keeps what is needed and nothing else', async (t) => {
  const plan = planFor(naive, 5, 'storm')
  const needed = [plan.calls[3], plan.calls[40]]
  const smallest = await shrink(plan, async ({ calls }) => needed.every((call) => calls.includes(call!)))
  t.same(smallest.calls, needed)
  t.same(smallest.faults, [])
  t.match(smallest.weather, { loss: 0, duplication: 0, straggling: 0 })
})

t.test('virtual time: in order of moments, and of scheduling where they are equal', async (_t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (delays) => {
      const timeline = new Timeline()
      const happened: [number, number][] = []
      for (const [order, delay] of delays.entries())
        timeline.schedule(delay, () => happened.push([timeline.now, order]))
      while (timeline.step()) {}
      const expected = delays.map((delay, order) => [delay, order]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
      return JSON.stringify(happened) === JSON.stringify(expected)
    }),
  )
})

t.test('seeded chance: repeatable, even, and different from seed to seed', async (t) => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed)
    return Array.from({ length: 10_000 }, () => random.next())
  }
  const text = (seed: number) => draw(seed).join()
  const [once, again] = [text(7), text(7)]
  t.ok(once === again)
  t.ok(once !== text(8))
  t.ok(text(1) !== text(1 + 2 ** 32), 'the whole of a large seed counts')
  const tenths = new Array<number>(10).fill(0)
  for (const number of draw(9)) tenths[Math.floor(number * 10)]!++
  t.ok(
    tenths.every((count) => count > 850 && count < 1_150),
    `${tenths}`,
  )
})

/** Lets a cluster of stage 2 run under a hand, with what happens to one write. */
async function underHand(steps: (cluster: SimulatedCluster) => Promise<void>) {
  const events: string[] = []
  const trace = (event: { event: string }, node: string) => void events.push(`${node} ${event.event}`)
  const cluster = await SimulatedCluster.start({ stage: naive, seed: 1, trace })
  await steps(cluster)
  return { cluster, events }
}

t.test('a paused node finds its expired timers first, then what arrived, and a dead one nothing', async (t) => {
  const { events } = await underHand(async (cluster) => {
    cluster.pause('n3')
    cluster.ask('n1', { command: 'set', key: 'a', value: '1' }, () => {})
    await cluster.pass(1_000)
    t.same([...cluster.host('n3').contents()], [])
    cluster.resume('n3')
    await cluster.pass(1)
    t.same([...cluster.host('n3').contents()], [['a', '1']])
    cluster.kill('n3')
    cluster.ask('n1', { command: 'set', key: 'a', value: '2' }, () => {})
    await cluster.pass(100)
    cluster.restart('n3')
    await cluster.pass(100)
    t.same([...cluster.host('n3').contents()], [], 'what was sent to the dead is lost, and so is what it had')
  })
  t.ok(events.indexOf('n3 resumed') < events.indexOf('n3 receive'))
})

t.test('a process that is killed in the moment in which it goes on does nothing more', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const cluster = await SimulatedCluster.start({ stage: stages[4]!, seed })
    await cluster.pass(100)
    cluster.ask('n1', { command: 'set', key: 'a', value: '1' }, () => {})
    cluster.pause('n1')
    await cluster.pass(100)
    cluster.resume('n1')
    await cluster.pass(0.5)
    cluster.pause('n1')
    await cluster.pass(100)
    cluster.resume('n1')
    cluster.kill('n1')
    await cluster.pass(100)
    cluster.restart('n1')
    await cluster.pass(100)
    t.equal(cluster.host('n1').node?.status.role, 'leader', 'its disk was written to by one process at a time')
  }
})

t.test('a node that dies breaks its connections; a dead one refuses them', async (t) => {
  await underHand(async (cluster) => {
    const answers: unknown[] = []
    cluster.pause('n1')
    cluster.ask('n1', { command: 'ping' }, (answer) => answers.push(answer))
    cluster.kill('n1')
    cluster.ask('n1', { command: 'ping' }, (answer) => answers.push(answer))
    t.match(answers, [
      { ok: false, error: { code: 'connection_lost', definite: false } },
      { ok: false, error: { code: 'unreachable', definite: true } },
    ])
  })
})

t.test('links are cut each way by themselves, also for what is on its way', async (t) => {
  await underHand(async (cluster) => {
    const got = (id: string) => [...cluster.host(id).contents()].length
    cluster.ask('n1', { command: 'set', key: 'a', value: '1' }, () => {})
    await cluster.until(() => cluster.fates.sent === 4, 10)
    cluster.cut('n1', 'n2', false)
    await cluster.pass(100)
    t.same([got('n2'), got('n3')], [0, 1])
    t.equal(cluster.fates.cut, 1)
    cluster.heal()
    cluster.ask('n1', { command: 'set', key: 'a', value: '2' }, () => {})
    await cluster.pass(100)
    t.equal(got('n2'), 1)
  })
})

/** Virtual time, and a clock that goes by it. */
function time() {
  const timeline = new Timeline()
  const after = (ms: number, task: () => void) => {
    timeline.schedule(ms, task)
    return () => {}
  }
  return [timeline, { now: () => 0, after, soon: () => {} }] as const
}

t.test('a disk loses in a crash what was not synced, or part of it; a failed write is final', async (t) => {
  const kept = new Set<number>()
  for (let seed = 1; seed <= 50; seed++) {
    const [timeline, clock] = time()
    const random = new SeededRandom(seed)
    const disk = new SimulatedDisk()
    const batch = (terms: number[]) => ({
      records: terms.map((index) => ({ record: 'entry' as const, entry: makeEntry(index, 1, { command: 'ping' }) })),
      upTo: { index: terms.at(-1)!, term: 1 },
    })
    const store = disk.store(
      clock,
      random,
      () => {},
      () => true,
    )
    const first = store.write(batch([1, 2]))
    timeline.step()
    await first
    void store.write(batch([3, 4, 5]))
    disk.crash(random)
    const { entries } = await disk
      .store(
        clock,
        random,
        () => {},
        () => true,
      )
      .open()
    const records = entries.map(({ index }) => index)
    t.same(records.slice(0, 2), [1, 2], 'what was synced is there')
    t.same(records, [1, 2, 3, 4, 5].slice(0, records.length), 'and a beginning of the rest')
    kept.add(records.length)
    disk.health = { ...disk.health, failure: 1 }
    const [later, newClock] = time()
    const failed = disk
      .store(
        newClock,
        random,
        () => {},
        () => true,
      )
      .write(batch([6]))
    later.step()
    await t.rejects(failed, /the disk failed/)
  }
  t.same([...kept].sort(), [2, 3, 4, 5], 'torn everywhere')
})

t.test('a disk that was mended fails no more, not even the write under way', async (t) => {
  const [timeline, clock] = time()
  const disk = new SimulatedDisk()
  disk.health = { ...disk.health, failure: 1 }
  const entry = makeEntry(1, 1, { command: 'ping' })
  const written = disk
    .store(
      clock,
      new SeededRandom(1),
      () => {},
      () => true,
    )
    .write({
      records: [{ record: 'entry', entry }],
      upTo: entry,
    })
  disk.health = { ...disk.health, failure: 0 }
  timeline.step()
  await written
  t.ok(disk.holds(entry))
})

t.test('no state machine leaves a command out or performs it twice; nothing else is committed there', async (t) => {
  const applies = invariants.stateMachinesAgree.watch()
  t.equal(applies(seen('n1', {}, { performed: [{ index: 1, command: 'a' }] })), null)
  t.match(applies(seen('n1', {}, { performed: [{ index: 1, command: 'a' }] })), /performed entry 1 after entry 1/)
  t.match(applies(seen('n2', {}, { performed: [{ index: 2, command: 'b' }] })), /performed entry 2 after entry 0/)
  t.equal(
    applies(
      seen(
        'n3',
        {},
        {
          performed: [
            { index: 7, command: null },
            { index: 8, command: 'c' },
          ],
        },
      ),
    ),
    null,
  )
  t.match(applies(seen('n3', {}, { performed: [{ index: 8, command: null }] })), /n3 went back from entry 8/)
  const complete = invariants.leadersAreComplete.watch()
  t.equal(complete(seen('n1', { commit: 1 }, { log: log([entry(1, 1)]) })), null)
  t.match(complete(seen('n2', { commit: 1 }, { log: log([entry(1, 2)]) })), /n1 and n2 committed different entries/)
})

const entry = (index: number, term: number, value = `${index}.${term}`) =>
  makeEntry(index, term, { command: 'set', key: 'k', value })
/** A log of these entries, all of them new to whoever looks unless said otherwise. */
const log = (entries: Entry[], changedFrom = 1) => ({
  first: 1,
  changedFrom,
  last: entries.length,
  at: (index: number) => entries[index - 1],
})
const fiveNames = ['n1', 'n2', 'n3', 'n4', 'n5']
const seen = (node: string, status: Partial<Status>, more: Partial<Observation> = {}): Observation => ({
  node,
  incarnation: 0,
  status: { id: node, stage: 6, role: 'follower', leader: null, applied: 0, peers: [], ...status },
  log: log([]),
  performed: [],
  disks: { all: fiveNames, holdersOf: ({ term }) => fiveNames.slice(0, term) },
  ...more,
})

const snapshotOf = (index: number, sha256: string) => ({ snapshot: { index, sha256 } })

t.test('every invariant passes what is legal and names what is not', async (t) => {
  const two = [entry(1, 1), entry(2, 1)]
  const performs = (index: number, command = `${index}`) => ({ index, command })
  const cases: Record<InvariantName, { legal: Observation[]; next: Observation; message: RegExp }> = {
    appliedNeverFalls: {
      legal: [seen('n1', { applied: 3 }), seen('n2', { applied: 1 }), seen('n1', { applied: 0 }, { incarnation: 1 })],
      next: seen('n2', { applied: 0 }),
      message: /n2's applied index fell from 1 to 0/,
    },
    commitNeverFalls: {
      legal: [seen('n1', { commit: 3 }), seen('n1', { commit: 3 })],
      next: seen('n1', { commit: 2 }),
      message: /n1's commit index fell from 3 to 2/,
    },
    termNeverFalls: {
      legal: [seen('n1', { term: 3 }), seen('n1', { term: 2 }, { incarnation: 1 }), seen('n1', { term: 3 })],
      next: seen('n1', { term: 2 }),
      message: /n1's term fell from 3 to 2/,
    },
    oneLeaderPerTerm: {
      legal: [
        seen('n1', { role: 'leader', term: 1 }),
        seen('n2', { role: 'leader', term: 2 }),
        seen('n1', { role: 'leader', term: 1 }),
      ],
      next: seen('n3', { role: 'leader', term: 2 }),
      message: /n2 and n3 both lead term 2/,
    },
    leaderAppendsOnly: {
      legal: [
        seen('n1', { role: 'leader', term: 1 }, { log: log(two) }),
        seen('n1', { role: 'leader', term: 1 }, { log: log([...two, entry(3, 1)], 3) }),
        seen('n1', { role: 'follower', term: 2 }, { log: log([...two], 3) }),
        seen('n1', { role: 'leader', term: 3 }, { log: log([...two, entry(3, 3)], 3) }),
      ],
      next: seen('n1', { role: 'leader', term: 3 }, { log: log(two, 3) }),
      message: /the leader n1 changed its entry 3 in term 3/,
    },
    logsMatch: {
      legal: [
        seen('n1', {}, { log: log(two) }),
        seen('n2', {}, { log: log([entry(1, 1), entry(2, 2)]) }),
        seen('n2', {}, { log: log(two, 2) }),
        seen('n3', {}, { log: log([entry(1, 1), entry(2, 1), entry(3, 2)]) }),
      ],
      next: seen('n4', {}, { log: log([entry(1, 1), entry(2, 2), entry(3, 2)]) }),
      message: /n4 and n3 agree at index 3, term 2, but differ at index 2/,
    },
    leadersAreComplete: {
      legal: [
        seen('n1', { role: 'leader', term: 1, commit: 1 }, { log: log([entry(1, 1)]) }),
        seen('n2', { role: 'leader', term: 2, commit: 0 }, { log: log([entry(1, 1), entry(2, 2)]) }),
      ],
      next: seen('n3', { role: 'leader', term: 3 }, { log: log([entry(1, 2)]) }),
      message: /the leader n3 of term 3 lacks entry 1 of term 1, which was committed/,
    },
    committedIsDurable: {
      legal: [
        seen('n1', { commit: 1 }, { log: log([entry(1, 3), entry(2, 3)]) }),
        seen('n2', { commit: 1 }, { log: log([entry(1, 3)]) }),
      ],
      next: seen('n2', { commit: 2 }, { log: log([entry(1, 3), entry(2, 2)]) }),
      message: /n2 takes entry 2 for committed; of n1 n2 n3 n4 n5 it is on the disks of n1 n2/,
    },
    snapshotsAgree: {
      legal: [
        seen('n1', snapshotOf(5, 'a')),
        seen('n1', snapshotOf(9, 'b')),
        seen('n2', snapshotOf(5, 'a')),
        seen('n3', {}),
      ],
      next: seen('n3', snapshotOf(9, 'a')),
      message: /n1 and n3 hold different snapshots up to entry 9/,
    },
    stateMachinesAgree: {
      legal: [
        seen('n1', {}, { performed: [performs(1), performs(2)] }),
        seen('n2', {}, { performed: [performs(1)] }),
        seen('n1', {}, { incarnation: 1, performed: [performs(1)] }),
      ],
      next: seen('n2', {}, { performed: [performs(2, 'other')] }),
      message: /at index 2 n1 performed 2 and n2 other/,
    },
  }
  for (const [name, { legal, next, message }] of Object.entries(cases)) {
    const watch = invariants[name as InvariantName].watch()
    t.same(
      legal.map(watch),
      legal.map(() => null),
      `${name}: legal`,
    )
    t.match(watch(next), message, name)
  }
})
