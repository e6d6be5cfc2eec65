/**
 * Rolling upgrades in virtual time: the nodes of a seed begin with one release, and are given the next one at moments of
 * their own, in the middle of faults. PROOF=long takes more seeds.
 */
import t from 'tap'
import { replacing, right } from '../client/proof/wrong-rules/10-production.js'
import { proposeByMajority } from '../client/proof/wrong-rules/10-production-features.js'
import type { NodeId } from '../src/contracts.js'
import { type Climate, makePlan, type Plan, type PlannedFault } from '../src/proof/simulation/plan.js'
import { SeededRandom } from '../src/proof/simulation/random.js'
import { type InHand, type Moment, simulate } from '../src/proof/simulation/simulate.js'
import { replaced, type Stage } from '../src/stage.js'
import production from '../stages/10-production/stage.js'
import { proposeFeatures } from '../stages/10-production/switch-on.js'
import { isLong } from './helpers/effort.js'

const features = ['next']
/** Virtual milliseconds for which a node is down to be upgraded. */
const downMs = 20

/** Moments at which nodes are given the next release; the last of them is not, in one seed of four. */
function upgradesOf({ seed, nodes, fireMs }: Plan): Map<NodeId, number> {
  const random = new SeededRandom(seed ^ 0x1f83d9ab)
  const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`)
  const moments = ids.map((id) => [id, random.between(500, fireMs)] as const)
  return new Map(random.chance(0.25) ? moments.slice(1) : moments)
}

/** Ends and starts nodes in the middle of a run. */
function withUpgrades(plan: Plan, upgrades: ReadonlyMap<NodeId, number>): Plan {
  const more = [...upgrades].flatMap(([id, at]): PlannedFault[] => [
    { at, fault: { word: 'kill', nodes: [id] } },
    { at: at + downMs, fault: { word: 'restart', nodes: [id] } },
  ])
  return { ...plan, faults: [...plan.faults, ...more].sort((a, b) => a.at - b.at) }
}

/** Installs the next release while a node is down for it. */
function installing(upgrades: ReadonlyMap<NodeId, number>) {
  const due = new Map(upgrades)
  return ({ cluster }: InHand) => {
    for (const [id, at] of due) {
      if (cluster.now < at) continue
      due.delete(id)
      cluster.equip(id, features)
    }
    return undefined
  }
}

interface Outcome {
  readonly upgrades: ReadonlyMap<NodeId, number>
  readonly faults: readonly unknown[]
  /** Moments at which some node took the features for switched on. */
  readonly switched: readonly number[]
}

async function play(stage: Stage, seed: number, climate: Climate): Promise<Outcome> {
  const plan = makePlan({ seed, climate, readAnywhere: true })
  const upgrades = upgradesOf(plan)
  const told: Moment[] = []
  const hear = (event: Moment) => void told.push(event)
  const { findings } = await simulate(stage, withUpgrades(plan, upgrades), hear, installing(upgrades))
  // Disks fail in a season; a node that cannot read its log fails otherwise.
  const failed = told.filter((one) => one.event === 'node_failed' && /which this release/.test(String(one.message)))
  const switched = told.filter(({ event }) => event === 'features_on').map(({ at }) => at)
  return { upgrades, faults: [...findings, ...failed], switched }
}

const seeds = isLong ? 300 : 8

for (const climate of ['storm', 'churn'] as const)
  t.test(`${climate}: nodes of two releases run together, and nothing new is used before all know it`, async (t) => {
    let isSwitched = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const { upgrades, faults, switched } = await play(production, seed, climate)
      t.same(faults, [], `seed ${seed}`)
      const nodes = makePlan({ seed, climate, readAnywhere: true }).nodes
      const last = upgrades.size === nodes ? Math.max(...upgrades.values()) : Number.POSITIVE_INFINITY
      t.ok(
        switched.every((at) => at >= last),
        `seed ${seed}: not before the last node`,
      )
      if (switched.length > 0) isSwitched++
    }
    t.ok(isSwitched > 0, 'and then it is used')
  })

t.test('a majority that switches features on is found: the other nodes stop', async (t) => {
  const wrong = replacing({ tick: replaced(right.tick, proposeFeatures, proposeByMajority) })
  let found = 0
  for (let seed = 1; seed <= 10 && found === 0; seed++) found = (await play(wrong, seed, 'storm')).faults.length
  t.ok(found > 0)
})
