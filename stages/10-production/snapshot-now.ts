import { type Answer, failure, type Request, type Snapshot } from '../../src/contracts.js'
import { takeSnapshot } from '../7-log-compaction/take-snapshot.js'
import type { ProductionNode } from './production-node.js'
import type { SnapshotWish } from './snapshot-wishes.js'

/** A client asks for a snapshot of this node, of the present moment or later. */
export function wishSnapshot(node: ProductionNode, { id: request }: Request): void {
  if (node.handed > 0) node.snapshotWishes.push({ request, upTo: node.handed, answer: factsOf })
  else node.effects.replies.push({ request, answer: failure('bad_request', 'nothing is committed so far') })
}

function factsOf(_node: object, { index, term, bytes, sha256 }: Snapshot): Answer {
  return { ok: true, index, term, bytes, sha256 }
}

/** Ends a turn: clients whose snapshot is there are told, and for the others one is taken (§7). */
export function takeWishedSnapshot(node: ProductionNode): void {
  if (node.snapshotWishes.length === 0) return
  const [newest] = node.snapshots
  const isThere = ({ upTo }: SnapshotWish) => newest !== undefined && newest.index >= upTo
  for (const { request, answer } of node.snapshotWishes.filter(isThere))
    node.effects.replies.push({ request, answer: answer(node, newest!) })
  node.snapshotWishes = node.snapshotWishes.filter((wish) => !isThere(wish))
  if (node.snapshotWishes.length > 0 && !node.saving && node.keeping === 0) takeSnapshot(node)
}

/** The disk had no room for a snapshot: nobody waits for the next attempt. */
export function refuseSnapshot(node: ProductionNode, snapshot: Snapshot | null): void {
  if (snapshot) return
  const answer = failure('overloaded', 'the disk has no room for a snapshot')
  for (const { request } of node.snapshotWishes.splice(0)) node.effects.replies.push({ request, answer })
}
