/** Committed entries and reads on their way to the state machine. Part of the doors, see `contracts.ts`. */

import type { Payload } from './entries.js'
import type { Index, Term } from './ids.js'
import type { Answer, RequestId } from './requests.js'

/**
 * A committed entry, to be performed in its turn. Only a command goes to the state machine. `request` names the client
 * of this node that waits for the result; null if none does.
 */
export interface Apply {
  readonly index: Index
  readonly term: Term
  readonly payload: Payload
  readonly request: RequestId | null
  /** Fields that the rules add to the answer for this one client. */
  fields?: Readonly<Record<string, unknown>>
}

/** The answer to an entry; null while the state machine has not given it, and for an entry that has none. */
export interface Result {
  answer: Answer | null
}

/** The decision of the rules about a committed entry. */
export interface Performance {
  /** True if the state machine performs the entry's command; its answer is put into {@link result}. */
  readonly isNew: boolean
  /** The place for the answer. Several entries share one where they are copies of one call. */
  readonly result: Result
}

/** A read that is not in the log. `request` names the client of this node that waits for its result. */
export interface Query {
  /** The command, in the form in which it would stand in an entry. */
  readonly command: unknown
  readonly request: RequestId
  /** The number of the same turn's {@link Effects.apply} that are performed before the read. */
  readonly behind: number
  /** Fields that the rules add to the answer. */
  readonly fields?: Readonly<Record<string, unknown>>
}
