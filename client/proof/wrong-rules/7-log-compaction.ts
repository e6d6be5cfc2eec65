import type { Snapshot, SnapshotHeader } from '../../../src/contracts.js'
import { replaced, replacedIn, type Stage, type StageTable, stage } from '../../../src/stage.js'
import { appendEntries } from '../../../stages/4-log-replication/append-entries.js'
import { applyCommitted } from '../../../stages/4-log-replication/commit.js'
import { persist } from '../../../stages/4-log-replication/replica.js'
import { sendEntries } from '../../../stages/4-log-replication/replicate.js'
import { isDueByEntries } from '../../../stages/5-heartbeats/heartbeat.js'
import { heedElected, observeTerm } from '../../../stages/6-leader-election/terms.js'
import { type Compactor, compactor } from '../../../stages/7-log-compaction/compactor.js'
import { deniesCommitted, compactionDoubts as doubts, holdsTooMuch } from '../../../stages/7-log-compaction/doubts.js'
import { appendBehindEdge } from '../../../stages/7-log-compaction/edge.js'
import { keepChunk, noteKept, noteSnapshot } from '../../../stages/7-log-compaction/install-snapshot.js'
import { holdSnapshots } from '../../../stages/7-log-compaction/let-go.js'
import type { CompactionMessage } from '../../../stages/7-log-compaction/messages.js'
import { noteUnsaved } from '../../../stages/7-log-compaction/no-room.js'
import { continueTransfer, resendChunks, sendSnapshotIfBehind } from '../../../stages/7-log-compaction/send-snapshot.js'
import logCompaction from '../../../stages/7-log-compaction/stage.js'
import { takeSnapshotWhenDue } from '../../../stages/7-log-compaction/take-snapshot.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<Compactor, CompactionMessage>

const right = logCompaction.table

function replacing(rules: Partial<Table>): Stage {
  return stage<Compactor, CompactionMessage>({ ...right, ...rules })
}

function hearing(on: Partial<Table['on']>): Stage {
  return replacing({ on: { ...right.on, ...on } })
}

function doing(verbs: Partial<Table['verbs']>): Stage {
  return replacing({ verbs: { ...right.verbs, ...verbs } })
}

/** A stage whose nodes take snapshots by another rule. */
function taking(takeSnapshot: (node: Compactor) => void): Stage {
  return replacing({ turn: replaced(right.turn, takeSnapshotWhenDue, takeSnapshot) })
}

/** A stage whose leaders resend chunks of snapshots by another rule. */
function resending(resend: (node: Compactor) => void): Stage {
  return replacing({ tick: replaced(right.tick, resendChunks, resend) })
}

/** A stage whose nodes note a saved snapshot by another rule. */
function saving(note: (node: Compactor, snapshot: Snapshot) => void): Stage {
  return replacing({
    saved: replaced(right.saved, noteSnapshot, (node, snapshot) => {
      if (snapshot) note(node, snapshot)
    }),
  })
}

/** Installs a snapshot of another node, even if it is older than the applied entries. */
function installAny(node: Compactor, snapshot: Snapshot | null): void {
  if (snapshot && snapshot.index !== node.saving?.index) node.handed = Math.min(node.handed, snapshot.index - 1)
  noteSnapshot(node, snapshot)
}

