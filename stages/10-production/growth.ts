import type { Index, Term } from '../../src/contracts.js'

/** The commands that a leader has proposed and not performed yet: the entries after `from` up to `upTo`. */
export interface Growth {
  /** The leader's term in which these entries were counted. */
  term: Term
  from: Index
  upTo: Index
  /** Bytes by which all of them may let the state grow, at most. */
  bytes: number
  /** The same, entry by entry. */
  readonly of: Map<Index, number>
}

export function noGrowth(): Growth {
  return { term: 0, from: 0, upTo: 0, bytes: 0, of: new Map() }
}
