import { stage } from '../../src/stage.js'
import clientInteraction from '../9-client-interaction/stage.js'
import { answerPreVote } from './answer-pre-vote.js'
import { type ProductionMessage, productionDoubts, productionMessages } from './messages.js'
import { askPreVotes, countPreVote } from './pre-vote.js'
import { type ProductionNode, productionNode } from './production-node.js'

const before = clientInteraction.table

export default stage<ProductionNode, ProductionMessage>({
  ...before,
  number: 10,
  name: '10-production',
  title: 'Production',
  adds: 'a node asks whether it would be elected before it stands: a healthy leader is left undisturbed',
  stillBroken: 'nothing that this roadmap has a name for',
  state: productionNode,
  verbs: { ...before.verbs, campaign: askPreVotes },
  messages: { ...before.messages, ...productionMessages },
  doubts: productionDoubts,
  on: { ...before.on, PreVote: answerPreVote, PreVoteReply: countPreVote },
  proto: [...before.proto, '10-production/production.proto'],
  gives: [...before.gives, 'G16'],
  breaks: {},
})
