import { stage } from '../../src/stage.js'
import type { NaiveMessage } from '../2-naive-replication/messages.js'
import type { NaiveReplica } from '../2-naive-replication/replica.js'
import naive from '../2-naive-replication/stage.js'

export default stage<NaiveReplica, NaiveMessage>({
  ...naive.table,
  number: 3,
  name: '3-protobuf-rpc',
  title: 'Protobuf RPC',
  adds: 'gRPC and protobuf between the nodes; every rule is that of stage 2',
  stillBroken: 'the same as at stage 2: replicas diverge, and a restarted leader is empty and believed',
  network: 'grpc',
})
