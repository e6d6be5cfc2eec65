import type { Index, NodeId, Result } from '../../src/contracts.js'

/** The results of a node's state machine, as short numbers: one for each window of so many entries. */
export interface Sums {
  /** The first index from which on this life has performed all entries. */
  since: Index
  /** Commands that the state machine performs at present. */
  performing: { readonly index: Index; readonly result: Result }[]
  /** The window that is not whole so far: the index of its last entry, and the sum of its results. */
  window: { upTo: Index; sum: number }
  /** On a leader: the sums that were heard, by window and node. */
  readonly heard: Map<Index, Map<NodeId, number>>
  /** The reason to stop; null while there is none. */
  verdict: string | null
}

export const noSums = (since: Index): Sums => ({
  since,
  performing: [],
  window: { upTo: 0, sum: 0 },
  heard: new Map(),
  verdict: null,
})
