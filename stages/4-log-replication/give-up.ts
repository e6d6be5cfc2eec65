import { failure } from '../../src/contracts.js'
import type { Replica } from './replica.js'

/**
 * A client that has waited long enough is told "timeout": unknown, because its entry is in the log and may yet be
 * committed. Clients wait in the order in which they came, so the first that may stay ends the search.
 */
export function giveUpWaiting(node: Replica): void {
  node.ticks++
  for (const [index, { request, since }] of node.waiting) {
    if (node.ticks - since < node.timing.requestTimeoutTicks) return
    node.waiting.delete(index)
    const answer = failure('timeout', "the command's log entry has no majority yet and may still be committed")
    node.effects.replies.push({ request, answer })
  }
}
