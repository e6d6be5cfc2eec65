import type { Recovered } from '../../src/contracts.js'

/** The term in which a cluster is founded. */
export const foundingTerm = 1

/**
 * Checks whether a disk holds nothing of a cluster. The term of the founding alone is nothing: a founding that a crash
 * cut short may leave it, without the entry that founds. Each later term is a cluster's.
 */
export function isBlank({ term, votedFor, entries, snapshots }: Recovered): boolean {
  return term <= foundingTerm && votedFor === null && entries.length === 0 && snapshots.length === 0
}
