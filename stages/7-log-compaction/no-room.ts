import type { Kept, Snapshot } from '../../src/contracts.js'
import type { Compactor } from './compactor.js'

/**
 * A snapshot of this node's own was given up, because its disk is full; the log goes on. After a pause the shell tells
 * so, and the node is free to take another: otherwise its log would grow for ever, also after somebody has made room.
 */
export function noteUnsaved(node: Compactor, snapshot: Snapshot | null): void {
  if (snapshot === null) node.saving = null
}

/**
 * A piece of the leader's snapshot was not kept, because the disk is full. The leader hears nothing, and sends it
 * again.
 */
export function noteUnheld(node: Compactor, { bytes }: Kept): void {
  if (bytes === null) node.keeping--
}
