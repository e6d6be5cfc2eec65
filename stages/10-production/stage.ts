import { stage } from '../../src/stage.js'
import clientInteraction from '../9-client-interaction/stage.js'
import { productionCommands, servicesOfProduction } from './commands.js'
import { dropSilent } from './drop-silent.js'
import { productionEnvelopes } from './envelope.js'
import { featureSlots } from './features.js'
import { gateOfProduction, hearAhead, reportsOfProduction, tickOfProduction, turnOfProduction } from './hear.js'
import { productionRequests } from './hold.js'
import { type ProductionMessage, productionDoubts, productionMessages } from './messages.js'
import { type ProductionNode, productionNode } from './production-node.js'
import { productionVerbs } from './verbs.js'

const before = clientInteraction.table

export default stage<ProductionNode, ProductionMessage>({
  ...before,
  number: 10,
  name: '10-production',
  title: 'Production',
  adds: 'nobody disturbs a healthy leader, a leader that leaves hands over, and a far follower is not waited for',
  stillBroken: 'no guarantee: what is left is said in the lesson',
  commands: { ...before.commands, ...productionCommands },
  envelopes: productionEnvelopes,
  ...featureSlots(before),
  asksForRoom: true,
  state: productionNode,
  verbs: { ...before.verbs, ...productionVerbs },
  client: { ...before.client!, ...dropSilent },
  requests: { ...before.requests, ...productionRequests },
  messages: { ...before.messages, ...productionMessages },
  doubts: productionDoubts,
  gate: gateOfProduction(before.gate),
  on: hearAhead(before.on),
  proto: [...before.proto, '10-production/production.proto'],
  services: servicesOfProduction(before.services),
  tick: tickOfProduction(before.tick),
  ...reportsOfProduction(before),
  turn: turnOfProduction(before.turn),
  gives: [...before.gives, 'G16'],
  breaks: {},
})
