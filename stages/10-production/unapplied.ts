import type { Index } from '../../src/contracts.js'

/** The entries that were handed to the state machine and are not performed. */
export interface Unapplied {
  /** The entries of each turn: the last index, and the bytes of memory that they take. */
  readonly turns: { readonly upTo: Index; readonly bytes: number }[]
  /** Bytes of memory of all of them. */
  bytes: number
  /** True while the state machine is so far behind that a follower takes no more entries. */
  isTooMuch: boolean
}

export const noneUnapplied = (): Unapplied => ({ turns: [], bytes: 0, isTooMuch: false })
