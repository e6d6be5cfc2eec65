/** A running cluster, as a prompt, a script and a scenario need it, whichever engine its nodes are of. */
import type { Cluster } from '../../src/server/cluster.js'
import type { ProcessFaults } from '../../src/server/process-faults.js'

/** Faults that can be done to the processes of a cluster. */
export type Faults = Pick<ProcessFaults, Exclude<keyof ProcessFaults, 'tell' | 'forget'>>

/** Processes that were started here, and faults that can be done to them. */
export interface RunningCluster
  extends Pick<
    Cluster,
    'nodes' | 'look' | 'statuses' | 'ready' | 'isReady' | 'awaited' | 'exitCode' | 'stop' | 'hosts'
  > {
  readonly faults: Faults
}
