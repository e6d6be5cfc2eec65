import type { GuaranteeId } from '../contracts.js'
import { guarantees } from '../guarantees.js'
import type { StageFacts } from '../stage.js'

export type Declared = 'holds' | 'violated' | 'not applicable'

export const guaranteeIds = Object.keys(guarantees) as GuaranteeId[]

/** What a stage's table says of a guarantee. Of one that it neither gives nor breaks it has nothing to say. */
export function declared({ gives, breaks }: Pick<StageFacts, 'gives' | 'breaks'>, id: GuaranteeId): Declared {
  if (gives.includes(id)) return 'holds'
  return Object.hasOwn(breaks, id) ? 'violated' : 'not applicable'
}
