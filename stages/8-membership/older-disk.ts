import type { AppendEntriesConflict, AppendEntriesReply } from '../4-log-replication/messages.js'
import { lastSequenceOf, matchIndexOf } from '../4-log-replication/progress.js'
import type { InstallSnapshotReply } from '../7-log-compaction/messages.js'
import { isCounted, loseDisk, noticeLostDisk } from './disks.js'
import type { Participant } from './participant.js'

/**
 * Notes the last entry that a follower has acknowledged. The follower reads any message that leaves from here on with
 * that entry on its disk.
 */
export function noteAcknowledged(node: Participant, { from }: AppendEntriesReply | InstallSnapshotReply): void {
  const progress = node.progress.get(from)
  const index = matchIndexOf(progress)
  if (node.role !== 'leader' || !progress || index === 0) return
  const known = node.acknowledged.get(from)
  if (known?.progress === progress && known.index >= index) return
  node.acknowledged.set(from, { progress, index, sequence: lastSequenceOf(progress) })
}

/**
 * A follower lacks entries that it had acknowledged to this leader: its folder is a copy of an older one. Entries
 * committed with its help may be nowhere else, and it has forgotten votes as well. So its disk is lost, like a disk
 * that was replaced. A conflict counts only if it answers a message that left after the acknowledgement had come: any
 * other may be late.
 */
export function noticeOlderDisk(node: Participant, message: AppendEntriesConflict): void {
  const { from, sequence, prevLogIndex, conflictTerm, conflictIndex, incarnation = '' } = message
  const known = node.acknowledged.get(from)
  if (node.role !== 'leader' || !known || known.progress !== node.progress.get(from)) return
  const isShorter = conflictTerm === null && conflictIndex <= known.index
  if (sequence <= known.sequence || !(isShorter || prevLogIndex <= known.index) || !isCounted(node, message)) return
  loseDisk(node, from, incarnation, 'older')
  noticeLostDisk(node, message)
}
