import { stage } from '../../src/stage.js'
import keyValueStore from '../0-key-value-store/stage.js'
import { answered } from './answer.js'
import { call } from './call.js'
import { client, take } from './client.js'
import { closed, connected, disconnected, elapsed } from './link.js'

export default stage({
  ...keyValueStore.table,
  number: 1,
  name: '1-client',
  title: 'Client',
  adds: 'the client: pipelining, ids, deadlines, redirects, and "unknown" as an outcome of its own; the REPL',
  stillBroken: 'the servers are those of stage 0: a crash forgets everything',
  client: { state: client, call, answered, connected, disconnected, elapsed, closed, take },
  gives: ['G1', 'G2', 'G3'],
})
