import type { NodeId } from '../../contracts.js'
import type { Fault } from '../../server/faults.js'

/**
 * Shapes of links that work in part. `unheard`: the first node is not heard by most others; `deaf`: it does not hear
 * most others; `chain`: each node hears its neighbours; `by one`: the last node hears one other only, and that one hears
 * it; `star`: all hear the second node, and nobody else.
 */
export const shapes = ['unheard', 'deaf', 'chain', 'by one', 'star'] as const
export type Shape = (typeof shapes)[number]

/** The cuts that give the links between these nodes a shape. */
export function cutsOf(shape: Shape, ids: readonly NodeId[]): Fault[] {
  const [first] = ids as [NodeId]
  const most = ids.slice(-Math.ceil(ids.length / 2))
  if (shape === 'unheard') return most.map((to) => cut(first, to, false))
  if (shape === 'deaf') return most.map((from) => cut(from, first, false))
  return pairsOf(ids.length)
    .filter(([a, b]) => isCut(shape, a, b, ids.length))
    .map(([a, b]) => cut(ids[a]!, ids[b]!, true))
}

const cut = (from: NodeId, to: NodeId, bothWays: boolean): Fault => ({ word: 'cut', from, to, bothWays })

/** All pairs of places in a list, the smaller one first. */
function pairsOf(count: number): [number, number][] {
  return Array.from({ length: count }, (_, a) =>
    Array.from({ length: count - a - 1 }, (_, at): [number, number] => [a, a + 1 + at]),
  ).flat()
}

function isCut(shape: Shape, a: number, b: number, count: number): boolean {
  if (shape === 'chain') return b - a > 1
  return shape === 'star' ? a !== 1 && b !== 1 : b === count - 1 && a !== 0
}
