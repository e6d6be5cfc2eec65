import type { Event, NodeId } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { leaderOf } from '../../src/proof/scenario/cast.js'
import { actsOf, parseFault } from '../../src/server/faults.js'
import { isHostWord, performHostFault } from '../../src/server/hosts/host-words.js'
import type { RunningCluster } from '../engine/cluster.js'
import { UsageError } from '../text/words.js'

/** Words that stand for a node that has this role now. */
const roleWord = /\b(leader|follower)\b/g

/**
 * Replaces `leader` and `follower` in a line with names, no follower twice. @throws UsageError if no node has the role
 */
export async function nameRoles(cluster: RunningCluster, line: string): Promise<string> {
  if (line.match(roleWord) === null) return line
  const places = (await cluster.statuses()).map(({ id, role, term = 0 }) => ({ node: id, role, term, leader: null }))
  const leader = leaderOf(places)?.node
  const followers = places.filter(({ node }) => node !== leader && !line.split(/[\s,]+/).includes(node))
  return line.replaceAll(roleWord, (word) => {
    const node = word === 'leader' ? leader : followers.shift()?.node
    if (node) return node
    const who = word === 'leader' ? 'no node leads' : 'there is no other follower'
    throw new UsageError(`${who} at present; \`status\` shows what each of them is`)
  })
}

/**
 * Performs a line of fault words, in which `leader` stands for the present leader, and answers with an event for each
 * node or link concerned. If one of several nodes cannot take the fault in its state, the others still get it.
 *
 * @throws UsageError if the line is no fault; ConfigError if the one node named is not in a state for it
 */
export async function performFault(cluster: RunningCluster, line: string): Promise<Event[]> {
  const named = await nameRoles(cluster, line)
  if (isHostWord(named.trim().split(/\s+/)[0]!)) return performOnHosts(cluster, named)
  const fault = parseFault(named)
  if ('problem' in fault) throw new UsageError(fault.problem)
  const acts = actsOf(cluster.faults, fault)
  const [only] = acts
  if (acts.length === 1) return [await only!.perform()]
  const events: Event[] = []
  for (const { node, perform } of acts) events.push(await perform().catch((error) => refusedFor(node!, error)))
  return events
}

async function performOnHosts({ hosts }: RunningCluster, line: string): Promise<Event[]> {
  if (!hosts) throw new UsageError('this needs a host for each node: start the cluster with `--hosts netns`')
  const events = await performHostFault(hosts, line)
  if ('problem' in events) throw new UsageError(events.problem)
  return events
}

function refusedFor(node: NodeId, error: Error): Event {
  if (error instanceof ConfigError) return { event: 'refused', node, message: error.message }
  throw error
}
