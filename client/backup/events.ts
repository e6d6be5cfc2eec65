/** Events of backups, and of clusters that begin anew with a state. */
import type { BackupHeader } from '../../src/backup/format.js'
import type { NodeId } from '../../src/contracts.js'

/** The end of a stopped node's log, and what is known of it. */
export interface LogEnd {
  readonly folder: string
  readonly node: NodeId
  readonly cluster: string
  /** The origin of its cluster; empty if it knows of none. */
  readonly origin: string
  /** The last entry of the log. */
  readonly index: number
  readonly term: number
  /** The last entry that the disk knows to be committed; 0 if it knows of none. */
  readonly commit: number
  /** The names of the voters, as this log has them. */
  readonly voters: readonly NodeId[]
  /** True if a node would start on it. */
  readonly sound: boolean
}

/** The moment of a backup. With an `engine`, which is none of ours, the index is that engine's revision. */
type Place = Pick<BackupHeader, 'cluster' | 'origin' | 'index' | 'term' | 'engine'>

declare module '../../src/events.js' {
  interface EventDetails {
    /** Bytes of some work that are done, of how many, and bytes in a second so far. */
    bytes_done: { work: 'backup' | 'verify' | 'restore'; bytes: number; total: number; perSecond: number }
    /** A file holds the state of one moment, whole and durable. */
    backed_up: Place & {
      file: string
      from: string
      entries: number
      bytes: number
      sha256: string
      /** Entries that a stopped node has behind the moment, and does not know to be committed: they are not in it. */
      unknown: number
    }
    /** A file is the backup that was written. */
    verified: Place & { file: string; entries: number; bytes: number; sha256: string; written: string }
    /** Folders were made, whose nodes begin with the state of a backup. */
    restored: { file: string; folders: readonly string[]; origin: string; index: number; entries: number }
    /** A running store of another engine holds a backup: its entries were counted and compared, of one moment. */
    restored_into: {
      file: string
      engine: 'etcd'
      addresses: readonly string[]
      entries: number
      /** Entries that it held before. */
      found: number
      /** The SHA-256 of the lines of the entries, in hex. */
      sha256: string
    }
    /** The end of a stopped node's log. */
    log_end: LogEnd
    /** The survivor that has the most, by the rule of elections (§5.4.1). */
    best_survivor: { folder: string; node: NodeId }
    /** A stopped node could begin a new cluster, and an operator has not said yet that it may. */
    would_recover: LogEnd
    /** A stopped node begins a new cluster, alone, with all that it has. */
    recovered: LogEnd & { newOrigin: string; newIndex: number; client: string; peer: string }
  }
}
