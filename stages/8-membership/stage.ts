import { inOrder, stage } from '../../src/stage.js'
import { applyCommitted } from '../4-log-replication/commit.js'
import { giveUpWaiting } from '../4-log-replication/give-up.js'
import { appendEntriesOf } from '../4-log-replication/messages.js'
import { replicateToAll } from '../4-log-replication/replicate.js'
import { heartbeat } from '../5-heartbeats/heartbeat.js'
import { commitOwnTerm, nothing } from '../6-leader-election/commit.js'
import { appendBehindEdge } from '../7-log-compaction/edge.js'
import { keepChunk } from '../7-log-compaction/install-snapshot.js'
import { resendChunks } from '../7-log-compaction/send-snapshot.js'
import logCompaction from '../7-log-compaction/stage.js'
import { takeSnapshotWhenDue } from '../7-log-compaction/take-snapshot.js'
import { advanceChange } from './advance-change.js'
import { addNode, reconfigure, removeNode } from './ask-change.js'
import { membershipCommands } from './commands.js'
import { configurationIn } from './configuration.js'
import { foundCluster, headerWithMembers, tellMembers } from './found.js'
import { introduceNewcomers, introduceSelf, learnIncarnation } from './introduce.js'
import { learnMembers } from './learn-members.js'
import { campaignIfVoter, hearRemoved, heedAsMember, observeLoyally, voteIfAdmitted } from './loyalty.js'
import { type MembershipMessage, membershipWire } from './messages.js'
import { followConfiguration, type Participant, participant, participantStatus } from './participant.js'

const before = logCompaction.table
const operations = { ...before.operations, configuration: nothing }
const isConfiguration = (command: object) => configurationIn(command) !== null

export default stage<Participant, MembershipMessage>({
  ...before,
  number: 8,
  name: '8-membership',
  title: 'Membership',
  adds: 'nodes join and leave while the cluster serves: learners, joint consensus, and who was removed disturbs nobody',
  stillBroken: 'every read costs a write to the log; a retry may apply twice',
  members: 'changing',
  commands: { ...before.commands, ...membershipCommands },
  operations,
  client: { ...before.client, ...learnMembers },
  state: participant,
  start: [foundCluster, followConfiguration],
  verbs: { ...before.verbs, status: participantStatus, header: headerWithMembers },
  requests: { ...before.requests, add_node: addNode, remove_node: removeNode, reconfigure, members: tellMembers },
  gate: observeLoyally,
  on: {
    ...before.on,
    AppendEntries: inOrder(heedAsMember, appendBehindEdge),
    InstallSnapshot: inOrder(heedAsMember, keepChunk),
    RequestVote: voteIfAdmitted,
    Introduce: introduceSelf,
    Introduction: learnIncarnation,
    Removed: hearRemoved,
  },
  wire: {
    ...before.wire,
    AppendEntries: appendEntriesOf(operations, { configuration: isConfiguration }),
    ...membershipWire,
  },
  proto: [...logCompaction.proto, '8-membership/membership.proto'],
  tick: [giveUpWaiting, heartbeat, campaignIfVoter, resendChunks, introduceNewcomers],
  turn: [followConfiguration, advanceChange, commitOwnTerm, applyCommitted, replicateToAll, takeSnapshotWhenDue],
  gives: [...logCompaction.gives, 'G15'],
})
