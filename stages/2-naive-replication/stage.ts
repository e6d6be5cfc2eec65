import { stage } from '../../src/stage.js'
import client from '../1-client/stage.js'
import { countAcknowledgement, performAtOnce } from './acknowledge.js'
import { giveUp } from './give-up.js'
import { messages, type NaiveMessage } from './messages.js'
import { type NaiveReplica, naiveReplica } from './replica.js'
import { replicate, settleAtMajority } from './replicate.js'

export default stage<NaiveReplica, NaiveMessage>({
  ...client.table,
  number: 2,
  name: '2-naive-replication',
  title: 'Naive replication',
  adds: 'one leader, four followers: a write is copied to all and answered at a majority',
  stillBroken: 'replicas diverge; a write without a majority stays visible; a restarted leader is empty and believed',
  state: naiveReplica,
  verbs: { ...client.table.verbs, settle: settleAtMajority },
  requests: { ...client.table.requests, write: replicate },
  messages,
  on: { Replicate: performAtOnce, Replicated: countAcknowledgement },
  proto: ['2-naive-replication/naive.proto'],
  tick: [giveUp],
  gives: ['G1', 'G2', 'G4'],
  breaks: { G3: 'N7', G5: 'N3', G6: 'N4', G7: 'N5', G8: 'L8', G9: 'H5', G10: 'E2', G12: 'storm', G13: 'N8' },
})
