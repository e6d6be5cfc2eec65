import type { GuaranteeId } from '../contracts.js'
import type { StageFacts } from '../stage.js'
import { guarantees } from './guarantees.js'

export type Declared = 'holds' | 'violated' | 'unavailable' | 'not applicable'

export const guaranteeIds = Object.keys(guarantees) as GuaranteeId[]

type Says = Pick<StageFacts, 'gives' | 'stalls' | 'breaks'>

/**
 * Reads the verdict that a stage's table declares for a guarantee; a guarantee that the table does not name is not
 * applicable.
 */
export function declared({ gives, stalls, breaks }: Says, id: GuaranteeId): Declared {
  if (gives.includes(id)) return 'holds'
  if (Object.hasOwn(stalls, id)) return 'unavailable'
  return Object.hasOwn(breaks, id) ? 'violated' : 'not applicable'
}

/** Reads what a table names to show that a guarantee is broken, or kept by standing still: a scenario, or `storm`. */
export function shownBy({ stalls, breaks }: Says, id: GuaranteeId): string | undefined {
  return breaks[id] ?? stalls[id]
}
