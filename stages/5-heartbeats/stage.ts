import { inOrder, stage } from '../../src/stage.js'
import { appendEntries } from '../4-log-replication/append-entries.js'
import type { ReplicationMessage } from '../4-log-replication/messages.js'
import logReplication from '../4-log-replication/stage.js'
import { heartbeat, isDueByEntries } from './heartbeat.js'
import { type Listener, listener } from './listener.js'
import { heed, noticeSilence } from './silence.js'

export default stage<Listener, ReplicationMessage>({
  ...logReplication.table,
  number: 5,
  name: '5-heartbeats',
  title: 'Heartbeats',
  adds: 'an idle leader speaks: its silence is noticed and told to clients, and lost messages are made good',
  stillBroken: 'nobody takes the place of a dead leader',
  state: listener,
  verbs: { ...logReplication.table.verbs, isDue: isDueByEntries },
  on: { ...logReplication.table.on, AppendEntries: inOrder(heed, appendEntries) },
  tick: [...logReplication.table.tick, heartbeat, noticeSilence],
  gives: [...logReplication.gives, 'G9'],
  breaks: { G10: 'E2', G13: 'N8', G14: 'C1' },
})
