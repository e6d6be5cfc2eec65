import { inOrder, stage } from '../../src/stage.js'
import { walkBack } from '../4-log-replication/acknowledge.js'
import { applyCommitted } from '../4-log-replication/commit.js'
import { replicateToAll } from '../4-log-replication/replicate.js'
import { commitOwnTerm } from '../6-leader-election/commit.js'
import leaderElection from '../6-leader-election/stage.js'
import { heedElected } from '../6-leader-election/terms.js'
import { type Compactor, compactor, compactorStatus } from './compactor.js'
import { compactionDoubts } from './doubts.js'
import { appendBehindEdge, edgeVerbs } from './edge.js'
import { keepChunk, observeTermOfSender } from './install-snapshot.js'
import { holdSnapshots } from './let-go.js'
import { type CompactionMessage, compactionWire } from './messages.js'
import { continueTransfer, resendChunks, sendSnapshotIfBehind } from './send-snapshot.js'
import { snapshotVerbs, takeSnapshotWhenDue } from './take-snapshot.js'

export default stage<Compactor, CompactionMessage>({
  ...leaderElection.table,
  number: 7,
  name: '7-log-compaction',
  title: 'Log compaction',
  adds: 'snapshots: the log lets go of what they hold, and a follower that is too far behind is sent one',
  stillBroken: 'the five are for ever',
  keeps: 'log and snapshots',
  state: compactor,
  verbs: { ...leaderElection.table.verbs, ...edgeVerbs, ...snapshotVerbs, status: compactorStatus },
  doubts: compactionDoubts,
  gate: observeTermOfSender,
  on: {
    ...leaderElection.table.on,
    AppendEntries: inOrder(heedElected, appendBehindEdge),
    AppendEntriesConflict: inOrder(walkBack, sendSnapshotIfBehind),
    InstallSnapshot: inOrder(heedElected, keepChunk),
    InstallSnapshotReply: continueTransfer,
  },
  wire: { ...leaderElection.table.wire, ...compactionWire },
  proto: [...leaderElection.proto, '7-log-compaction/snapshot.proto'],
  tick: [...leaderElection.table.tick, resendChunks],
  turn: [commitOwnTerm, applyCommitted, replicateToAll, takeSnapshotWhenDue, holdSnapshots],
  invariants: [...leaderElection.invariants, 'snapshotsAgree'],
  gives: [...leaderElection.gives, 'G14'],
  breaks: { G13: 'N8', G16: 'E16' },
})
