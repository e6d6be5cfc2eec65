import { insertedBefore, replaced, stage } from '../../src/stage.js'
import { campaignAfterSilence } from '../6-leader-election/campaign.js'
import { tellStaleTerm } from '../6-leader-election/terms.js'
import logCompaction from '../7-log-compaction/stage.js'
import { advanceChange } from './advance-change.js'
import { leadAndCount, stepDownWithoutQuorum } from './check-quorum.js'
import { membershipCommands } from './commands.js'
import { isConfiguration } from './configuration.js'
import { followDisks } from './disks.js'
import { forgetDouble, meetDouble } from './double.js'
import { retire } from './end-change.js'
import { headerWithMembers } from './found.js'
import { askAgain, hearMembers, membersGate } from './hear.js'
import { dropForeigners, identify, meetForeigner } from './identity.js'
import { learnMembers } from './learn-members.js'
import { campaignIfVoter, noteWanted } from './loyalty.js'
import { type MembershipMessage, membershipMessages } from './messages.js'
import { followConfiguration, type Participant, participant } from './participant.js'
import { membershipRequests } from './requests.js'
import { statusOfMember } from './status.js'

const before = logCompaction.table

export default stage<Participant, MembershipMessage>({
  ...before,
  number: 8,
  name: '8-membership',
  title: 'Membership',
  adds: 'nodes join and leave while the cluster serves: learners, joint consensus; who was removed disturbs nobody, and a leader that no majority answers steps down',
  stillBroken: 'every read costs a write to the log; a retry may apply twice',
  members: 'changing',
  commands: { ...before.commands, ...membershipCommands },
  payloads: { ...before.payloads, configuration: isConfiguration },
  client: { ...before.client!, ...learnMembers },
  state: participant,
  verbs: { ...before.verbs, status: statusOfMember, header: headerWithMembers, lead: leadAndCount, identify, retire },
  requests: { ...before.requests, ...membershipRequests },
  messages: { ...before.messages, ...membershipMessages },
  gate: [dropForeigners, ...insertedBefore(before.gate, tellStaleTerm, ...membersGate), noteWanted],
  on: hearMembers(before.on),
  proto: [...before.proto, '8-membership/membership.proto'],
  services: [...before.services, '8-membership/requests.proto'],
  tick: [...replaced(before.tick, campaignAfterSilence, stepDownWithoutQuorum, campaignIfVoter), ...askAgain],
  met: [meetForeigner, meetDouble],
  turn: [followConfiguration, followDisks, forgetDouble, advanceChange, ...before.turn],
  invariants: [...before.invariants, 'oneHistory'],
  gives: [...before.gives, 'G15'],
})
