/** The choice of a snapshot at a start, among those that the log has records of. */
import { type Event, type Index, type PersistRecord, type Snapshot, theBeginning } from '../contracts.js'
import { DamagedLogError, replaceAdvice } from './errors.js'
import type { LogBounds } from './recover.js'
import type { Found, SnapshotFolder } from './snapshots.js'

declare module '../events.js' {
  interface EventDetails {
    /** `instead` is the snapshot from which the node goes on, 0 for none. */
    snapshot_damaged: { file: string; what: string; instead: Index }
  }
}

export interface Choice {
  readonly found: readonly Found[]
  /** Snapshots from which the log can go on, the newest first. */
  readonly sound: readonly Snapshot[]
  /**
   * A record to be written if the newest snapshot cannot be read. The node goes on from an older state, and the log no
   * longer counts on the newest.
   */
  readonly record: PersistRecord | null
}

/** Selects the sound snapshots to which a log with this first entry reaches back. */
export function usable(found: readonly Found[], first: Index): Snapshot[] {
  return found.flatMap(({ snapshot }) => snapshot ?? []).filter(({ index }) => index >= first - 1)
}

/**
 * Reads the snapshots and changes nothing. If the newest cannot be used the older one is, or all entries from the
 * first on, because the log reaches back as far.
 *
 * @param notice hears `snapshot_damaged` of each: `file` and `what`
 * @throws DamagedLogError if there is nothing to go on from
 */
export async function chooseSnapshots(
  folder: SnapshotFolder,
  { first, snapshots }: LogBounds,
  notice: (event: Event) => void,
): Promise<Choice> {
  const found = await folder.find(snapshots)
  const sound = usable(found, first)
  const [newest] = found
  if (newest && sound.length === 0 && first > 1) throw new DamagedLogError(newest.path, newest.what, replaceAdvice)
  for (const { path, what, snapshot } of found)
    if (!snapshot) notice({ event: 'snapshot_damaged', file: path, what, instead: sound[0]?.index ?? 0 })
  if (!newest || newest.snapshot) return { found, sound, record: null }
  const { index, term } = sound[0] ?? theBeginning
  return { found, sound, record: { record: 'snapshot', snapshot: { index, term } } }
}
