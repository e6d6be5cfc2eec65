import type { GuaranteeId } from '../../src/contracts.js'
import { guarantees } from '../../src/proof/guarantees.js'
import type { Stage } from '../../src/stage.js'
import type { GuaranteeShown, Hello } from './protocol.js'

/** Collects what a page says of a stage, whatever the run. */
export function aboutStage(stage: Stage): Pick<Hello, 'stage' | 'guarantees' | 'partsAt' | 'hasBeside'> {
  const { number, name, title } = stage
  return { stage: { number, name, title }, guarantees: guaranteesOf(stage), partsAt: null, hasBeside: false }
}

function guaranteesOf({ gives, stalls, breaks }: Stage): GuaranteeShown[] {
  return Object.entries(guarantees).map(([id, promise]) => {
    const [stalled, broken] = [stalls[id as GuaranteeId], breaks[id as GuaranteeId]]
    const says = gives.includes(id as GuaranteeId) ? 'gives' : broken ? 'breaks' : stalled ? 'stalls' : 'nothing'
    const scenario = broken ?? stalled
    return { id, promise, says, ...(scenario && { scenario }) }
  })
}
