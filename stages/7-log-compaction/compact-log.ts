import type { EntryId, SnapshotHeader } from '../../src/contracts.js'
import { Log } from '../4-log-replication/log.js'

/**
 * A log whose beginning a snapshot holds (§7): the sentinel stands at the snapshot's edge, and every index keeps its
 * meaning.
 */
export class CompactLog extends Log {
  /** The last entry that is not in the log any more; index and term 0 while nothing was let go. */
  get edge(): EntryId {
    return this.sentinel
  }

  /** Lets go of all entries up to this one. */
  forget(edge: EntryId): void {
    if (edge.index < this.first) return
    if (this.termAt(edge.index) !== edge.term)
      throw new Error(`entry ${edge.index} is not the one that a snapshot holds`)
    this.entries = this.from(edge.index + 1)
    this.sentinel = edge
  }

  /** Lets go of all entries, and begins anew behind the last entry that a snapshot holds. */
  beginAfter({ index, term }: SnapshotHeader): void {
    this.entries = []
    this.sentinel = { index, term }
  }
}
