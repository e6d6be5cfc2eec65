import type { GuaranteeId } from '../contracts.js'

/**
 * How a stage does in a scenario: it *holds* what the scenario asks for; it *violates* it, and the transcript is the
 * witness; or it is safe but *unavailable*: nothing wrong was said, but something was not done.
 */
export type Verdict = 'holds' | 'violated' | 'unavailable'

/** A script of the catalogue, parsed. */
export interface Scenario {
  /** `N3`; stable once published. */
  readonly id: string
  readonly title: string
  /** What the scenario puts to the test. */
  readonly guarantee: GuaranteeId
  /** A sentence or two for a person. */
  readonly about: string
  /** Where it can be played: in virtual time, on real processes, or both. */
  readonly drivers: readonly ('virtual' | 'real')[]
  /** The body of the script. */
  readonly statements: readonly Statement[]
}

/** What a client is expected to be told; any of the alternatives will do. */
export type Expectation =
  | { readonly kind: 'done' | 'not done' | 'unknown' | 'refused'; readonly code?: string }
  | { readonly kind: 'value'; readonly value: string | null }

/** One line of a script. `text` is the line as it was written. */
export type Statement = { readonly text: string; readonly line: number } & (
  | { readonly kind: 'comment' }
  | { readonly kind: 'fault'; readonly words: string }
  | { readonly kind: 'delay'; readonly minMs: number; readonly maxMs: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'all equal' }
  | { readonly kind: 'linearizable' }
  | {
      readonly kind: 'call'
      readonly client: string
      readonly words: string
      /** Goes on without waiting for the answer. */
      readonly background: boolean
      readonly expected: readonly Expectation[]
    }
  | { readonly kind: 'repeat'; readonly times: number; readonly body: readonly Statement[] }
)

/** What came of playing a scenario. */
export interface Played {
  readonly scenario: Scenario
  readonly stage: number
  readonly driver: 'virtual' | 'real'
  readonly verdict: Verdict
  /** What was done and said, a line each, without colours; the same every time in virtual time. */
  readonly transcript: readonly string[]
  /** The part of the transcript that proves a violation, ten lines at most; empty otherwise. */
  readonly witness: readonly string[]
}
