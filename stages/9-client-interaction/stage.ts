import { inOrder, replaced, stage } from '../../src/stage.js'
import { heedElected } from '../6-leader-election/terms.js'
import { refuseUnknown } from '../7-log-compaction/take-snapshot.js'
import membership from '../8-membership/stage.js'
import { askReadIndex, hearReadIndexReply, repeatQuestion } from './ask-read-index.js'
import { inSession } from './client.js'
import { moveClock } from './cluster-time.js'
import { interactionCommands } from './commands.js'
import { endSessions } from './end-sessions.js'
import { envelopes } from './envelope.js'
import { noteFresh, noteNews } from './freshness.js'
import { hintCommit } from './hint-commit.js'
import { type InteractionMessage, interactionDoubts, interactionMessages } from './messages.js'
import { openSession } from './open-session.js'
import { keepSessions, measureAnswers, performOnce, restoreSessions } from './perform-once.js'
import { proposeCall, tellIndexes } from './propose-call.js'
import { read } from './read.js'
import { beginRound, confirmLeader, countConfirmation, hearReadIndex, leaveReads, repeatRound } from './read-index.js'
import { type Responder, responder } from './responder.js'
import { giveUpReads, serveReads } from './serve-reads.js'
import { isSession } from './session-call.js'
import { statusOfResponder } from './status.js'

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
  verbs: { ...before.verbs, status: statusOfResponder },
  requests: { ...before.requests, read, write: proposeCall, open_session: openSession },
  messages: { ...before.messages, ...interactionMessages },
  doubts: interactionDoubts,
  on: {
    ...before.on,
    AppendEntries: inOrder(before.on.AppendEntries, noteNews),
    ConfirmLeader: inOrder(heedElected, confirmLeader),
    LeaderConfirmed: countConfirmation,
    ReadIndex: hearReadIndex,
    ReadIndexReply: hearReadIndexReply,
  },
  proto: [...before.proto, '9-client-interaction/reads.proto'],
  services: [...before.services, '9-client-interaction/sessions.proto'],
  tick: [...before.tick, moveClock, endSessions, repeatRound, repeatQuestion, giveUpReads],
  perform: [performOnce],
  applied: [...before.applied, measureAnswers],
  kept: [keepSessions],
  restored: replaced(before.restored, refuseUnknown, restoreSessions),
  turn: [...before.turn, tellIndexes, noteFresh, leaveReads, beginRound, askReadIndex, serveReads, hintCommit],
  gives: [...before.gives, 'G13'],
  breaks: { G16: 'E16' },
})