/** Wrong ways to take a snapshot, and to let go of the log. */
const wrongSnapshots: readonly WrongRule[] = [
  {
    name: 'snapshot-beyond-the-performed',
    what: 'a snapshot names the last entry of the log: it claims what was not performed, and may never be committed',
    stage: doing({ header: ({ log }): SnapshotHeader => ({ index: log.last.index, term: log.last.term }) }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 10 },
  },
  {
    name: 'snapshot-of-the-current-term',
    what: 'a snapshot names the term that it was taken in, not that of its last entry: it fits into no log',
    stage: doing({ header: ({ term }, { index }): SnapshotHeader => ({ index, term }) }),
    caught: { guarantee: 'G14', climate: 'churn', seeds: 10 },
  },
  {
    name: 'trigger-dropped',
    what: 'a snapshot that falls due while another is being written is forgotten, and the log grows on',
    stage: replacing({
      turn: replaced(replaced(right.turn, takeSnapshotWhenDue), applyCommitted, (node) => {
        const { snapshotEntries } = node.timing
        const before = Math.floor(node.handed / snapshotEntries)
        applyCommitted(node)
        if (Math.floor(node.handed / snapshotEntries) > before) takeSnapshotWhenDue(node)
      }),
    }),
    caught: { claim: 'a snapshot that fell due while another was written is begun when that one is there (D10)' },
  },
  {
    name: 'snapshot-without-news',
    what: 'a snapshot is due after so many entries, however large the state: it is written again and again',
    stage: taking((node) => {
      const { snapshots } = node
      node.snapshots = snapshots.map((snapshot) => ({ ...snapshot, bytes: 0 }))
      takeSnapshotWhenDue(node)
      node.snapshots = snapshots
    }),
    caught: { claim: 'a snapshot is not due before there is as much news as the newest is long' },
  },
  {
    name: 'no-snapshot-while-sending',
    what: 'a leader takes no snapshot while it sends one: behind a slow line, one follower makes its log grow for ever',
    stage: taking((node) => {
      if (node.transfers.size === 0) takeSnapshotWhenDue(node)
    }),
    caught: { claim: 'a snapshot that is being sent keeps nobody from taking the next, and the log shrinks (§7)' },
  },
  {
    name: 'sent-snapshot-let-go',
    what: 'a snapshot goes when two newer ones are there, also in the middle of being sent: a slow line never gets a whole one',
    stage: replacing({ turn: replaced(right.turn, holdSnapshots) }),
    caught: { claim: 'a snapshot that is being sent can be read to its end, whatever newer ones have come' },
  },
  {
    name: 'next-entries-let-go',
    what: 'the log lets go of entries that a follower needs as soon as it has its snapshot: it is sent the next one, and so on',
    stage: saving((node, snapshot) => {
      const { beingSent } = node
      node.beingSent = []
      noteSnapshot(node, snapshot)
      node.beingSent = beingSent
    }),
    caught: {
      claim: 'the entries behind a snapshot that is being sent are there when it is installed, within a bound',
    },
  },
  {
    name: 'given-up-for-good',
    what: 'a node whose disk was full once takes no snapshot any more, and its log grows for ever',
    stage: replacing({ saved: replaced(right.saved, noteUnsaved) }),
    caught: { claim: 'a snapshot for which the disk had no room is tried again, and the log is let go of then (§7)' },
  },
  {
    name: 'log-let-go-at-the-newest',
    what: 'the log lets go of all that the newest snapshot holds: if that is damaged, the older one leads nowhere',
    stage: saving((node, snapshot) => {
      noteSnapshot(node, snapshot)
      if (node.snapshots[0]) node.log.forget(node.snapshots[0])
    }),
    caught: {
      claim: 'two snapshots are kept, and every entry behind the older one, in the log and on the disk (D12, D13)',
    },
  },
  {
    name: 'replayed-on-top',
    what: 'a node that starts again performs its log from where that begins, on a store that has had some of it already',
    stage: replacing({
      state(options) {
        const { index } = options.recovered.edge
        return { ...compactor(options), commitIndex: index, handed: index }
      },
    }),
    caught: { guarantee: 'G6', climate: 'churn', seeds: 10 },
  },
]

