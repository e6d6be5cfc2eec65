import type { NodeOptions } from '../../src/contracts.js'
import { type Replica, replica } from '../4-log-replication/replica.js'

/** A replica that listens for its leader. */
export interface Listener extends Replica {
  /** Ticks since the leader was last heard. */
  silentTicks: number
  /** Ticks since the leader last spoke to everybody. */
  quietTicks: number
}

export function listener(options: NodeOptions) {
  return { ...replica(options), silentTicks: 0, quietTicks: 0 }
}
