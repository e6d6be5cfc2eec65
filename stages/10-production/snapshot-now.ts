import { failure, type Request, type Snapshot } from '../../src/contracts.js'
import { takeSnapshot } from '../7-log-compaction/take-snapshot.js'
import type { ProductionNode, SnapshotWish } from './production-node.js'

/** A client asks for a snapshot of this node, of the present moment or later. */
export function wishSnapshot(node: ProductionNode, { id: request }: Request): void {
  if (node.handed > 0) node.snapshotWishes.push({ request, upTo: node.handed })
  else node.effects.replies.push({ request, answer: failure('bad_request', 'nothing is committed so far') })
}

/** Ends a turn: clients whose snapshot is there are told, and for the others one is taken (§7). */
export function takeWishedSnapshot(node: ProductionNode): void {
  if (node.snapshotWishes.length === 0) return
  const [newest] = node.snapshots
  const isThere = ({ upTo }: SnapshotWish) => newest !== undefined && newest.index >= upTo
  for (const { request } of node.snapshotWishes.filter(isThere)) {
    const { index, term, bytes, sha256 } = newest!
    node.effects.replies.push({ request, answer: { ok: true, index, term, bytes, sha256 } })
  }
  node.snapshotWishes = node.snapshotWishes.filter((wish) => !isThere(wish))
  if (node.snapshotWishes.length > 0 && !node.saving && node.keeping === 0) takeSnapshot(node)
}

/** The disk had no room for a snapshot: nobody waits for the next attempt. */
export function refuseSnapshot(node: ProductionNode, snapshot: Snapshot | null): void {
  if (snapshot) return
  const answer = failure('overloaded', 'the disk has no room for a snapshot')
  for (const { request } of node.snapshotWishes.splice(0)) node.effects.replies.push({ request, answer })
}
