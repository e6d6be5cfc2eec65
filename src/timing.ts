export interface Timing {
  /** One step of logical time, in milliseconds. */
  readonly tickMs: number
  /** How long a node keeps a client waiting before it answers `timeout`, in ticks. */
  readonly requestTimeoutTicks: number
  /** An idle leader speaks this often, in ticks (§5.2). */
  readonly heartbeatTicks: number
  /**
   * How long a follower bears the leader's silence, in ticks: at least this long, less than twice as long where chance
   * decides (§5.2). Several heartbeats must fit into it.
   */
  readonly electionTicks: number
  /** Bytes of entries in one message to a follower, at least one entry; not time, but as much a matter of pace. */
  readonly appendBytes: number
  /** A snapshot is due after so many entries, or so many bytes of them. */
  readonly snapshotEntries: number
  readonly snapshotBytes: number
  /** Bytes of a snapshot in one message to a follower, at most. */
  readonly chunkBytes: number
}

/** Heartbeats every 100 ms, an election after 1 to 2 s of silence: a Node process may well be busy for 100 ms. */
export const defaultTiming: Timing = {
  tickMs: 10,
  requestTimeoutTicks: 200,
  heartbeatTicks: 10,
  electionTicks: 100,
  appendBytes: 1024 * 1024,
  snapshotEntries: 10_000,
  snapshotBytes: 64 * 1024 * 1024,
  chunkBytes: 256 * 1024,
}
