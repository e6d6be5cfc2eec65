import type { NodeId, NodeOptions } from '../../src/contracts.js'
import { type Responder, responder } from '../9-client-interaction/responder.js'

/** A node's question to the voters whether they would elect it. */
interface PreVotes {
  /** The number of the last question. */
  round: number
  /** The nodes that would vote for this one, itself included; null while no question is under way. */
  granted: Set<NodeId> | null
}

/** The number of the first question is below this one. */
const roundNumbers = 2 ** 32

/** A node that disturbs no healthy leader. */
export interface ProductionNode extends Responder {
  /** The first question's number is drawn: an answer may be older than this node's start. */
  readonly preVotes: PreVotes
}

export function productionNode(options: NodeOptions) {
  const round = 1 + Math.floor(options.random.next() * roundNumbers)
  const preVotes: PreVotes = { round, granted: null }
  return { ...responder(options), preVotes }
}
