import fc from 'fast-check'
import t from 'tap'
import { type Caught, seedsToTry, wrongRules } from '../client/proof/wrong-rules/index.js'
import { makeEntry, noOp } from '../src/contracts.js'
import { SimulatedClient } from '../src/proof/simulation/client.js'
import { SimulatedCluster } from '../src/proof/simulation/cluster.js'
import { type Counters, sumCounters } from '../src/proof/simulation/counters.js'
import { SimulatedDisk } from '../src/proof/simulation/disk.js'
import type { PlannedFault } from '../src/proof/simulation/plan.js'
import { SeededRandom } from '../src/proof/simulation/random.js'
import { shrink, upTo } from '../src/proof/simulation/shrink.js'
import { simulate } from '../src/proof/simulation/simulate.js'
import { planFor, runSeed, smallestDisaster } from '../src/proof/simulation/sweep.js'
import { Timeline } from '../src/proof/simulation/timeline.js'
import { stages } from '../stages/index.js'
import { size } from './helpers/effort.js'

const naive = stages[2]!

t.test('the same seed gives the same trace, always', async (t) => {
  const seeds = size(10, 50)
  const hashes = new Set<string>()
  for (let seed = 1; seed <= seeds; seed++) {
    const stage = stages[seed % stages.length]!
    const climate = seed % 5 === 0 ? 'calm' : 'storm'
    const [first, second] = [await runSeed(stage, seed, climate), await runSeed(stage, seed, climate)]
    if (first.traceHash !== second.traceHash) t.fail(`seed ${seed} of stage ${stage.number}`)
    hashes.add(first.traceHash)
  }
  t.equal(hashes.size, seeds, 'and different seeds give different ones')
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
    for (let seed = 1; seed <= size(4, 20); seed++) {
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
    for (let seed = 1; seed <= size(3, 20); seed++) {
      const { findings } = await runSeed(stage, seed, 'churn')
      t.same(
        findings.filter(({ guarantee }) => stage.gives.includes(guarantee)),
        [],
        `stage ${stage.number}, seed ${seed}`,
      )
    }
  }
})

t.test('seed 1: an answer to the leader of an earlier life is not counted in this one', async (t) => {
  const { findings } = await runSeed(naive, 1, 'churn')
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
    [23, 'storm', 'G6'],
    [3, 'calm', 'G3'],
  ] as const) {
    const story = await smallestDisaster(naive, seed, climate, guarantee)
    t.ok(story.length <= 10, `${story.length} lines`)
    t.match(story[0], `stage 2, seed ${seed}`)
    t.ok(story.some((line) => line.startsWith(`✘ ${guarantee}`)))
    const isDrawn = story.some((line) => line.startsWith('Impossible: '))
    t.equal(isDrawn, guarantee !== 'G6', 'answers that contradict each other are drawn')
  }
  await t.rejects(smallestDisaster(stages[0]!, 1, 'calm', 'G3'), /does not break G3/)
})

t.test('the story of two leaders in a term shows who voted twice', async (t) => {
  const { stage, caught } = wrongRules.find(({ name }) => name === 'two-votes-a-term')!
  const { guarantee, climate, seeds } = caught as Extract<Caught, { guarantee: unknown }>
  const [seed] = seedsToTry('two-votes-a-term', seeds)
  const story = await smallestDisaster(stage, seed!, climate, guarantee)
  const votes = story.flatMap(
    (line) =>
      line
        .match(/(n\d) gives (n\d) its vote in (term \d+)/)
        ?.slice(1, 4)
        .join() ?? [],
  )
  const isTwice = (vote: string) => {
    const [voter, , term] = vote.split(',')
    return new Set(votes.filter((other) => other.startsWith(`${voter},`) && other.endsWith(`,${term}`))).size > 1
  }
  t.ok(votes.some(isTwice), story.join('\n'))
})

t.test('a plan that ends early has what was asked and done until then', async (t) => {
  const plan = planFor(naive, 1, 'storm')
  const { operations } = await simulate(naive, plan)
  const moment = Math.ceil(plan.faults[2]!.at)
  const early = upTo(plan, operations, moment)
  t.equal(early.fireMs, moment)
  t.same(
    early.faults,
    plan.faults.filter(({ at }) => at <= moment),
  )
  t.equal(early.calls.length, operations.filter(({ call, client }) => call <= moment && client !== 'last').length)
  t.ok(early.calls.length < plan.calls.length)
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

t.test('a node that dies breaks the connections of its clients; a dead one refuses them', async (t) => {
  await underHand(async (cluster) => {
    const outcomes: unknown[] = []
    const client = new SimulatedClient(cluster, 'c1')
    cluster.pause('n1')
    client.call({ command: 'set', key: 'a', value: '1' }, 'n1', (outcome) => outcomes.push(outcome))
    await cluster.pass(10)
    t.same(outcomes, [], 'the connection stands, and the paused process says nothing')
    cluster.kill('n1')
    await cluster.pass(10)
    client.call({ command: 'ping' }, 'n1', (outcome) => outcomes.push(outcome))
    await cluster.pass(100)
    t.match(outcomes, [
      { outcome: 'unknown', error: { code: 'connection_lost' } },
      { outcome: 'refused', error: { code: 'unreachable' } },
    ])
  })
})

t.test('a connection stays for the calls that follow, and is one for each node', async (t) => {
  let connections = 0
  await underHand(async (cluster) => {
    const { joined } = cluster
    cluster.joined = (...args) => {
      connections++
      return joined.apply(cluster, args)
    }
    const client = new SimulatedClient(cluster, 'c1')
    for (let count = 0; count < 3; count++) client.call({ command: 'ping' }, null, () => {})
    await cluster.pass(100)
    client.call({ command: 'ping' }, null, () => {})
    await cluster.pass(100)
  })
  t.equal(connections, 1)
})

t.test('a client that hangs up ends its calls at once, and its connection', async (t) => {
  await underHand(async (cluster) => {
    const outcomes: unknown[] = []
    const client = new SimulatedClient(cluster, 'c1')
    client.call({ command: 'ping' }, null, () => {})
    await cluster.pass(100)
    client.call({ command: 'set', key: 'a', value: '1' }, null, (outcome) => outcomes.push(outcome))
    client.hangUp()
    t.match(outcomes, [{ outcome: 'unknown', error: { code: 'connection_lost' } }])
    await cluster.pass(100)
    t.same([...cluster.host('n1').contents()], [['a', '1']], 'what was on its way has arrived')
    t.equal(outcomes.length, 1)
  })
})

t.test('a stage without a client cannot be asked by one', async (t) => {
  const options = { stage: { ...naive, client: null }, seed: 1 }
  t.throws(() => new SimulatedClient(new SimulatedCluster(options), 'c1'), /stage 2 has no client/)
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
      records: terms.map((index) => ({ record: 'entry' as const, entry: makeEntry(index, 1, noOp) })),
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
      .write(batch([records.length + 1]))
    later.step()
    await t.rejects(failed, /the disk failed/)
  }
  t.same([...kept].sort(), [2, 3, 4, 5], 'torn everywhere')
})

t.test('a disk that was mended fails no more, not even the write under way', async (t) => {
  const [timeline, clock] = time()
  const disk = new SimulatedDisk()
  disk.health = { ...disk.health, failure: 1 }
  const entry = makeEntry(1, 1, noOp)
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
