import {
  type EntryId,
  failure,
  type Index,
  payloadOf,
  type Refusal,
  type Request,
  type Term,
} from '../../src/contracts.js'
import type { Replica } from '../4-log-replication/replica.js'
import { proposeCall } from '../9-client-interaction/propose-call.js'
import type { ProductionNode } from './production-node.js'

/** The place in the log behind which a client wants its command to stand; without a term, the index alone names it. */
export interface Guard {
  readonly prevLogIndex?: Index
  readonly prevLogTerm?: Term
}

/**
 * The leader proposes a command behind the place that its client names, or refuses: a log with compare-and-append. It
 * compares in the step in which it appends. That is enough: a log with this entry has the same entries before it,
 * wherever it is (log matching, §5.3), and so also where another leader commits it.
 */
export function proposeBehind(node: ProductionNode, request: Request<unknown>): void {
  const refusal = node.role === 'leader' ? refusalOf(node, (request.envelope ?? {}) as Guard) : null
  if (refusal) node.effects.replies.push({ request: request.id, answer: refusal })
  else proposeCall(node, request)
}

function refusalOf({ log }: Replica, { prevLogIndex: index, prevLogTerm }: Guard): Refusal | null {
  if (index === undefined) return null
  const term = log.termAt(index)
  const last: EntryId = { index: log.last.index, term: log.last.term }
  if (term === undefined || (prevLogTerm !== undefined && prevLogTerm !== term)) {
    const what = prevLogTerm === undefined ? `${index}` : `${index} of term ${prevLogTerm}`
    return failure('guard_failed', `the log has no entry ${what}; its last is ${last.index}`, { last })
  }
  const next = lastCommand({ log }, index)
  return next === null ? null : failure('guard_failed', `entry ${next} is a command behind ${index}`, { last })
}

/**
 * The last command behind an index. Entries of the cluster's own do not count: a client never sees them, and a new
 * leader's first one would refuse every client.
 */
function lastCommand({ log }: Pick<Replica, 'log'>, behind: Index): Index | null {
  for (let index = log.last.index; index > behind; index--)
    if (payloadOf(log.at(index)!).kind === 'command') return index
  return null
}
