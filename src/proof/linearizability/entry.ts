import type { Operation } from './history.js'
import type { State } from './model.js'

/** An operation as the search sees it: its moments are positions in the {@link Timeline}. */
export interface Entry {
  readonly operation: Operation
  readonly kind: 'get' | 'set' | 'delete' | 'append' | 'cas'
  /** It never returns, so it may be left out of the order. An answer, if there is one, counts if it is not. */
  readonly optional: boolean
  /** See {@link isObservation}. */
  readonly observation: boolean
  /** See {@link requiredState}. */
  readonly requires: State | undefined
  /** See {@link resultingState}. */
  readonly results: State | undefined
  /** A `done` append: how long the value was that it found. */
  readonly room: number | undefined
  /** Operations of one sort do the same, as far as anybody can tell. */
  sort: number
  /** When optional: its sort once nobody is to read any more what it wrote. */
  unreadSort: number
  readonly call: number
  /** Infinity when optional. */
  readonly return: number
  /** When the search may forget the operation: its return or, when optional, the last answer that could show it. */
  close: number
  /** Its place in a configuration while it is open. */
  slot: number
}
