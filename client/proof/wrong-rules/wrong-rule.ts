import type { GuaranteeId } from '../../../src/contracts.js'
import type { Climate } from '../../../src/proof/simulation/plan.js'
import type { Stage } from '../../../src/stage.js'

/**
 * A wrong rule, as a programmer might have written it, put into a stage's table in place of the right one. So the
 * reason for the right rule can be watched (`npx raft-roadmap break`), and the suite is shown to be able to fail.
 */
export interface WrongRule {
  readonly name: string
  /** The fault of the rule, and its consequence. */
  readonly what: string
  readonly stage: Stage
  readonly caught: Caught
}

/**
 * The place where a wrong rule fails: a guarantee that breaks within `seeds` seeds, a scenario that no longer holds, or
 * a claim of the paper that the stage's tests put to its cores by hand.
 */
export type Caught =
  | { readonly guarantee: GuaranteeId; readonly climate: Climate; readonly seeds: number }
  | { readonly scenario: string }
  | { readonly claim: string }
