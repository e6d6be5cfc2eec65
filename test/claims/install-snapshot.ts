import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { EntryId } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import {
  type AnyMessage,
  Cores,
  electionTimeoutTicks,
  entriesOf,
  type Past,
  stateUpTo,
  timing,
} from '../helpers/cores.js'
import { SnapshotFiles } from '../helpers/snapshot-files.js'
import type { Claims } from './claim.js'
import { asking } from './votes.js'

const ends = { from: 'n1', to: 'n3' }
/** What the leader n1 of term 5 sends to n3. */
const edge: EntryId = { index: 6, term: 2 }

/** A snapshot up to this entry, in pieces. */
function pieces({ index, term }: EntryId, more = {}): AnyMessage[] {
  const files = new SnapshotFiles()
  const { bytes, sha256 } = files.save({ index, term }, stateUpTo({ index, term }))
  const count = Math.ceil(bytes / timing.chunkBytes)
  return Array.from({ length: count }, (_, at) => {
    const offset = at * timing.chunkBytes
    const data = files.read({ index, term }, offset, timing.chunkBytes)
    const what = { lastIncludedIndex: index, lastIncludedTerm: term, bytes, sha256, offset, data }
    return { type: 'InstallSnapshot', ...ends, term: 5, sequence: at + 1, ...what, ...more } as AnyMessage
  })
}

function appending(before: EntryId, terms: readonly number[] = [], leaderCommit = 0): AnyMessage {
  const previous = { prevLogIndex: before.index, prevLogTerm: before.term }
  return {
    type: 'AppendEntries',
    ...ends,
    term: 5,
    sequence: 7,
    ...previous,
    leaderCommit,
    entries: entriesOf(terms, before.index),
  }
}

/** A follower n3 in term 5, after these messages. */
function follower(stage: Stage, past: Past, ...messages: readonly AnyMessage[]): Cores {
  const cores = new Cores(stage, { n3: { term: 5, ...past } })
  cores.take()
  hear(cores, messages)
  return cores
}

function hear(cores: Cores, messages: readonly AnyMessage[]): void {
  for (const message of messages) cores.receive(message)
}

/** What n3 says of the pieces that it heard: how much it holds, and how far its log is the leader's. */
function said(cores: Cores): unknown[] {
  return cores.take({ from: 'n3', type: 'InstallSnapshotReply' }).map(({ held, matchIndex }) => [held, matchIndex])
}

const bytesOf = (id: EntryId) => pieces(id)[0]!.bytes as number
const seen = (cores: Cores) => [cores.status('n3'), cores.log('n3'), cores.onDisk('n3'), [...cores.state('n3')]]

/** Logs without the snapshot's last entry: too short, of other terms, one that disagrees there alone, none at all. */
const otherLogs = [[], [1, 1], [1, 1, 1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 1, 1], [1, 2, 2, 2, 3, 3, 4, 4, 4]]

/** n3 in each of the three roles of §5.1, all in term 5. */
function inEachRole(stage: Stage): [string, Cores][] {
  return ['follower', 'candidate', 'leader'].map((role) => {
    const cores = new Cores(stage, { n3: { term: role === 'follower' ? 5 : 4 } })
    if (role !== 'follower') cores.stand('n3')
    if (role === 'leader') cores.run()
    cores.take()
    same([cores.status('n3').role, cores.status('n3').term], [role, 5])
    return [role, cores]
  })
}

const received = (term: number): AnyMessage => ({
  type: 'InstallSnapshotReply',
  ...ends,
  term,
  sequence: 1,
  held: 8,
  matchIndex: 6,
})

