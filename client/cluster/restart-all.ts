import type { Event, NodeId, Status } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { mostKnowing } from '../../src/server/readiness.js'
import type { RunningCluster } from '../engine/cluster.js'

/** Milliseconds that a node may take to get all that was committed while it was away. */
const catchUpMs = 60_000
const pollMs = 20

/** A cluster whose nodes can be ended and started again one by one. */
export interface Restartable {
  nodes(): readonly { readonly id: NodeId; readonly condition: string }[]
  /** Reads the status of all nodes that answer. */
  statuses(): Promise<readonly Status[]>
  /** Asks a node to end, and waits until it has. */
  stop(id: NodeId): Promise<Event>
  /** Starts a node again, and waits until it serves. @throws ConfigError if it cannot */
  restart(id: NodeId): Promise<Event>
}

/** The nodes of a cluster that this process supervises. */
export function supervised(cluster: RunningCluster): Restartable {
  const { faults } = cluster
  return {
    nodes: () => cluster.nodes(),
    statuses: () => cluster.statuses(),
    stop: (id) => faults.stop(id),
    restart: (id) => faults.restart(id),
  }
}

/** Checks whether a line asks for a restart of the whole cluster. */
export const isRestartAll = (line: string) => /^restart\s+all$/.test(line.trim())

/**
 * Restarts a cluster node by node, the leader last: each node is asked to end, is started again, and has caught up before
 * the next one is asked. From stage 10 on no call is lost.
 *
 * @param say called with each event when it has happened
 * @param signal ends the restart before the next node
 * @throws ConfigError if a node does not start, or does not catch up: the nodes behind it are left as they are
 */
export async function restartAll(
  cluster: Restartable,
  say: (event: Event) => void,
  signal?: AbortSignal,
): Promise<void> {
  const paused = cluster.nodes().find(({ condition }) => condition === 'paused')
  if (paused) throw new ConfigError(`${paused.id} is paused; \`resume ${paused.id}\` first`)
  const waiting = new Set(cluster.nodes().map(({ id }) => id))
  while (waiting.size > 0 && !signal?.aborted) {
    const leader = mostKnowing(await cluster.statuses())?.id
    const next = [...waiting].find((id) => id !== leader) ?? [...waiting][0]!
    waiting.delete(next)
    const isDead = cluster.nodes().find(({ id }) => id === next)?.condition === 'dead'
    if (!isDead) say(await cluster.stop(next))
    const committed = mostKnowing(await cluster.statuses())?.commit ?? 0
    say(await cluster.restart(next))
    await caughtUp(cluster, next, committed)
  }
}

async function caughtUp(cluster: Restartable, id: NodeId, committed: number): Promise<void> {
  const end = performance.now() + catchUpMs
  while (performance.now() < end) {
    const status = (await cluster.statuses()).find((one) => one.id === id)
    if (status && status.applied >= committed && (status.leader !== null || status.role === 'standalone')) return
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  throw new ConfigError(`${id} has not caught up in ${catchUpMs / 1_000} s, so the next node is left as it is`)
}
