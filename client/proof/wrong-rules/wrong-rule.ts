import type { GuaranteeId } from '../../../src/contracts.js'
import type { Climate } from '../../../src/proof/simulation/plan.js'
import type { Stage } from '../../../src/stage.js'

/**
 * A rule as somebody might have got it wrong, put into a stage's table in place of the right one: the reason for the
 * right one becomes something to watch (`raft-roadmap break`), and the suite is shown to be able to fail.
 */
export interface WrongRule {
  readonly name: string
  /** What is wrong about it, and what comes of that. */
  readonly what: string
  readonly stage: Stage
  readonly caught: Caught
}

/**
 * Where it shows: a guarantee that breaks within so many seeds, a scenario that no longer holds, or a claim of the
 * paper that the stage's tests put to its cores by hand.
 */
export type Caught =
  | { readonly guarantee: GuaranteeId; readonly climate: Climate; readonly seeds: number }
  | { readonly scenario: string }
  | { readonly claim: string }
