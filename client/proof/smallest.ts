import type { GuaranteeId } from '../../src/contracts.js'
import type { Climate, Plan } from '../../src/proof/simulation/plan.js'
import type { Moment } from '../../src/proof/simulation/simulate.js'
import { smallestDisaster } from '../../src/proof/simulation/sweep.js'
import type { Stage } from '../../src/stage.js'
import { progress } from '../text/progress.js'

/**
 * Finds the smallest disaster of a seed, and tells it as a story; meanwhile a person sees its present size. @param hear
 * called with every event of the smallest run
 */
export async function smallest(
  stage: Stage,
  seed: number,
  climate: Climate,
  id: GuaranteeId,
  hear?: (event: Moment) => void,
): Promise<string[]> {
  const { note, clear } = progress(1)
  let played = 0
  try {
    const tell = ({ calls, faults }: Plan) =>
      note(`makes it smaller: ${++played} runs played; the last had ${calls.length} calls and ${faults.length} faults`)
    return await smallestDisaster(stage, seed, climate, id, tell, hear)
  } finally {
    clear()
  }
}
