import { inOrder, stage } from '../../src/stage.js'
import { giveUpWaiting } from '../4-log-replication/give-up.js'
import { heartbeat } from '../5-heartbeats/heartbeat.js'
import { nothing } from '../6-leader-election/commit.js'
import { resendChunks } from '../7-log-compaction/send-snapshot.js'
import logCompaction from '../7-log-compaction/stage.js'
import { advanceChange } from './advance-change.js'
import { addNode, reconfigure, removeNode } from './ask-change.js'
import { cancelChange } from './call-off.js'
import { leadAndCount, stepDownWithoutQuorum } from './check-quorum.js'
import { membershipCommands } from './commands.js'
import { countNothing, followDisks, hearDisplaced } from './disks.js'
import { foundCluster, foundOnRequest, headerWithMembers, tellMembers } from './found.js'
import { identityOf, meetForeigner, observeByIdentity } from './identity.js'
import { hearIntroduction, introduceNewcomers, introduceSelf } from './introduce.js'
import { learnMembers } from './learn-members.js'
import { campaignIfVoter, hearRemoved, voteIfAdmitted } from './loyalty.js'
import { type MembershipMessage, membershipWire } from './messages.js'
import { noteAcknowledged, noticeOlderDisk } from './older-disk.js'
import { followConfiguration, type Participant, participant, participantStatus } from './participant.js'
import { tellWaiting } from './waiting.js'

const before = logCompaction.table
const operations = { ...before.operations, configuration: nothing }

export default stage<Participant, MembershipMessage>({
  ...before,
  number: 8,
  name: '8-membership',
  title: 'Membership',
  adds: 'nodes join and leave while the cluster serves: learners, joint consensus; who was removed disturbs nobody, and a leader that no majority answers steps down',
  stillBroken: 'every read costs a write to the log; a retry may apply twice',
  members: 'changing',
  commands: { ...before.commands, ...membershipCommands },
  operations,
  client: { ...before.client, ...learnMembers },
  state: participant,
  verbs: {
    ...before.verbs,
    status: participantStatus,
    header: headerWithMembers,
    lead: leadAndCount,
    identify: identityOf,
    meet: meetForeigner,
  },
  requests: {
    ...before.requests,
    add_node: addNode,
    remove_node: removeNode,
    reconfigure,
    cancel_change: cancelChange,
    found_cluster: foundOnRequest,
    members: tellMembers,
  },
  gate: observeByIdentity,
  on: {
    ...before.on,
    AppendEntriesReply: inOrder(before.on.AppendEntriesReply, countNothing, noteAcknowledged),
    AppendEntriesConflict: inOrder(noticeOlderDisk, before.on.AppendEntriesConflict, countNothing),
    InstallSnapshotReply: inOrder(before.on.InstallSnapshotReply, countNothing, noteAcknowledged),
    RequestVote: voteIfAdmitted,
    Introduce: introduceSelf,
    Introduction: hearIntroduction,
    Removed: hearRemoved,
    Displaced: hearDisplaced,
  },
  wire: { ...before.wire, ...membershipWire(operations) },
  proto: [...logCompaction.proto, '8-membership/membership.proto'],
  tick: [
    giveUpWaiting,
    heartbeat,
    stepDownWithoutQuorum,
    campaignIfVoter,
    resendChunks,
    introduceNewcomers,
    foundCluster,
    tellWaiting,
  ],
  turn: [followConfiguration, followDisks, advanceChange, ...before.turn!],
  gives: [...logCompaction.gives, 'G15'],
})
