import { replaced, stage } from '../../src/stage.js'
import { refuseUnknown } from '../7-log-compaction/take-snapshot.js'
import membership from '../8-membership/stage.js'
import { askReadIndex } from './ask-read-index.js'
import { inSession } from './client.js'
import { interactionCommands } from './commands.js'
import { envelopes } from './envelope.js'
import { noteFresh } from './freshness.js'
import { hearReads, timeGoesOn } from './hear.js'
import { hintCommit } from './hint-commit.js'
import { type InteractionMessage, interactionDoubts, interactionMessages } from './messages.js'
import { keepSessions, measureAnswers, performOnce, restoreSessions } from './perform-once.js'
import { tellIndexes } from './propose-call.js'
import { beginRound, leaveReads } from './read-index.js'
import { interactionRequests } from './requests.js'
import { type Responder, responder, statusOfResponder } from './responder.js'
import { serveRead, serveReads } from './serve-reads.js'
import { isSession } from './session-call.js'

const before = membership.table

export default stage<Responder, InteractionMessage>({
  ...before,
  number: 9,
  name: '9-client-interaction',
  title: 'Client interaction',
  adds: 'sessions: a call that is asked again happens once; and reads that any node answers without an entry in the log',
  stillBroken: 'a returning node disturbs; nobody hands over; one append is in flight',
  commands: { ...before.commands, ...interactionCommands },
  envelopes,
  client: { ...before.client!, ...inSession },
  payloads: { ...before.payloads, session: isSession },
  state: responder,
  verbs: { ...before.verbs, status: statusOfResponder, serveRead },
  requests: { ...before.requests, ...interactionRequests },
  messages: { ...before.messages, ...interactionMessages },
  doubts: interactionDoubts,
  on: hearReads(before.on),
  proto: [...before.proto, '9-client-interaction/reads.proto'],
  services: [...before.services, '9-client-interaction/sessions.proto'],
  tick: [...before.tick, ...timeGoesOn],
  perform: [performOnce],
  applied: [...before.applied, measureAnswers],
  kept: [keepSessions],
  restored: replaced(before.restored, refuseUnknown, restoreSessions),
  turn: [...before.turn, tellIndexes, noteFresh, leaveReads, beginRound, askReadIndex, serveReads, hintCommit],
  gives: [...before.gives, 'G13'],
  breaks: { G16: 'E16' },
})
