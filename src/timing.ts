export interface Timing {
  /** Milliseconds of one step of logical time. */
  readonly tickMs: number
  /** Ticks for which a node keeps a client waiting before it answers `timeout`. */
  readonly requestTimeoutTicks: number
  /** Ticks between two heartbeats of an idle leader (§5.2). */
  readonly heartbeatTicks: number
  /**
   * The election time-out in ticks, for which a follower bears the leader's silence. It is at least this long, and less
   * than twice as long where chance decides (§5.2). Several heartbeats must fit into it.
   */
  readonly electionTicks: number
  /**
   * Bytes of entries in one message to a follower at most, but one entry at least; not time, but as much a matter of
   * pace.
   */
  readonly appendBytes: number
  /** Entries after which a snapshot is due. */
  readonly snapshotEntries: number
  /** Bytes of entries after which a snapshot is due. */
  readonly snapshotBytes: number
  /** Bytes of a snapshot in one message to a follower, at most. */
  readonly chunkBytes: number
  /**
   * Milliseconds for which a majority's confirmation lets a leader answer reads without asking again, by its own clock
   * (stage 10); 0 if it is to ask always.
   */
  readonly leaseMs: number
  /** Entries whose results the nodes compare, as one number (stage 10); left out if they do not compare. */
  readonly compareEntries?: number
  /**
   * Bytes of memory that committed entries may take before a slow state machine (stage 10); 128 MiB if it is left out.
   */
  readonly unappliedBytes?: number
  /** Ticks of the cluster's time after which an unused session ends (stage 9). */
  readonly sessionTicks: number
  /** Sessions that may be open at once. */
  readonly sessions: number
  /** Bytes of answers that all sessions may keep together, before the largest session ends. */
  readonly sessionBytes: number
}

/** Heartbeats every 100 ms, an election after 1 to 2 s of silence: a Node process may well be busy for 100 ms. */
export const defaultTiming: Timing = {
  tickMs: 10,
  requestTimeoutTicks: 200,
  heartbeatTicks: 10,
  electionTicks: 100,
  appendBytes: 1024 * 1024,
  snapshotEntries: 50_000,
  snapshotBytes: 64 * 1024 * 1024,
  chunkBytes: 256 * 1024,
  leaseMs: 0,
  sessionTicks: 60_000,
  sessions: 16_384,
  sessionBytes: 16 * 1024 * 1024,
}
