import type { Operation } from './history.js'
import type { State } from './model.js'

/** An operation as the search sees it: its moments are positions in the {@link Timeline}. */
export interface Entry {
  readonly operation: Operation
  readonly kind: 'get' | 'set' | 'delete' | 'append' | 'cas'
  /**
   * True if the operation never returns, so that it may be left out of the order. If it is in the order, its answer, if
   * any, counts.
   */
  readonly optional: boolean
  /** True if the operation cannot change the key; see {@link isObservation}. */
  readonly observation: boolean
  /** The state that the operation requires; see {@link requiredState}. */
  readonly requires: State | undefined
  /** The state that the operation leaves; see {@link resultingState}. */
  readonly results: State | undefined
  /** The length of the value that a `done` append found. */
  readonly room: number | undefined
  /** The sort of the operation; no answer can tell operations of one sort apart. */
  sort: number
  /** The sort of an optional operation once no operation can still read its value. */
  unreadSort: number
  readonly call: number
  /** The position of the return; infinity for an optional operation. */
  readonly return: number
  /**
   * The position at which the search may forget the operation: its return or, if optional, the last answer that could
   * show it.
   */
  close: number
  /** The operation's place in a configuration while it is open. */
  slot: number
}
