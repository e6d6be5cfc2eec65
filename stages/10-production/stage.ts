import { inOrder, insertedBefore, replaced, replacedIn, stage } from '../../src/stage.js'
import { countReply, walkBack } from '../4-log-replication/acknowledge.js'
import { heedElected, tellStaleTerm } from '../6-leader-election/terms.js'
import { beLoyal, voteIfAdmitted } from '../8-membership/loyalty.js'
import { askReadIndex } from '../9-client-interaction/ask-read-index.js'
import { endSessions } from '../9-client-interaction/end-sessions.js'
import { beginRound, countConfirmation, leaveReads } from '../9-client-interaction/read-index.js'
import clientInteraction from '../9-client-interaction/stage.js'
import { answerPreVote } from './answer-pre-vote.js'
import { productionCommands } from './commands.js'
import { giveUpHandover, handOver, handOverAndRetire } from './hand-over.js'
import { endSessionsUnlessLeaving, heldRequests } from './hold.js'
import { extendLease, letLeasesEnd, noteRound, readByLease } from './lease.js'
import { type ProductionMessage, productionDoubts, productionMessages } from './messages.js'
import { askPreVotes, countPreVote, endQuestion } from './pre-vote.js'
import { offerToLead, takeOffer } from './prefer.js'
import { type ProductionNode, productionNode } from './production-node.js'
import { askReadIndexOfSuccessor, leaveReadsToSuccessor } from './reads-in-between.js'
import { countArrived, pipelineVerbs, rewind } from './replicate-ahead.js'
import { hearSuccessor, standAtOnce } from './stand-at-once.js'
import { transferLeader } from './transfer-leader.js'

const before = clientInteraction.table

export default stage<ProductionNode, ProductionMessage>({
  ...before,
  number: 10,
  name: '10-production',
  title: 'Production',
  adds: 'a node asks whether it would be elected before it stands, and a leader hands over before it leaves',
  stillBroken: 'nothing that this roadmap has a name for',
  state: productionNode,
  commands: { ...before.commands, ...productionCommands },
  verbs: { ...before.verbs, ...pipelineVerbs, campaign: askPreVotes, retire: handOverAndRetire },
  requests: { ...before.requests, ...heldRequests, transfer_leader: transferLeader },
  messages: { ...before.messages, ...productionMessages },
  doubts: productionDoubts,
  gate: insertedBefore(insertedBefore(before.gate, beLoyal, letLeasesEnd), tellStaleTerm, hearSuccessor),
  on: {
    ...before.on,
    AppendEntriesReply: replacedIn(before.on.AppendEntriesReply, countReply, countArrived),
    AppendEntriesConflict: replacedIn(before.on.AppendEntriesConflict, walkBack, rewind),
    PreVote: answerPreVote,
    PreVoteReply: countPreVote,
    LeaderConfirmed: replacedIn(before.on.LeaderConfirmed, countConfirmation, extendLease),
    OfferToLead: takeOffer,
    TimeoutNow: inOrder(heedElected, standAtOnce),
    RequestVoteNow: voteIfAdmitted,
  },
  proto: [...before.proto, '10-production/production.proto'],
  services: [...before.services, '10-production/handover.proto'],
  tick: [...replaced(before.tick, endSessions, endSessionsUnlessLeaving), endQuestion, giveUpHandover, offerToLead],
  turn: [
    ...replaced(
      insertedBefore(replaced(before.turn, leaveReads, leaveReadsToSuccessor), beginRound, readByLease),
      askReadIndex,
      noteRound,
      askReadIndexOfSuccessor,
    ),
    handOver,
  ],
  gives: [...before.gives, 'G16'],
  breaks: {},
})
