import type { GuaranteeId } from '../contracts.js'
import type { Stage } from '../stage.js'
import { withChanges } from './changes.js'
import { type Climate, makePlan, type Plan } from './plan.js'
import { shrink } from './shrink.js'
import { type Finding, type Run, simulate, type Traced } from './simulate.js'
import { tellStory } from './story.js'

/** The plan that a seed stands for at a stage: from stage 2 on, any node may be asked for what all should hold. */
export function planFor(stage: Stage, seed: number, climate: Climate): Plan {
  const plan = makePlan({ seed, climate, readAnywhere: stage.number >= 2 })
  return stage.members === 'changing' ? withChanges(plan) : plan
}

/** One run of a sweep, small enough to be sent between threads. */
export interface SweepResult {
  readonly seed: number
  readonly climate: Climate
  readonly traceHash: string
  readonly virtualMs: number
  readonly operations: number
  readonly counters: Run['counters']
  readonly findings: readonly Finding[]
}

export async function runSeed(
  stage: Stage,
  seed: number,
  climate: Climate,
  hear?: (event: Traced) => void,
): Promise<SweepResult> {
  const { traceHash, virtualMs, operations, counters, findings } = await simulate(
    stage,
    planFor(stage, seed, climate),
    hear,
  )
  return { seed, climate, traceHash, virtualMs, operations: operations.length, counters, findings }
}

/** The smallest disaster that a seed can be shrunk to, told in ten lines at most. */
export async function smallestDisaster(
  stage: Stage,
  seed: number,
  climate: Climate,
  guarantee: GuaranteeId,
): Promise<string[]> {
  const breaks = async (plan: Plan) =>
    (await simulate(stage, plan)).findings.some((found) => found.guarantee === guarantee)
  const smallest = await shrink(planFor(stage, seed, climate), breaks)
  const run = await simulate(stage, smallest)
  const finding = run.findings.find((found) => found.guarantee === guarantee)
  if (!finding) throw new Error(`seed ${seed} does not break ${guarantee} at stage ${stage.number}`)
  return tellStory(stage.number, run, finding)
}
