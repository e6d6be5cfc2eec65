import { askReadIndex } from '../9-client-interaction/ask-read-index.js'
import { leaveReads } from '../9-client-interaction/read-index.js'
import type { ProductionNode } from './production-node.js'

/** Reads that a leader has not answered when it hands over are not refused: they wait for the successor. */
export function leaveReadsToSuccessor(node: ProductionNode): void {
  if (node.role !== 'leader' && node.handover && node.round) {
    node.fresh = [...node.round.reads, ...node.fresh]
    node.round = null
  }
  leaveReads(node)
}

/** A node that has handed over asks for a read index as soon as it hears the successor. */
export function askReadIndexOfSuccessor(node: ProductionNode): void {
  if (!node.handover || node.leader !== null) askReadIndex(node)
}
