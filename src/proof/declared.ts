import type { GuaranteeId } from '../contracts.js'
import type { StageFacts } from '../stage.js'
import { guarantees } from './guarantees.js'

export type Declared = 'holds' | 'violated' | 'unavailable' | 'not applicable'

export const guaranteeIds = Object.keys(guarantees) as GuaranteeId[]

type Says = Pick<StageFacts, 'gives' | 'stalls' | 'breaks'>

/** What a stage's table says of a guarantee. Of one that it does not name it has nothing to say. */
export function declared({ gives, stalls, breaks }: Says, id: GuaranteeId): Declared {
  if (gives.includes(id)) return 'holds'
  if (Object.hasOwn(stalls, id)) return 'unavailable'
  return Object.hasOwn(breaks, id) ? 'violated' : 'not applicable'
}

/** What a table names to show that a guarantee is broken, or kept by standing still: a scenario, or `storm`. */
export function shownBy({ stalls, breaks }: Says, id: GuaranteeId): string | undefined {
  return breaks[id] ?? stalls[id]
}
