import type { Responder } from './responder.js'

/**
 * The cluster's time, in milliseconds. It goes on only while a node leads, and never back: each leader goes on from the
 * latest time in the log. No clock of a machine is read.
 */
export function clusterTime(node: Responder): number {
  node.clock = Math.max(node.clock, node.sessions.time)
  return node.clock
}

/** A tick of the leader is a step of the cluster's time. */
export function moveClock(node: Responder): void {
  if (node.role === 'leader') node.clock = clusterTime(node) + node.timing.tickMs
}
