import type { GuaranteeId } from '../../src/contracts.js'
import type { Climate } from '../../src/proof/simulation/plan.js'
import { smallestDisaster } from '../../src/proof/simulation/sweep.js'
import type { Stage } from '../../src/stage.js'
import { progress } from '../text/progress.js'

/** Finds the smallest disaster of a seed, and tells it as a story; meanwhile a person sees its present size. */
export async function smallest(stage: Stage, seed: number, climate: Climate, id: GuaranteeId): Promise<string[]> {
  const { note, clear } = progress(1)
  let played = 0
  try {
    return await smallestDisaster(stage, seed, climate, id, ({ calls, faults }) =>
      note(`makes it smaller: ${++played} runs played; the last had ${calls.length} calls and ${faults.length} faults`),
    )
  } finally {
    clear()
  }
}
