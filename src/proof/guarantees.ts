import type { GuaranteeId } from '../contracts.js'

/** The promise of each guarantee to a user of the cluster, in one line. */
export const guarantees: Readonly<Record<GuaranteeId, string>> = {
  G1: 'hostile bytes on the wire harm nobody',
  G2: 'a client knows: done, refused or unknown',
  G3: 'without faults, the store answers as a single copy would (linearizable)',
  G4: 'OK means that a majority holds it',
  G5: 'a write that found no majority leaves no visible trace',
  G6: 'replicas converge',
  G7: 'acknowledged data survives the loss of the leader',
  G8: 'acknowledged data survives a power loss of all nodes',
  G9: "the leader's silence is noticed in bounded time",
  G10: 'a new leader takes over by itself',
  G11: 'at most one leader a term',
  G12: 'linearizable under partitions and pauses',
  G13: 'a retried request is applied once',
  G14: 'the log stays bounded, and a laggard catches up fast',
  G15: 'members change without losing G7 or G11',
  G16: 'leadership is stable under pauses, flapping and partial links',
}
