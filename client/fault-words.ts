import type { Cluster } from '../src/cluster.js'
import type { Event } from '../src/contracts.js'
import { parseFault } from '../src/faults.js'
import { leaderOf } from '../src/scenario/cast.js'
import { UsageError } from './words.js'

/** The line with the name of whoever leads now. @throws UsageError if nobody does */
async function nameLeader(cluster: Cluster, line: string): Promise<string> {
  const places = (await cluster.look()).map(({ node, role, term }) => ({ node, role, term, leader: null }))
  const leader = leaderOf(places)
  if (!leader) throw new UsageError('no node leads at present; `status` shows what each of them is')
  return line.replaceAll(/\bleader\b/g, leader.node)
}

/**
 * Does what a line of fault words says, `leader` standing for whoever leads now, and answers with what happened, an event for each node or link concerned.
 *
 * @throws UsageError if it says nothing of the kind; ConfigError if a node is not in a state for it
 */
export async function performFault(cluster: Cluster, line: string): Promise<Event[]> {
  const fault = parseFault(/\bleader\b/.test(line) ? await nameLeader(cluster, line) : line)
  if ('problem' in fault) throw new UsageError(fault.problem)
  if (fault.word === 'heal') return [await cluster.heal()]
  if (fault.word === 'cut') return [await cluster.cut(fault.from, fault.to, fault.bothWays)]
  if (fault.word === 'split') return [await cluster.split(fault.nodes)]
  const events: Event[] = []
  for (const node of fault.nodes) events.push(await cluster[fault.word](node))
  return events
}
