import { Mutex } from 'async-mutex'
import t from 'tap'
import { shareOut } from '../client/proof/sim-pool.js'
import { seedsToTry, wrongRules } from '../client/proof/wrong-rules/index.js'
import { catalogue } from '../src/proof/scenario/catalogue.js'
import { playVirtually } from '../src/proof/scenario/virtual.js'
import { invariants } from '../src/proof/simulation/invariants.js'
import keyValueStore from '../stages/0-key-value-store/stage.js'
import { stages } from '../stages/index.js'
import { claims } from './claims/index.js'
import { isLong } from './helpers/effort.js'
import type { Caught, Search } from './helpers/wrong-rule-worker.js'

/** The invariants that were seen to fall. */
const fallen = new Set<string>()

t.test('every wrong rule that seeds can catch is caught within its budget, and the right one is not', async (t) => {
  const searches = wrongRules.flatMap(({ name, caught }): Search[] => {
    if (!('guarantee' in caught)) return []
    return [{ name, seeds: seedsToTry(name, caught.seeds), withRight: isLong }]
  })
  const script = new URL('./helpers/wrong-rule-worker.js', import.meta.url)
  await shareOut<Search, Caught>(script, searches, ({ name, seed, isRightKept, fallen: seen }) => {
    for (const invariant of seen) fallen.add(invariant)
    t.ok(seed !== null, `${name}: seed ${seed}`)
    t.ok(isRightKept, `${name}: the right rule holds at that seed`)
  })
})

t.test('each of the five properties of figure 3 falls for some wrong rule', async (t) => {
  const { oneLeaderPerTerm, leaderAppendsOnly, logsMatch, leadersAreComplete, stateMachinesAgree } = invariants
  for (const { name } of [oneLeaderPerTerm, leaderAppendsOnly, logsMatch, leadersAreComplete, stateMachinesAgree]) {
    t.ok(fallen.has(name), name)
  }
})

t.test('every wrong rule that a scenario can catch is caught by it, and the right one is not', async (t) => {
  for (const { name, stage, caught } of wrongRules) {
    if (!('scenario' in caught)) continue
    const scenario = catalogue().find(({ id }) => id === caught.scenario)!
    t.not((await playVirtually(scenario, stage)).verdict, 'holds', `${name}: ${scenario.id}`)
    t.equal((await playVirtually(scenario, stages[stage.number]!)).verdict, 'holds', `${name}: the right rule holds`)
  }
})

t.test('every wrong rule that a claim of the paper can catch is caught by it, and the right one is not', async (t) => {
  for (const { name, stage, caught } of wrongRules) {
    if (!('claim' in caught)) continue
    const check = claims[caught.claim]!
    t.throws(() => check(stage), `${name}: ${caught.claim}`)
    t.doesNotThrow(() => check(stages[stage.number]!), `${name}: the right rule passes`)
  }
})

/** Writes that arrive while a scan is under way; whether the scan shows a store that never was. */
async function scanIsTorn(): Promise<boolean> {
  const clock = { now: () => 0, after: () => () => {}, soon: (task: () => void) => void setImmediate(task) }
  const store = keyValueStore.application.machine(clock)
  const value = 'old'.repeat(100)
  await store.apply(Array.from({ length: 1_000 }, (_, at) => ({ command: 'set', key: `k${at}`, value })))
  const scanning = store.apply([{ command: 'scan', limit: 1_000 }])
  await new Promise(setImmediate)
  const writing = store.apply([{ command: 'set', key: 'k998', value: 'new' }])
  const [page] = (await scanning) as unknown as { entries: [string, string][] }[]
  await writing
  return page!.entries.some(([, value]) => value === 'new')
}

t.test('a scan without the lock shows a store that never was; with it, never', async (t) => {
  t.notOk(await scanIsTorn())
  const { runExclusive } = Mutex.prototype
  Mutex.prototype.runExclusive = async <T>(task: () => Promise<T> | T): Promise<T> => task()
  t.teardown(() => {
    Mutex.prototype.runExclusive = runExclusive
  })
  t.ok(await scanIsTorn())
})
