import type { Cluster } from '../src/cluster.js'
import type { Event } from '../src/contracts.js'
import { parseFault } from '../src/faults.js'
import { UsageError } from './words.js'

/**
 * Does what a line of fault words says, and answers with what happened, an event for each node or link concerned.
 *
 * @throws UsageError if it says nothing of the kind; ConfigError if a node is not in a state for it
 */
export async function performFault(cluster: Cluster, line: string): Promise<Event[]> {
  const fault = parseFault(line)
  if ('problem' in fault) throw new UsageError(fault.problem)
  if (fault.word === 'heal') return [await cluster.heal()]
  if (fault.word === 'cut') return [await cluster.cut(fault.from, fault.to, fault.bothWays)]
  if (fault.word === 'split') return [await cluster.split(fault.nodes)]
  const events: Event[] = []
  for (const node of fault.nodes) events.push(await cluster[fault.word](node))
  return events
}
