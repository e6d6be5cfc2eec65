import { replaced, stage } from '../../src/stage.js'
import { campaignAfterSilence } from '../6-leader-election/campaign.js'
import { nothing } from '../6-leader-election/commit.js'
import logCompaction from '../7-log-compaction/stage.js'
import { advanceChange } from './advance-change.js'
import { leadAndCount, stepDownWithoutQuorum } from './check-quorum.js'
import { membershipCommands } from './commands.js'
import { followDisks } from './disks.js'
import { headerWithMembers } from './found.js'
import { askAgain, hearMembers } from './hear.js'
import { doubtOwn, identityVerbs, observeByIdentity } from './identity.js'
import { learnMembers } from './learn-members.js'
import { campaignIfVoter } from './loyalty.js'
import { type MembershipMessage, membershipWire } from './messages.js'
import { followConfiguration, type Participant, participant } from './participant.js'
import { membershipRequests } from './requests.js'
import { statusOfMember } from './standing.js'

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
  verbs: { ...before.verbs, ...identityVerbs, status: statusOfMember, header: headerWithMembers, lead: leadAndCount },
  requests: { ...before.requests, ...membershipRequests },
  doubts: doubtOwn(before.doubts),
  gate: observeByIdentity,
  on: hearMembers(before.on),
  wire: { ...before.wire, ...membershipWire({ ...before, operations }) },
  proto: [...before.proto, '8-membership/membership.proto'],
  tick: [...replaced(before.tick, campaignAfterSilence, stepDownWithoutQuorum, campaignIfVoter), ...askAgain],
  turn: [followConfiguration, followDisks, advanceChange, ...before.turn],
  invariants: [...before.invariants, 'oneHistory'],
  gives: [...before.gives, 'G15'],
})
