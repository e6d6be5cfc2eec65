import type { Command, NodeId } from '../../contracts.js'
import { simulatedMembers, spares } from './cluster.js'
import { cutsOf, shapes } from './partial-links.js'
import { type Plan, type PlannedCall, type PlannedFault, shuffled } from './plan.js'
import { SeededRandom } from './random.js'

/**
 * Adds to a plan an operator who has leaders hand over, nodes that are asked to end, and links that are partial for
 * good. All three are drawn apart, so that the rest of the plan stays the same; each is absent from many plans.
 */
export function withHandovers(plan: Plan): Plan {
  if (plan.climate === 'calm') return plan
  const random = new SeededRandom(plan.seed ^ 0x3c6ef372)
  const calls = random.chance(0.7) ? makeHandovers(random.fork(), plan) : []
  const stops = random.chance(0.3) ? makeStops(random.fork(), plan) : []
  const faults = [...plan.faults, ...stops].sort((a, b) => a.at - b.at)
  const links = random.chance(0.25) ? partialFrom(random.fork(), plan, faults) : faults
  return { ...plan, faults: links, calls: [...plan.calls, ...calls] }
}

/** Draws hand-overs, most of them to a node that is named: a voter, a learner, or a node that is no member. */
function makeHandovers(random: SeededRandom, { nodes, fireMs }: Plan): PlannedCall[] {
  const members = simulatedMembers(nodes + spares)
  const pauseMs = random.pick([100, 500, 3_000])
  return Array.from({ length: Math.min(40, Math.ceil(fireMs / pauseMs)) }, (): PlannedCall => {
    const to = random.chance(0.6) ? { to: random.pick(members).id } : {}
    const command: Command = { command: 'transfer_leader', ...to }
    return { client: 'heir', pauseMs: Math.floor(random.next() * 2 * pauseMs), command, at: null }
  })
}

/** Draws nodes that are asked to end, and are started again. */
function makeStops(random: SeededRandom, { nodes, fireMs }: Plan): PlannedFault[] {
  const members = simulatedMembers(nodes)
  return Array.from({ length: random.between(1, 6) }, () => {
    const at = Math.floor(random.next() * fireMs)
    const named: readonly NodeId[] = [random.pick(members).id]
    const until = at + random.between(200, 4_000)
    return [
      { at, fault: { word: 'stop', nodes: named } as const },
      { at: until, fault: { word: 'restart', nodes: named } as const },
    ]
  }).flat()
}

/** Adds links that are partial from a moment on: whatever is mended under fire, these stay as they are. */
function partialFrom(random: SeededRandom, { nodes, fireMs }: Plan, faults: readonly PlannedFault[]): PlannedFault[] {
  const from = Math.floor(random.next() * 0.7 * fireMs)
  const ids = simulatedMembers(nodes).map(({ id }) => id)
  const cuts = cutsOf(random.pick(shapes), shuffled(random, ids))
  const cutAt = (at: number) => cuts.map((fault): PlannedFault => ({ at, fault }))
  const again = ({ at, fault }: PlannedFault) => at > from && at < fireMs && fault.word === 'heal'
  return [...faults, ...cutAt(from), ...faults.filter(again).flatMap(({ at }) => cutAt(at))].sort((a, b) => a.at - b.at)
}
