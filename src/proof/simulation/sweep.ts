import type { GuaranteeId } from '../../contracts.js'
import type { Stage } from '../../stage.js'
import { withChanges } from './changes.js'
import { withHandovers } from './handovers.js'
import type { Finding } from './judge.js'
import { withLearners } from './learners.js'
import { type Climate, makePlan, type Plan } from './plan.js'
import { shrink, upTo } from './shrink.js'
import { type Moment, type Room, type Run, simulate } from './simulate.js'
import { tellStory } from './story.js'

/** Makes the plan of a seed for a stage: from stage 2 on, reads may go to any node, since all should hold the data. */
export function planFor(stage: Stage, seed: number, climate: Climate): Plan {
  const plan = makePlan({ seed, climate, readAnywhere: stage.number >= 2 })
  const changed = stage.members === 'changing' ? withChanges(plan) : plan
  const learning = 'promote' in stage.commands ? withLearners(changed) : changed
  return 'transfer_leader' in stage.commands ? withHandovers(learning) : learning
}

/** One run of a sweep, small enough to be sent between threads. */
export interface SweepResult {
  readonly seed: number
  readonly climate: Climate
  readonly traceHash: string
  /** A hash over every message that was sent. */
  readonly messageHash: string
  readonly virtualMs: number
  readonly operations: number
  readonly counters: Run['counters']
  readonly findings: readonly Finding[]
}

export async function runSeed(
  stage: Stage,
  seed: number,
  climate: Climate,
  hear?: (event: Moment) => void,
  room?: Room,
): Promise<SweepResult> {
  const run = await simulate(stage, planFor(stage, seed, climate), hear, room)
  const { traceHash, messageHash, virtualMs, counters, findings } = run
  return { seed, climate, traceHash, messageHash, virtualMs, operations: run.operations.length, counters, findings }
}

/**
 * Shrinks a seed's run to its smallest disaster, as a story.
 *
 * @param tell called with each plan that is tried
 * @param hear called with every event of the smallest run
 * @throws Error if the seed does not break the guarantee
 */
export async function smallestDisaster(
  stage: Stage,
  seed: number,
  climate: Climate,
  guarantee: GuaranteeId,
  tell: (plan: Plan) => void = () => {},
  hear: (event: Moment) => void = () => {},
): Promise<string[]> {
  const play = async (plan: Plan, hear?: (event: Moment) => void) => {
    tell(plan)
    const run = await simulate(stage, plan, hear)
    return { run, finding: run.findings.find((found) => found.guarantee === guarantee) }
  }
  const breaks = async (plan: Plan) => (await play(plan)).finding !== undefined
  const whole = planFor(stage, seed, climate)
  const { run, finding } = await play(whole)
  if (!finding) throw new Error(`seed ${seed} does not break ${guarantee} at stage ${stage.number}`)
  const early = upTo(whole, run.operations, finding.at)
  const smallest = await shrink((await breaks(early)) ? early : whole, breaks)
  const events: Moment[] = []
  const last = await play(smallest, (event) => void events.push(event))
  for (const event of events) hear(event)
  return tellStory(stage.number, last.run, last.finding!, events)
}
