import type { EntryId, SnapshotHeader } from '../../src/contracts.js'
import { nobody, type Server } from './configuration.js'

/**
 * The header of the first snapshot of a cluster that begins with a state, and not with an empty log: after a backup was
 * restored, or after a majority was lost for good. Its origin is a new one. So no node of the old cluster is heard in the
 * new one, nor the other way round: both have entries of the same indexes, and no check of a log would see the difference.
 */
export function headerOfNewCluster(
  { index, term }: EntryId,
  origin: string,
  voters: readonly Server[],
): SnapshotHeader {
  return { index, term, configurationIndex: index, configuration: { ...nobody, origin, voters } }
}
