import type { EntryId, Index } from '../../src/contracts.js'
import type { Compactor } from './compactor.js'

/**
 * A snapshot that is being sent can be read to its end, also when two newer ones have come. Otherwise a follower on a
 * slow line would be sent the beginning of one snapshot after the other, and never a whole one.
 */
export function holdSnapshots(node: Compactor): void {
  if (node.transfers.size === 0 && node.beingSent.length === 0) return
  const sent = [...new Set([...node.transfers.values()].map(({ snapshot }) => snapshot))]
  if (sent.length === node.beingSent.length && sent.every((snapshot, at) => snapshot === node.beingSent[at])) return
  node.beingSent = sent
  node.effects.hold = sent.map(({ index, term }) => ({ index, term }))
  letGo(node)
}

/**
 * The log lets go of the entries that the older of the two snapshots holds. Entries behind a snapshot that is being
 * sent stay, for its follower needs them next. They stay while they are no more than twice as long as it is, or a
 * quarter of the bytes that make a snapshot due. A line that carries more than is written brings its follower up within
 * that bound; a slower line cannot, and costs no more.
 */
export function letGo(node: Compactor): void {
  const [, older] = node.snapshots
  if (!older) return
  let edge: EntryId = older
  for (const { index, term, bytes } of node.beingSent) {
    const bound = Math.max(2 * bytes, node.timing.snapshotBytes / 4)
    if (index < edge.index && index >= node.log.edge.index && bytesBehind(node, index) <= bound) edge = { index, term }
  }
  node.log.forget(edge)
}

function bytesBehind({ log }: Compactor, index: Index): number {
  return log.from(index + 1).reduce((sum, { text }) => sum + text.length, 0)
}
