import type { Status } from '../contracts.js'

/** Entries that a ready node may have to perform still: what it does in a fraction of a second. */
const mostBehind = 4_096

/**
 * Says in one sentence why a node should be sent no clients now; null if it is ready. A ready node knows a leader, and
 * has performed nearly all that it knows to be committed.
 */
export function unreadiness({ role, leader, applied, commit = applied }: Status): string | null {
  if (role === 'standalone') return null
  if (role === 'starting') return 'this node is reading its disk'
  if (leader === null) return 'this node knows no leader'
  const behind = commit - applied
  return behind > mostBehind ? `this node has still to perform ${behind} entries that are committed` : null
}
