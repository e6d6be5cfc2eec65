import type { Member, NodeId } from '../../src/contracts.js'
import { matchIndexOf } from '../4-log-replication/progress.js'
import { isHeard } from '../8-membership/change.js'
import type { Handover, ProductionNode } from './production-node.js'

/** Begins to hand over: from here on the log gets no new entries, so that the successor can reach its end. */
export function beginHandover(node: ProductionNode, to: Member, { isRetiring = false } = {}): Handover {
  const { term, ticks: since } = node
  node.handover = { to, term, since, isRetiring, requests: [], held: [], heldCharacters: 0, isTold: false }
  return node.handover
}

/** The voter that can take over soonest: of those that answer, the one whose log goes furthest. */
export function bestSuccessor(node: ProductionNode): Member | undefined {
  const [best] = successors(node).sort((a, b) => reached(node, b.id) - reached(node, a.id))
  return best
}

/** The voters that may take over: the other ones that answer, with the disks that the cluster knows. */
export function successors(node: ProductionNode): Member[] {
  const { voters } = node.log.configuration.configuration
  return voters.filter(({ id }) => id !== node.id && isHeard(node, id) && !node.lostDisks.has(id))
}

const reached = (node: ProductionNode, id: NodeId) => matchIndexOf(node.progress.get(id))

/** A change of members has steps that are entries: it goes on, and the hand-over has to wait for its end. */
export function isChanging({ change, log, commitIndex }: ProductionNode): boolean {
  return change !== null || log.configuration.configuration.outgoing !== null || log.configuration.index > commitIndex
}

/**
 * Checks whether the successor may stand: it has all entries, all of them are committed, and no client waits for one,
 * nor for a change of members. Otherwise the successor would not be elected, or a client would not learn its outcome.
 */
export function isReadyFor(node: ProductionNode, { to }: Handover): boolean {
  const { log, commitIndex, waiting } = node
  const { index } = log.last
  return reached(node, to.id) === index && commitIndex === index && waiting.size === 0 && !isChanging(node)
}