/** §5.1, §5.2: the two messages are messages like all others. */
export const snapshotTermClaims: Claims = {
  'InstallSnapshot 1: a piece of an earlier term is answered with the term, kept nowhere, and no sign of life (§5.1)'(
    stage,
  ) {
    const cores = follower(stage, {})
    const before = seen(cores)
    hear(cores, pieces(edge, { term: 4 }))
    same(seen(cores), before)
    for (const { type, to, term } of cores.take({ from: 'n3' })) same([type, to, term], ['StaleTerm', 'n1', 5])
    hear(cores, pieces(edge).slice(1))
    same(said(cores).at(0), [0, 0], 'nothing of it was kept')
    const deaf = follower(stage, {})
    for (let tick = 0; tick < electionTimeoutTicks; tick++) {
      hear(deaf, pieces(edge, { term: 4 }))
      deaf.leaveAlone('n3')
    }
    equal(deaf.status('n3').role, 'candidate')
  },
  'InstallSnapshot 1: a leader that was deposed and sends a piece is told so at once (§5.1)'(stage) {
    const cores = follower(stage, {}, ...pieces(edge, { term: 4 }).slice(0, 1))
    same(
      cores.take({ from: 'n3' }).map(({ type, to, term }) => [type, to, term]),
      [['StaleTerm', 'n1', 5]],
    )
  },
  'all servers: a later term in a piece of a snapshot, or in the answer, is entered, on disk; whoever leads steps down'(
    stage,
  ) {
    for (const message of [pieces(edge, { term: 9 })[0]!, received(9)]) {
      for (const [role, cores] of inEachRole(stage)) {
        cores.receive(message)
        const what = `${role}, ${message.type}`
        same([cores.status('n3').term, cores.status('n3').role, cores.onDisk('n3').term], [9, 'follower', 9], what)
      }
    }
  },
  'all servers: an answer about a snapshot of an earlier term changes nothing'(stage) {
    for (const [role, cores] of inEachRole(stage)) {
      const before = seen(cores)
      cores.receive(received(4))
      same([seen(cores), cores.take()], [before, []], role)
    }
  },
  'a candidate that hears a piece of a snapshot in its term follows the sender, and keeps its vote (§5.2)'(stage) {
    const [, [, cores]] = inEachRole(stage) as [unknown, [string, Cores]]
    cores.receive(pieces(edge)[0]!)
    same([cores.status('n3').role, cores.status('n3').leader], ['follower', 'n1'])
    cores.take()
    cores.bearSilence(['n3'])
    cores.receive(asking('n2', 5))
    same(
      cores.take({ from: 'n3' }).map(({ voteGranted }) => voteGranted),
      [false],
    )
  },
  'two leaders of one term cannot be: a leader that hears a piece of a snapshot in its term stops'(stage) {
    const [, , [, cores]] = inEachRole(stage) as [unknown, unknown, [string, Cores]]
    let stopped = false
    try {
      cores.receive(pieces(edge)[0]!)
    } catch {
      stopped = true
    }
    equal(stopped, true)
  },
  'every piece is a sign of life: no election while a snapshot is on its way, however long it takes (D6)'(stage) {
    const cores = follower(stage, {})
    for (const piece of [...pieces(edge), ...pieces({ index: 40, term: 2 })]) {
      cores.tick('n3', timing.electionTicks - 1)
      cores.receive(piece)
    }
    same([cores.status('n3').role, cores.status('n3').leader, cores.status('n3').term], ['follower', 'n1', 5])
  },
}

