import { failure } from '../../src/contracts.js'
import type { NaiveReplica } from './replica.js'

/**
 * A write that finds no majority is given up after a while, with an honest "timeout": unknown, not refused, because
 * the followers that heard of it have performed it.
 */
export function giveUp(node: NaiveReplica): void {
  for (const [write, pending] of node.pending) {
    if (++pending.waited < node.timing.requestTimeoutTicks) continue
    node.pending.delete(write)
    const answer = failure(
      'timeout',
      `${pending.acknowledged.size} of ${node.members.length} nodes have it: no majority`,
    )
    node.effects.replies.push({ request: pending.request.id, answer })
  }
}
