import { stage } from '../../src/stage.js'
import { nodeCommands } from './commands.js'
import { keyValue } from './key-value.js'
import { info, noteApplied, ping, read, type Server, server, status, write } from './server.js'

export default stage<Server, never>({
  number: 0,
  name: '0-key-value-store',
  title: 'Key-value store',
  adds: 'a TCP + JSON server over a Map behind a mutex; five of them, each alone',
  stillBroken: 'a crash forgets everything; the five know nothing of each other',
  application: keyValue,
  commands: nodeCommands,
  payloads: {},
  keeps: 'nothing',
  members: 'fixed',
  state: server,
  verbs: { status },
  requests: { read, write, info, ping },
  client: {},
  messages: {},
  doubts: {},
  gate: [],
  on: {},
  network: 'tcp',
  proto: [],
  start: [],
  tick: [],
  durable: [],
  applied: [noteApplied],
  saved: [],
  held: [],
  met: [],
  turn: [],
  invariants: ['appliedNeverFalls'],
  gives: ['G1', 'G3'],
  stalls: {},
  breaks: { G7: 'N5', G8: 'L8', G13: 'N8' },
})
