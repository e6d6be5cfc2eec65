/** Small numbers, so that a script can count: an election after 15 ticks, since chance is always one half. */
export const timing = {
  tickMs: 10,
  requestTimeoutTicks: 60,
  heartbeatTicks: 3,
  electionTicks: 10,
  appendBytes: 1024 * 1024,
  snapshotEntries: 5,
  snapshotBytes: 1024 * 1024,
  chunkBytes: 8,
  leaseMs: 0,
  sessionTicks: 1_000,
  sessions: 4,
  sessionBytes: 10_000,
}
export const electionTimeoutTicks = 15
