import type { Command, Member } from '../../contracts.js'
import { simulatedMembers, spares } from './cluster.js'
import type { Plan, PlannedCall } from './plan.js'
import { SeededRandom } from './random.js'

/**
 * Adds an operator to a plan, who adds and removes nodes while everything else happens. The operator is drawn apart, so
 * that the rest of the plan stays the same. In some of the plans there is no operator.
 */
export function withChanges(plan: Plan): Plan {
  const random = new SeededRandom(plan.seed ^ 0x6a09e667)
  if (plan.climate !== 'calm' && random.chance(0.25)) return withWipes(plan, random)
  const isFoundedUnderFire = random.chance(0.2)
  const pauseMs = random.pick([0, 200, 1_000, 5_000])
  if (pauseMs === 0) return { ...plan, isFoundedUnderFire }
  const members = simulatedMembers(plan.nodes + spares)
  const operators = random.pick([1, 1, 2])
  const count = Math.min(40, Math.ceil(plan.fireMs / pauseMs)) * operators
  const changes = Array.from({ length: count }, (_, at): PlannedCall => {
    const pause = Math.floor(random.next() * 2 * pauseMs)
    return { client: `op${at % operators}`, pauseMs: pause, command: makeChange(random, members), at: null }
  })
  return { ...plan, isFoundedUnderFire, calls: [...plan.calls, ...changes] }
}

/**
 * Adds lost disks to a plan: a disk is lost now and then, and its node is added again with its new disk. No other
 * change of members happens meanwhile: a cluster that shrinks to nodes that may not vote has no node left to elect.
 */
function withWipes(plan: Plan, random: SeededRandom): Plan {
  const founders = simulatedMembers(plan.nodes)
  const everyMs = random.pick([500, 2_000])
  const wipes = Array.from({ length: Math.floor(plan.fireMs / everyMs) }, (_, at) => ({
    at: (at + random.next()) * everyMs,
    member: random.pick(founders),
  }))
  const faults = wipes.map(({ at, member }) => ({ at, fault: { word: 'wipe', nodes: [member.id] } as const }))
  const calls = wipes.flatMap(({ member }) =>
    [0.3, 0.3, 0.4].map((part) => ({
      client: 'op',
      pauseMs: part * everyMs,
      command: addition(member),
      at: null,
    })),
  )
  return { ...plan, faults: [...plan.faults, ...faults].sort((a, b) => a.at - b.at), calls: [...plan.calls, ...calls] }
}

const addition = ({ id, client, peer }: Member): Command => ({ command: 'add_node', node: id, client, peer })

function makeChange(random: SeededRandom, members: readonly Member[]): Command {
  const member = random.pick(members)
  const kind = random.next()
  if (kind < 0.45) return addition(member)
  if (kind < 0.75) return { command: 'remove_node', node: member.id }
  const some = members.filter(() => random.chance(0.6))
  const voters = (some.length > 0 ? some : [member]).map(({ id, client, peer }) => `${id}=${client}/${peer}`)
  return { command: 'reconfigure', voters }
}
