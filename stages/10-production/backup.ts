import { type Answer, failure, type Request, type Snapshot } from '../../src/contracts.js'
import { holdSnapshots } from '../7-log-compaction/let-go.js'
import { membersOf } from '../8-membership/configuration.js'
import type { PendingRead } from '../9-client-interaction/pending-read.js'
import { makeReady } from '../9-client-interaction/read.js'
import { serveRead } from '../9-client-interaction/serve-reads.js'
import type { Backup, BackupPiece } from './commands.js'
import type { ProductionNode } from './production-node.js'
import type { Giver } from './snapshot-wishes.js'

/** A backup is a read of the whole state: it waits for its read index like any other (thesis §6.4). */
interface BackupRead extends PendingRead {
  readonly isBackup: true
}

/** Snapshots that clients may copy at one time: each of them takes room on the disk. */
const mostCopies = 4

/** Time-outs of requests after which a client that asks for no piece has given up its copy. */
const patience = 12

/**
 * A client asks for the state of one moment: by default of a moment at which every write that had been answered is there;
 * a stale backup is of what this node has.
 */
export function askBackup(node: ProductionNode, { id: request, command }: Request): void {
  const isStale = (command as unknown as Backup).consistency === 'stale'
  const facts = { request, command: null, isStale, withIndex: false, since: node.ticks, index: 0 }
  const one: BackupRead = { ...facts, isBackup: true }
  if (isStale) makeReady(node, [one], 0)
  else node.fresh.push(one)
}

/** A read is served from the state machine; a backup, from a snapshot that holds all entries up to the read index. */
export function serveReadOrBackup(node: ProductionNode, one: PendingRead): void {
  if (!('isBackup' in one)) return serveRead(node, one)
  if (node.handed > 0) node.snapshotWishes.push({ request: one.request, upTo: node.handed, answer: beginCopy })
  else
    node.effects.replies.push({ request: one.request, answer: failure('bad_request', 'nothing is committed so far') })
}

/** A snapshot that a client copies is kept until it asks for no more pieces. The answer says what there is to copy. */
function beginCopy(node: Giver, snapshot: Snapshot): Answer {
  const { index, term, bytes, sha256, format } = snapshot
  const { copies } = node
  if (!copies.has(index) && copies.size >= mostCopies)
    return failure('overloaded', `${mostCopies} backups are being copied from this node; each is let go after its end`)
  copies.set(index, { snapshot, askedAt: node.ticks })
  const { configuration } = node.log.configurationAt(index)
  const members = membersOf(configuration).map(({ id, client, peer }) => ({ id, client, peer }))
  return { ok: true, index, term, bytes, sha256, format, origin: configuration.origin, members }
}

/** A client asks for a piece of a snapshot. The rules say which bytes; the shell reads them. */
export function tellPiece(node: ProductionNode, { id: request, command }: Request): void {
  const { index, term, offset, length } = command as unknown as BackupPiece
  const isWanted = (one: Snapshot) => one.index === index && one.term === term
  const snapshot = [...node.snapshots, ...[...node.copies.values()].map((copy) => copy.snapshot)].find(isWanted)
  if (!snapshot) {
    const answer = failure('compacted', `the snapshot of entry ${index} is not kept here any more; begin again`)
    return void node.effects.replies.push({ request, answer })
  }
  // After a restart the node does not know who copies; two snapshots it has all the same.
  if (node.copies.has(index) || node.copies.size < mostCopies) node.copies.set(index, { snapshot, askedAt: node.ticks })
  node.effects.replies.push({ request, answer: { ok: true }, piece: { snapshot: { index, term }, offset, length } })
}

/** Ends a turn: snapshots that clients copy are kept on the disk, beside those that followers are being sent. */
export function holdCopied(node: ProductionNode): void {
  const { copies, ticks, timing } = node
  for (const [index, { askedAt }] of copies)
    if (ticks - askedAt >= patience * timing.requestTimeoutTicks) copies.delete(index)
  const sent = node.beingSent
  holdSnapshots(node)
  const held = [...copies.keys()].join()
  if (held === node.heldCopies && sent === node.beingSent) return
  node.heldCopies = held
  const all = [...node.beingSent, ...[...copies.values()].map(({ snapshot }) => snapshot)]
  node.effects.hold = all.map(({ index, term }) => ({ index, term }))
}
