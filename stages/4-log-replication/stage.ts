import { stage } from '../../src/stage.js'
import { info, noteApplied, ping } from '../0-key-value-store/server.js'
import client from '../1-client/stage.js'
import { countReply, walkBack } from './acknowledge.js'
import { appendEntries } from './append-entries.js'
import { applyCommitted, commitByMajority, noteDurable } from './commit.js'
import { dropDoubtful, replicationDoubts } from './doubts.js'
import { giveUpWaiting } from './give-up.js'
import { logInvariants } from './log.js'
import { type ReplicationMessage, replicationMessages } from './messages.js'
import { propose } from './propose.js'
import { type Replica, replica, replicaStatus, trackFollower } from './replica.js'
import { isDueByNews, replicateToAll, sendEntries } from './replicate.js'
import { beginTerm, hearTerm, takeOffice } from './term.js'

export default stage<Replica, ReplicationMessage>({
  ...client.table,
  number: 4,
  name: '4-log-replication',
  title: 'Log replication',
  adds: 'an append-only log on disk; entries are committed by a majority and performed in the same order everywhere',
  stillBroken: 'a lost message waits for the next write; the leader is gone = the cluster stands still, safely',
  keeps: 'log',
  state: replica,
  start: [beginTerm],
  entries: (node, from) => node.log.from(from),
  verbs: { status: replicaStatus, track: trackFollower, replicate: sendEntries, isDue: isDueByNews },
  requests: { read: propose, write: propose, info, ping },
  messages: replicationMessages,
  doubts: replicationDoubts,
  gate: [dropDoubtful, hearTerm],
  on: { AppendEntries: appendEntries, AppendEntriesReply: countReply, AppendEntriesConflict: walkBack },
  proto: ['4-log-replication/log.proto'],
  tick: [giveUpWaiting],
  durable: [noteDurable, takeOffice],
  perform: [],
  applied: [noteApplied],
  saved: [],
  held: [],
  kept: [],
  restored: [],
  met: [],
  greeted: [],
  turn: [commitByMajority, applyCommitted, replicateToAll],
  invariants: [...logInvariants],
  gives: ['G1', 'G2', 'G3', 'G4', 'G5', 'G6', 'G8'],
  stalls: { G7: 'E11', G12: 'E10' },
  breaks: { G9: 'H5', G10: 'E2', G13: 'N8', G14: 'C1' },
})