/** Wrong ways to receive a snapshot. */
const wrongReceivers: readonly WrongRule[] = [
  {
    name: 'snapshot-of-the-past',
    what: 'a follower installs whatever snapshot comes, also an older one: what it performed since is undone',
    stage: replacing({
      on: {
        ...right.on,
        InstallSnapshot: replacedIn(right.on.InstallSnapshot, keepChunk, (node, message) => {
          const { handed } = node
          node.handed = 0
          keepChunk(node, message)
          node.handed = handed
        }),
      },
      saved: replaced(right.saved, noteSnapshot, installAny),
    }),
    caught: {
      claim: 'a snapshot of what is performed already is not installed, and the answer says that it is there (D1)',
    },
  },
  {
    name: 'overtaken-snapshot',
    what: 'only when the first piece comes does a follower look whether it needs a snapshot: entries overtake the last',
    stage: saving(installAny),
    caught: {
      claim:
        'a snapshot that has become too old while it was on its way is not installed: applied never falls (D1, D3)',
    },
  },
  {
    name: 'foreign-entry-kept',
    what: "a log that is long enough is kept, whatever it has at the snapshot's end: every append behind it is refused",
    stage: saving((node, snapshot) => {
      const { index, term } = snapshot
      const isForeign = (node.log.termAt(index) ?? term) !== term
      if (index <= node.handed || !isForeign) return noteSnapshot(node, snapshot)
      persist(node, { record: 'snapshot', snapshot: { index, term } })
      Object.assign(node, { snapshots: [snapshot], handed: index, sinceSnapshot: { bytes: 0, upTo: index } })
      node.commitIndex = Math.max(node.commitIndex, index)
      node.effects.restore = snapshot
    }),
    caught: {
      claim: 'InstallSnapshot 7: any other log goes as a whole, and the leader can append behind the snapshot (D2)',
    },
  },
  {
    name: 'tail-dropped',
    what: 'a snapshot takes the place of the whole log: entries behind it go that were acknowledged, and committed',
    stage: saving((node, snapshot) => {
      const { index } = snapshot
      if (index > node.handed && index <= node.log.last.index) {
        persist(node, { record: 'truncate', from: index })
        node.log.truncate(index)
      }
      noteSnapshot(node, snapshot)
    }),
    caught: {
      claim: 'InstallSnapshot 6: a log that has the last included entry keeps what follows, in memory and on disk (§7)',
    },
  },
  {
    name: 'installed-before-sync',
    what: 'a follower says that it has a snapshot before its disk has the record of it: a crash takes that back',
    stage: replacing({
      held: replaced(right.held, noteKept, (node, kept) => {
        const { send, sendWhenDurable } = node.effects
        const before = sendWhenDurable.length
        noteKept(node, kept)
        send.push(...sendWhenDurable.splice(before))
      }),
    }),
    caught: { claim: 'that a snapshot is installed is said when the disk has the record of it, and not before' },
  },
  {
    name: 'piece-is-no-sign-of-life',
    what: 'a piece of a snapshot does not count as hearing the leader: whoever hears nothing else stands for election',
    stage: hearing({ InstallSnapshot: replacedIn(right.on.InstallSnapshot, heedElected) }),
    caught: {
      claim: 'every piece is a sign of life: no election while a snapshot is on its way, however long it takes (D6)',
    },
  },
  {
    name: 'pieces-of-earlier-terms',
    what: 'a piece of a snapshot is heard whatever its term: a node follows a leader that was deposed long ago',
    stage: replacing({
      gate: replaced(
        right.gate,
        observeTerm,
        (node, message) => observeTerm(node, message) || message.type === 'InstallSnapshot',
      ),
    }),
    caught: {
      claim:
        'InstallSnapshot 1: a piece of an earlier term is answered with the term, kept nowhere, and no sign of life (§5.1)',
    },
  },
  {
    name: 'deposed-sender-not-told',
    what: 'who sends a snapshot is not taken for a leader: one that was deposed is not told, and goes on sending',
    stage: replacing({
      messages: { ...right.messages, InstallSnapshot: { ...right.messages.InstallSnapshot, kind: 'answers' } },
    }),
    caught: { claim: 'InstallSnapshot 1: a leader that was deposed and sends a piece is told so at once (§5.1)' },
  },
  {
    name: 'reach-back-refused',
    what: 'what reaches back behind the snapshot is refused, as if the log had lost it: leader and follower go in circles',
    stage: hearing({ AppendEntries: replacedIn(right.on.AppendEntries, appendBehindEdge, appendEntries) }),
    caught: {
      claim:
        'an append that reaches back behind the snapshot: what is there stays, the rest is taken, the answer tells how far',
    },
  },
]

