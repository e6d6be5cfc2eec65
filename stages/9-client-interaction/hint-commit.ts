import type { Responder } from './responder.js'

/**
 * Ends a turn: a batch for the disk says how far was committed, which costs no sync. A node that starts again performs
 * at once what its disk knows to be committed, and does not wait for a leader to tell it.
 */
export function hintCommit(node: Responder): void {
  const { persist } = node.effects
  if (persist) node.effects.persist = { ...persist, commit: node.commitIndex }
}
