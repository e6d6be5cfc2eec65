import type { Apply, Index, NodeId, Performance } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { printOf } from '../9-client-interaction/command-print.js'
import { comparing } from './features.js'
import type { ResultSum, ResultsDiffer } from './messages.js'
import type { ProductionNode } from './production-node.js'
import { noSums } from './sums.js'
import { performForwarded } from './take-forward.js'

declare module '../../src/events.js' {
  interface EventDetails {
    results_differ: { replica: NodeId; from: Index; upTo: Index }
  }
}

/** Entries of a window where the cluster has switched the comparison on. */
const usualWindow = 1_024

/** Entries of a window: as this node was told, or as the feature has it where that is on; 0 if nothing is compared. */
function windowOf({ timing, switches }: ProductionNode): number {
  return timing.compareEntries ?? (switches.on.has(comparing) ? usualWindow : 0)
}

/** The first index whose result counts: this life has performed it, and the comparison was on. */
function firstCompared({ sums, timing, switches }: ProductionNode): Index {
  const on = timing.compareEntries === undefined ? (switches.on.get(comparing) ?? 0) : 0
  return Math.max(sums.since, on + 1)
}

/** Windows that a leader remembers: a replica that is further behind is not compared. */
const windowsAtOnce = 16

/** A committed entry whose result is compared is kept in sight until the result is there. */
export function performCompared(node: ProductionNode, entry: Apply): Performance | null {
  const decided = performForwarded(node, entry)
  const isCompared = windowOf(node) > 0 && entry.index >= firstCompared(node)
  if (!isCompared || entry.payload.kind !== 'command') return decided
  const outcome = decided ?? { isNew: true, result: { answer: null } }
  if (outcome.isNew) node.sums.performing.push({ index: entry.index, result: outcome.result })
  return outcome
}

/**
 * The state machine has performed entries: where a window is whole, its sum goes to the leader. State machines that do
 * the same have the same sums (§5.3, state machine safety); one that reads a clock, or draws lots, shows.
 */
export function sumResults(node: ProductionNode, upTo: Index): void {
  const { sums } = node
  const size = windowOf(node)
  if (size === 0) return
  for (const { index, result } of sums.performing) {
    if (index > upTo) break
    endWindow(node, size, index - 1)
    sums.window.sum = (Math.imul(sums.window.sum ^ index, 0x01000193) ^ printOf(result.answer)) >>> 0
  }
  sums.performing = sums.performing.filter(({ index }) => index > upTo)
  endWindow(node, size, upTo)
}

/** Ends the window that is over at an index. A window whose beginning another life performed, or a snapshot held, has no sum. */
function endWindow(node: ProductionNode, size: number, performed: Index): void {
  const { sums } = node
  const first = Math.floor(performed / size) * size + size
  if (sums.window.upTo === 0) sums.window.upTo = first
  if (performed < sums.window.upTo) return
  const { upTo, sum } = sums.window
  if (upTo - size + 1 >= firstCompared(node)) tellSum(node, upTo, sum)
  sums.window = { upTo: first, sum: 0 }
}

function tellSum(node: ProductionNode, index: Index, sum: number): void {
  const { id, leader, term } = node
  if (leader === id) noteSum(node, id, index, sum)
  else if (leader !== null) send<ResultSum>(node, { type: 'ResultSum', from: id, to: leader, term, index, sum })
}

/** A follower has told its sum. */
export function hearSum(node: ProductionNode, { from, index, sum }: ResultSum): void {
  if (node.role === 'leader' && windowOf(node) > 0) noteSum(node, from, index, sum)
}

/**
 * Compares what was told of a window. What a quorum has is right, and a node with another sum must stop. Where all have
 * told theirs, and no quorum agrees, nobody knows which is right.
 */
function noteSum(node: ProductionNode, from: NodeId, index: Index, sum: number): void {
  const { heard } = node.sums
  const told = heard.get(index) ?? new Map<NodeId, number>()
  heard.set(index, told.set(from, sum))
  for (const oldest of heard.keys()) if (heard.size > windowsAtOnce) heard.delete(oldest)
  const having = (one: number) => new Set([...told].filter(([, other]) => other === one).map(([id]) => id))
  const right = [...new Set(told.values())].find((one) => node.quorum.has(having(one)))
  if (right === undefined && !node.members.every(({ id }) => told.has(id))) return
  for (const [id, one] of told) if (one !== right) condemn(node, id, index)
}

function condemn(node: ProductionNode, id: NodeId, index: Index): void {
  const { effects, sums, term } = node
  sums.heard.get(index)!.delete(id)
  effects.events.push({ event: 'results_differ', replica: id, from: firstOf(node, index), upTo: index })
  if (id === node.id) sums.verdict = verdict(node, index)
  else send<ResultsDiffer>(node, { type: 'ResultsDiffer', from: node.id, to: id, term, index })
}

/** The leader has found that this node's results are others than those of the rest. */
export function stopDiffering(node: ProductionNode, { index }: ResultsDiffer): void {
  if (windowOf(node) > 0) node.sums.verdict = verdict(node, index)
}

/** The first entry of a window. */
const firstOf = (node: ProductionNode, upTo: Index) => upTo - windowOf(node) + 1

function verdict(node: ProductionNode, index: Index): string {
  const where = `the entries ${firstOf(node, index)} to ${index}`
  return `${node.id} has performed ${where} with other results than the other replicas: a command must do the same on every node`
}

/** A node that differs stops: what it would answer is wrong, and it must not lead. @throws Error that says so */
export function stopAfterVerdict({ sums }: ProductionNode): void {
  if (sums.verdict !== null) throw new Error(sums.verdict)
}

/** A snapshot takes the place of the state: what it holds was performed elsewhere. */
export function sumAnew(node: ProductionNode): void {
  const since = node.handed + 1
  node.sums = { ...noSums(since), heard: node.sums.heard }
}
