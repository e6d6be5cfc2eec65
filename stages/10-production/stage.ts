import { insertedBefore, replaced, stage } from '../../src/stage.js'
import { tellStaleTerm } from '../6-leader-election/terms.js'
import { askReadIndex } from '../9-client-interaction/ask-read-index.js'
import { endSessions } from '../9-client-interaction/end-sessions.js'
import { leaveReads } from '../9-client-interaction/read-index.js'
import clientInteraction from '../9-client-interaction/stage.js'
import { productionCommands } from './commands.js'
import { giveUpHandover, handOver, handOverAndRetire } from './hand-over.js'
import { hearProduction } from './hear.js'
import { endSessionsUnlessLeaving, heldRequests } from './hold.js'
import { type ProductionMessage, productionDoubts, productionMessages } from './messages.js'
import { askPreVotes, endQuestion } from './pre-vote.js'
import { type ProductionNode, productionNode } from './production-node.js'
import { askReadIndexOfSuccessor, leaveReadsToSuccessor } from './reads-in-between.js'
import { hearSuccessor } from './stand-at-once.js'
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
  verbs: { ...before.verbs, campaign: askPreVotes, retire: handOverAndRetire },
  requests: { ...before.requests, ...heldRequests, transfer_leader: transferLeader },
  messages: { ...before.messages, ...productionMessages },
  doubts: productionDoubts,
  gate: insertedBefore(before.gate, tellStaleTerm, hearSuccessor),
  on: hearProduction(before.on),
  proto: [...before.proto, '10-production/production.proto'],
  services: [...before.services, '10-production/handover.proto'],
  tick: [...replaced(before.tick, endSessions, endSessionsUnlessLeaving), endQuestion, giveUpHandover],
  turn: [
    ...replaced(replaced(before.turn, leaveReads, leaveReadsToSuccessor), askReadIndex, askReadIndexOfSuccessor),
    handOver,
  ],
  gives: [...before.gives, 'G16'],
  breaks: {},
})
