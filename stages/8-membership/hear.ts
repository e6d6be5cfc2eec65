import { inOrder, type StageTable } from '../../src/stage.js'
import type { CompactionMessage } from '../7-log-compaction/messages.js'
import { countNothing, dropOtherDisks, noteHeard } from './disks.js'
import { hearDisplaced } from './displaced.js'
import { foundCluster } from './found.js'
import { dropLaterTerms, hearIntroduction, introduceNewcomers, introduceSelf } from './introduce.js'
import { beLoyal, hearRemoved, voteIfAdmitted } from './loyalty.js'
import type { MembershipMessage } from './messages.js'
import { noteAcknowledged, noticeOlderDisk } from './older-disk.js'
import type { Participant } from './participant.js'
import { tellWaiting } from './waiting.js'

/** Rules at the gate that look at the sender, before any rule goes by the term. */
export const membersGate = [noteHeard, dropOtherDisks, dropLaterTerms, beLoyal]

/** Rules for messages that this stage changes or adds. An answer counts only for the disk that gave it. */
export function hearMembers(
  before: StageTable<Participant, CompactionMessage>['on'],
): StageTable<Participant, MembershipMessage>['on'] {
  return {
    ...before,
    AppendEntriesReply: inOrder(before.AppendEntriesReply, countNothing, noteAcknowledged),
    AppendEntriesConflict: inOrder(noticeOlderDisk, before.AppendEntriesConflict, countNothing),
    InstallSnapshotReply: inOrder(before.InstallSnapshotReply, countNothing, noteAcknowledged),
    RequestVote: voteIfAdmitted,
    Introduce: introduceSelf,
    Introduction: hearIntroduction,
    Removed: hearRemoved,
    Displaced: hearDisplaced,
  }
}

/** Rules of a tick: nodes that have not answered yet are asked again, and the node tells for whom it waits. */
export const askAgain = [introduceNewcomers, foundCluster, tellWaiting]
