import { inOrder, replacedIn, stage } from '../../src/stage.js'
import { appendEntries } from '../4-log-replication/append-entries.js'
import leaderElection from '../6-leader-election/stage.js'
import { heedElected } from '../6-leader-election/terms.js'
import { type Compactor, compactor, compactorStatus } from './compactor.js'
import { compactionDoubts } from './doubts.js'
import { appendBehindEdge, edgeVerbs } from './edge.js'
import { keepChunk, noteKept, noteSnapshot } from './install-snapshot.js'
import { holdSnapshots } from './let-go.js'
import { type CompactionMessage, compactionMessages } from './messages.js'
import { noteUnheld, noteUnsaved } from './no-room.js'
import { continueTransfer, resendChunks, sendSnapshotIfBehind } from './send-snapshot.js'
import { headerOfEdge, refuseUnknown, takeSnapshotWhenDue } from './take-snapshot.js'

const before = leaderElection.table

export default stage<Compactor, CompactionMessage>({
  ...before,
  number: 7,
  name: '7-log-compaction',
  title: 'Log compaction',
  adds: 'snapshots: the log lets go of what they hold, and a follower that is too far behind is sent one',
  stillBroken: 'the five are for ever',
  keeps: 'log and snapshots',
  state: compactor,
  verbs: { ...before.verbs, ...edgeVerbs, header: headerOfEdge, status: compactorStatus },
  messages: { ...before.messages, ...compactionMessages },
  doubts: compactionDoubts,
  on: {
    ...before.on,
    AppendEntries: replacedIn(before.on.AppendEntries, appendEntries, appendBehindEdge),
    AppendEntriesConflict: inOrder(before.on.AppendEntriesConflict, sendSnapshotIfBehind),
    InstallSnapshot: inOrder(heedElected, keepChunk),
    InstallSnapshotReply: continueTransfer,
  },
  proto: [...before.proto, '7-log-compaction/snapshot.proto'],
  tick: [...before.tick, resendChunks],
  saved: [noteSnapshot, noteUnsaved],
  held: [noteKept, noteUnheld],
  restored: [refuseUnknown],
  turn: [...before.turn, takeSnapshotWhenDue, holdSnapshots],
  invariants: [...before.invariants, 'snapshotsAgree'],
  gives: [...before.gives, 'G14'],
  breaks: { G13: 'N8', G16: 'E16' },
})