/** Wrong ways to send a snapshot. */
const wrongSenders: readonly WrongRule[] = [
  {
    name: 'nothing-sent-behind-the-edge',
    what: 'a follower that lacks what the log has let go is sent nothing: it is behind for ever',
    stage: hearing({ AppendEntriesConflict: replacedIn(right.on.AppendEntriesConflict, sendSnapshotIfBehind) }),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 10 },
  },
  {
    name: 'entries-that-are-gone',
    what: 'a leader looks into its log for entries that it has let go, and falls over; so does the next one',
    stage: doing({ replicate: sendEntries, isDue: isDueByEntries }),
    caught: { guarantee: 'G10', climate: 'storm', seeds: 10 },
  },
  {
    name: 'installed-means-caught-up',
    what: 'a follower that has the snapshot is taken to have the whole log: entries are committed that few disks have',
    stage: hearing({
      InstallSnapshotReply(node, reply) {
        const isInstalled = reply.matchIndex > 0 && node.transfers.has(reply.from)
        continueTransfer(node, isInstalled ? { ...reply, matchIndex: node.log.last.index } : reply)
      },
    }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 15 },
  },
  {
    name: 'every-answer-sends-a-piece',
    what: 'every answer sets the next piece going, also one that came twice: the pieces multiply',
    stage: hearing({
      InstallSnapshotReply(node, reply) {
        const sequence = node.transfers.get(reply.from)?.sequence ?? reply.sequence
        continueTransfer(node, { ...reply, sequence })
      },
    }),
    caught: { claim: 'one piece is under way: an answer that comes again sets no second one going (D4)' },
  },
  {
    name: 'pieces-counted-by-the-sender',
    what: 'the next piece is the one behind the last that was sent: what a crash took from the receiver is never sent again',
    stage: hearing({
      InstallSnapshotReply(node, reply) {
        const transfer = node.transfers.get(reply.from)
        const sent = (transfer?.offset ?? 0) + node.timing.chunkBytes
        continueTransfer(node, { ...reply, held: Math.min(sent, transfer?.snapshot.bytes ?? 0) })
      },
    }),
    caught: { claim: 'a transfer goes on at what the follower holds, also where an earlier leader ended (D4, D5)' },
  },
  {
    name: 'lost-piece-awaited',
    what: 'a leader waits for the answer to a piece that was lost: the follower never hears of it, and nothing is compacted',
    stage: resending(() => {}),
    caught: { guarantee: 'G6', climate: 'storm', seeds: 100 },
  },
  {
    name: 'piece-again-at-every-beat',
    what: 'a piece is sent again at fixed intervals, whatever is still on its way: a slow line carries nothing but copies',
    stage: resending((node) => {
      for (const { pace } of node.transfers.values()) pace.patienceTicks = pace.leastTicks
      resendChunks(node)
    }),
    caught: { claim: 'a piece is sent again when the line has had time for it: each copy waits longer, up to a bound' },
  },
  {
    name: 'progress-of-old-answers-ignored',
    what: 'only the answer to the last piece counts: where that is lost, what the follower says it has is not heard',
    stage: hearing({
      InstallSnapshotReply(node, reply) {
        if (node.transfers.get(reply.from)?.sequence === reply.sequence) continueTransfer(node, reply)
      },
    }),
    caught: { claim: 'an answer to an earlier piece counts if it shows progress: what a follower holds is a maximum' },
  },
  {
    name: 'pieces-of-one-size',
    what: 'a piece is as large on a slow line as on a fast one: heartbeats wait behind it, and the follower stands for election',
    stage: hearing({
      AppendEntriesConflict(node, message) {
        right.on.AppendEntriesConflict(node, message)
        const transfer = node.transfers.get(message.from)
        if (transfer) transfer.pace.bytes = node.timing.chunkBytes
      },
    }),
    caught: { claim: 'pieces begin small, grow while answers come soon, and shrink while they come late' },
  },
  {
    name: 'silent-follower-awaited',
    what: 'a leader goes on sending to a follower that is gone, and takes no snapshot meanwhile: its log grows for ever',
    stage: resending((node) => {
      for (const transfer of node.transfers.values()) transfer.movedAt = node.ticks
      resendChunks(node)
    }),
    caught: { claim: 'a leader does not wait for ever: a follower that has fallen silent is sent no more (D5)' },
  },
]

/** A stage that checks less of a snapshot. */
function believing(some: Table['doubts']): Stage {
  return replacing({ doubts: { ...right.doubts, ...some } })
}

/** Wrong ways to check a snapshot: an impossible one is believed. */
const wrongBeliefs: readonly WrongRule[] = [
  {
    name: 'snapshot-of-another-history',
    what: 'a snapshot is taken that ends otherwise than what was committed here: two histories become one',
    stage: believing({ InstallSnapshot: replaced(doubts.InstallSnapshot, deniesCommitted) }),
    caught: { claim: 'a snapshot that ends otherwise than what was committed is not kept (§7)' },
  },
  {
    name: 'more-than-the-whole',
    what: 'a follower is believed to hold more of a snapshot than there is: it is sent nothing, and counts',
    stage: believing({ InstallSnapshotReply: replaced(doubts.InstallSnapshotReply, holdsTooMuch) }),
    caught: { claim: 'an answer about more of a snapshot than there is of it, or than was sent, is not heard (D4)' },
  },
]

/** Wrong rules for nodes whose logs begin behind a snapshot. */
export const wrongCompaction: readonly WrongRule[] = [
  ...wrongSnapshots,
  ...wrongReceivers,
  ...wrongSenders,
  ...wrongBeliefs,
]
