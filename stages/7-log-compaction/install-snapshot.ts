import type { Chunk, EntryId, Kept, Snapshot } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import { persist } from '../4-log-replication/replica.js'
import type { Compactor } from './compactor.js'
import { letGo } from './let-go.js'
import type { InstallSnapshot, InstallSnapshotReply } from './messages.js'

declare module '../../src/events.js' {
  interface EventDetails {
    snapshot: EntryId
    installed: EntryId
  }
}

/** A piece of a snapshot has come. A node that has performed as much already needs none of it, and says so. */
export function keepChunk(node: Compactor, message: InstallSnapshot): void {
  if (message.lastIncludedIndex <= node.handed) return tellHeld(node, message, message.bytes)
  node.keeping++
  node.effects.keepChunks.push(message)
}

/** A piece was kept: the leader is told the bytes that are there now. */
export function noteKept(node: Compactor, { chunk, bytes }: Kept): void {
  if (bytes === null) return
  node.keeping--
  tellHeld(node, chunk, bytes)
}

/**
 * Tells the leader the bytes of the file that are there now. Once the snapshot is installed and on disk, it also tells
 * the index up to which this log is the leader's.
 */
function tellHeld(node: Compactor, chunk: Chunk, bytes: number): void {
  const { from, lastIncludedIndex } = chunk
  sendWhenDurable<InstallSnapshotReply>(node, {
    type: 'InstallSnapshotReply',
    from: node.id,
    to: from,
    term: node.term,
    sequence: (chunk as InstallSnapshot).sequence,
    held: bytes,
    matchIndex: lastIncludedIndex <= node.handed ? lastIncludedIndex : 0,
  })
}

/**
 * A snapshot is on disk, this node's own or the leader's. Equal states make equal snapshots, so it makes no difference
 * which. A snapshot that is older than the newest changes nothing. The log lets go of the entries that the snapshot
 * before it holds.
 */
export function noteSnapshot(node: Compactor, snapshot: Snapshot | null): void {
  if (snapshot === null) return
  const { index, term } = snapshot
  if (index === node.saving?.index) node.saving = null
  if (index <= (node.snapshots[0]?.index ?? 0)) return
  const isKept = node.log.termAt(index) === term
  if (index > node.handed) install(node, snapshot, isKept)
  persist(node, { record: 'snapshot', snapshot: { index, term } })
  node.snapshots = [snapshot, ...(isKept ? node.snapshots.slice(0, 1) : [])]
  node.sinceSnapshot = { bytes: 0, upTo: index }
  node.effects.events.push({ event: 'snapshot', index, term })
  letGo(node)
}

/**
 * Installs a snapshot: one step from the old state to the new (§7). A log that has the snapshot's last entry goes on
 * behind it, for that part is the leader's too; any other log is not, and goes as a whole.
 */
function install(node: Compactor, snapshot: Snapshot, isKept: boolean): void {
  const { index, term } = snapshot
  node.effects.events.push({ event: 'installed', index, term })
  if (!isKept) {
    if (node.log.last.index >= index) persist(node, { record: 'truncate', from: index })
    node.log.beginAfter(snapshot)
    node.durableIndex = 0
  }
  node.commitIndex = Math.max(node.commitIndex, index)
  node.handed = index
  node.effects.restore = snapshot
}