/** §7, figure 13: InstallSnapshot, the receiver. */
export const installClaims: Claims = {
  'InstallSnapshot 2 to 4: nothing changes until the last piece is there, and then everything in one step (D4)'(stage) {
    const [first, second, third] = pieces(edge) as [AnyMessage, AnyMessage, AnyMessage]
    const cores = follower(stage, { log: [1, 1] }, appending({ index: 2, term: 1 }, [], 2))
    const heard = seen(cores)
    hear(cores, [first, second])
    same(seen(cores), heard)
    cores.receive(third)
    same(cores.state('n3'), stateUpTo(edge))
    const { commit, applied, log } = cores.status('n3')
    same([commit, applied, log], [6, 6, { first: 7, last: 6 }])
  },
  'each piece is answered with what is held from the start; lost, repeated and out of order, they make the whole (D4)'(
    stage,
  ) {
    const [first, second, third] = pieces(edge) as [AnyMessage, AnyMessage, AnyMessage]
    const cores = follower(stage, {}, first, third, second, second, first)
    const eight = timing.chunkBytes
    same(
      said(cores),
      [1, 1, 2, 2, 2].map((held) => [held * eight, 0]),
    )
    cores.receive(third)
    same(said(cores), [[3 * eight, 6]])
    hear(cores, [second, first, third])
    same(
      said(cores),
      [1, 2, 3].map(() => [3 * eight, 6]),
      'whoever has it needs none of it',
    )
    same([cores.state('n3'), cores.restored('n3')], [stateUpTo(edge), [6]])
  },
  'pieces of two snapshots that come mixed are not taken for one (D4)'(stage) {
    const later = { index: 8, term: 4 }
    const mixed = pieces(later).flatMap((piece, at) => [piece, ...pieces(edge).slice(at, at + 1)])
    const cores = follower(stage, {}, ...mixed.slice(0, -1))
    same(cores.state('n3'), stateUpTo(edge))
    hear(cores, mixed.slice(-1))
    same([cores.state('n3'), cores.restored('n3')], [stateUpTo(later), [6, 8]])
  },
  'a snapshot of what is performed already is not installed, and the answer says that it is there (D1)'(stage) {
    for (const log of [
      [1, 1, 2, 2, 2, 2],
      [1, 1, 2, 2, 2, 2, 2],
    ]) {
      const cores = follower(
        stage,
        { log },
        appending({ index: 6, term: 2 }, [], 6),
        appending({ index: log.length, term: 2 }, [], log.length),
      )
      cores.take()
      const before = seen(cores)
      cores.receive(pieces(edge)[0]!)
      same([seen(cores), cores.restored('n3')], [before, []])
      same(said(cores), [[bytesOf(edge), 6]])
    }
  },
  'a snapshot that has become too old while it was on its way is not installed: applied never falls (D1, D3)'(stage) {
    const cores = follower(stage, { log: [1, 1, 2, 2, 2, 2, 2] })
    cores.hold('n3')
    hear(cores, [...pieces(edge), appending({ index: 7, term: 2 }, [], 7)])
    const before = [cores.status('n3').applied, cores.status('n3').commit, cores.log('n3'), [...cores.state('n3')]]
    cores.keep('n3')
    same([cores.status('n3').applied, cores.status('n3').commit, cores.log('n3'), cores.state('n3')], before)
    same([cores.restored('n3'), said(cores).at(-1)], [[], [bytesOf(edge), 6]])
  },
  'a snapshot that is older than the newest one changes nothing (D1)'(stage) {
    const cores = follower(stage, { snapshots: [{ index: 9, term: 2 }], log: [] }, appending({ index: 9, term: 2 }))
    const before = seen(cores)
    hear(cores, pieces(edge))
    same([seen(cores), cores.restored('n3')], [before, []])
    same(said(cores).at(-1), [bytesOf(edge), 6])
  },
  'InstallSnapshot 6: a log that has the last included entry keeps what follows, in memory and on disk (§7)'(stage) {
    for (const tail of [[], [2], [2, 3, 4]]) {
      const cores = follower(stage, { log: [1, 1, 1, 2, 2, 2, ...tail] }, ...pieces(edge))
      equal(cores.status('n3').log!.last, 6 + tail.length)
      same(cores.log('n3').slice(cores.log('n3').length - tail.length), tail)
      same([cores.status('n3').commit, cores.state('n3')], [6, stateUpTo(edge)])
      cores.crash('n3')
      equal(cores.status('n3').log!.last, 6 + tail.length)
      cores.receive(appending({ index: 6 + tail.length, term: tail.at(-1) ?? 2 }, [5], 7 + tail.length))
      same(cores.take({ from: 'n3' }).at(-1)?.matchIndex, 7 + tail.length)
      equal(cores.applied('n3')[0], 7)
    }
  },
  'InstallSnapshot 7: any other log goes as a whole, and the leader can append behind the snapshot (D2)'(stage) {
    for (const log of otherLogs) {
      const cores = follower(stage, { log }, ...pieces(edge))
      same([cores.log('n3'), cores.status('n3').log], [[], { first: 7, last: 6 }], log.join())
      cores.take()
      cores.receive(appending(edge, [5, 5], 8))
      same(
        cores.take({ from: 'n3' }).map(({ type, matchIndex }) => [type, matchIndex]),
        [['AppendEntriesReply', 8]],
      )
      same(
        [cores.log('n3'), cores.applied('n3')],
        [
          [5, 5],
          [7, 8],
        ],
      )
      cores.crash('n3')
      const { length } = stateUpTo(edge)
      same([cores.log('n3'), cores.state('n3').slice(0, length)], [[5, 5], stateUpTo(edge)])
    }
  },
  'InstallSnapshot: an entry that the snapshot took back does not come again with a late notice of the disk (B8)'(
    stage,
  ) {
    const cores = follower(stage, { log: [1] })
    cores.slow('n3')
    cores.receive(appending({ index: 1, term: 1 }, [1, 1, 1, 1, 1, 1, 1]))
    hear(cores, pieces(edge))
    cores.sync('n3')
    same([cores.log('n3'), cores.onDisk('n3').entries, cores.onDisk('n3').edge], [[], [], edge])
  },
  'a crash while a snapshot is installed finds the old or the new, at whatever record it strikes (C18)'(stage) {
    for (const log of otherLogs) {
      let records = 1
      for (let kept = 0; kept <= records; kept++) {
        const cores = follower(stage, { log })
        cores.slow('n3')
        hear(cores, pieces(edge))
        records = cores.unsynced('n3')
        cores.crash('n3', kept)
        const isNew = kept === records
        same(cores.state('n3'), isNew ? stateUpTo(edge) : [])
        same(cores.onDisk('n3').snapshots, isNew ? [edge] : [])
        if (!isNew) same(cores.log('n3').slice(0, 5), log.slice(0, 5), 'nothing before it was taken back')
        hear(cores, pieces(edge))
        cores.sync('n3')
        cores.receive(appending(edge, [5], 7))
        cores.sync('n3')
        same([cores.log('n3'), cores.state('n3')], [[5], [...stateUpTo(edge), '7.5']])
      }
    }
  },
  'that a snapshot is installed is said when the disk has the record of it, and not before'(stage) {
    const cores = follower(stage, { log: [1, 1] }, ...pieces(edge).slice(0, -1))
    cores.slow('n3')
    cores.take()
    cores.receive(pieces(edge).at(-1)!)
    same(cores.take(), [])
    cores.sync('n3')
    same(said(cores), [[bytesOf(edge), 6]])
  },
  'that a snapshot is not needed is said when the disk has the entries that it would bring, and not before'(stage) {
    const cores = follower(stage, { log: [1] })
    cores.slow('n3')
    cores.receive(appending({ index: 1, term: 1 }, [1, 2, 2, 2, 2], 6))
    cores.receive(pieces(edge)[0]!)
    same(said(cores), [])
    cores.sync('n3')
    same(said(cores), [[bytesOf(edge), 6]])
  },
  'a snapshot that came from the leader is one of the two that are kept, like one of the own (D12, D13)'(stage) {
    const older = { index: 3, term: 1 }
    const kept = follower(stage, { snapshots: [older], log: [2, 2, 2, 2] }, ...pieces(edge))
    same([kept.onDisk('n3').snapshots, kept.onDisk('n3').edge, kept.status('n3').log!.first], [[edge, older], older, 4])
    const alone = follower(stage, { snapshots: [older], log: [1, 1] }, ...pieces(edge))
    same([alone.onDisk('n3').snapshots, alone.onDisk('n3').edge, alone.status('n3').log!.first], [[edge], edge, 7])
  },
  "one snapshot is written at a time, also where the leader's comes that goes as far as the own"(stage) {
    const cores = follower(stage, { log: [1, 1, 2, 2, 2, 2] })
    cores.hold('n3')
    hear(cores, [...pieces(edge), appending(edge, [], 6)])
    cores.keep('n3')
    const isWriting = cores.saving('n3') !== null
    cores.receive(appending(edge, [5, 5, 5, 5, 5, 5], 12))
    if (isWriting) cores.save('n3')
    equal(cores.saving('n3')?.index, 12)
    cores.save('n3')
    same([cores.saving('n3'), cores.onDisk('n3').snapshots[0]?.index], [null, 12])
  },
  'an append that reaches back behind the snapshot: what is there stays, the rest is taken, the answer tells how far'(
    stage,
  ) {
    const past = { snapshots: [edge], log: [3, 3], term: 5 }
    for (const [message, log, matchIndex] of [
      [appending({ index: 3, term: 2 }, [2, 2, 2, 3, 3, 4]), [3, 3, 4], 9],
      [appending({ index: 3, term: 2 }, [2, 2, 2, 3]), [3, 3], 7],
      [appending({ index: 3, term: 2 }, [2, 2]), [3, 3], 6],
      [appending({ index: 0, term: 0 }), [3, 3], 6],
      [appending({ index: 5, term: 2 }, [2, 4]), [4], 7],
      [appending(edge, [3, 3, 4]), [3, 3, 4], 9],
    ] as const) {
      const cores = follower(stage, past, message)
      const [answer] = cores.take({ from: 'n3' })
      same([answer?.type, answer?.matchIndex, cores.log('n3')], ['AppendEntriesReply', matchIndex, log])
      same([cores.status('n3').commit, cores.restored('n3')], [6, []])
    }
  },
  'an append that reaches back commits no more than it verified, and nothing twice'(stage) {
    const past = { snapshots: [edge], log: [3, 3], term: 5 }
    const cores = follower(stage, past, appending({ index: 3, term: 2 }, [2, 2, 2, 3], 8))
    same([cores.status('n3').commit, cores.applied('n3')], [7, [7]])
    cores.receive(appending({ index: 2, term: 2 }, [2, 2], 8))
    ok(cores.status('n3').commit === 7)
  },
}
