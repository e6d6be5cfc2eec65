import type { Command, NodeId, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { SimulatedClient } from '../../src/proof/simulation/client.js'
import { type SimulatedCluster, simulatedMembers } from '../../src/proof/simulation/cluster.js'
import { changeMembers } from '../cluster/change-members.js'
import { memberWords } from '../cluster/membership.js'
import { UsageError } from '../text/words.js'

/** Virtual milliseconds that a change of members may take. */
const changeMs = 600_000

/**
 * Adds nodes to a cluster in virtual time, or removes some, as `run` does it with processes.
 *
 * @throws UsageError if the line says neither, ConfigError if a node is not in a condition for it
 */
export async function changeVirtually(cluster: SimulatedCluster, line: string, signal: AbortSignal): Promise<Outcome> {
  const [word = '', first = '', ...rest] = line.split(/\s+/)
  const isAddition = word === 'add'
  const hows = rest.filter((one) => one === 'force' || (isAddition && one === 'learner'))
  const ids = [first, ...rest.slice(0, rest.length - hows.length)]
  if (!ids.every((id) => /^n[1-9]\d?$/.test(id)))
    throw new UsageError(`usage: ${memberWords[isAddition ? 'add' : 'remove'].usage}`)
  const how = {
    ...(hows.includes('learner') && { role: 'learner' }),
    ...(hows.includes('force') && { force: true }),
  }
  const [id, ...others] = ids as [NodeId, ...NodeId[]]
  const outcome = await (isAddition ? add : remove)(cluster, id, how, signal)
  if (outcome.outcome !== 'done' || others.length === 0) return outcome
  return changeVirtually(cluster, [word, ...others, ...hows].join(' '), signal)
}

async function add(cluster: SimulatedCluster, id: NodeId, how: object, signal: AbortSignal): Promise<Outcome> {
  const member = simulatedMembers(Number(id.slice(1))).at(-1)!
  const host = cluster.hosts.find((one) => one.id === id)
  if (host?.condition === 'paused') throw new ConfigError(`${id} is paused; \`resume ${id}\` first`)
  if (!host) cluster.join(member)
  else if (host.condition === 'dead') cluster.restart(id)
  const { client, peer } = member
  const outcome = await change(cluster, { command: 'add_node', node: id, client, peer, ...how }, signal)
  if (outcome.outcome === 'refused' && !host) dismiss(cluster, id, [])
  return outcome
}

/** Ends the process of a node that is no member; its disk goes with it. */
function dismiss(cluster: SimulatedCluster, id: NodeId, voters: unknown): void {
  if (cluster.host(id).condition !== 'dead') cluster.kill(id)
  cluster.wipe(id)
  cluster.trace({ event: 'left', voters }, id)
}

/** Removes a node; its process ends when it is out. */
async function remove(cluster: SimulatedCluster, id: NodeId, how: object, signal: AbortSignal): Promise<Outcome> {
  const host = cluster.hosts.find((one) => one.id === id)
  if (!host) throw new ConfigError(`there is no node ${id}; there are ${cluster.hosts.map((one) => one.id).join(', ')}`)
  const outcome = await change(cluster, { command: 'remove_node', node: id, ...how }, signal)
  if (outcome.outcome !== 'done') return outcome
  dismiss(cluster, id, outcome.answer.voters)
  return outcome
}

async function change(cluster: SimulatedCluster, command: Command, signal: AbortSignal): Promise<Outcome> {
  const client = new SimulatedClient(cluster, 'operator', changeMs)
  const call = (asked: Command) => new Promise<Outcome>((resolve) => client.call(asked, null, resolve))
  try {
    return await changeMembers({ call }, command, { signal })
  } finally {
    client.hangUp()
  }
}
