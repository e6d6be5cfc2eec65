import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { Cores, entryOf, type Past, stateUpTo, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'
import { asking } from './votes.js'

const { heartbeatTicks, snapshotEntries } = timing
/** Large enough that only bytes, or only entries, make a snapshot due. */
const never = 1024 * 1024

/** Everybody performs what was committed. */
function beat(cores: Cores): void {
  cores.run()
  cores.tick('n1', heartbeatTicks)
  cores.run()
}

function write(cores: Cores, entries: number): void {
  for (let count = 0; count < entries; count++) cores.request('n1')
  beat(cores)
}

/** Five nodes with this many entries performed, of which the first is the leader's own. */
function grown(stage: Stage, entries: number, limits = {}): Cores {
  const cores = led(stage, {}, limits)
  write(cores, entries - 1)
  return cores
}

/** Writes on until n1 has this many snapshots. */
export function saved(stage: Stage, snapshots: number): Cores {
  const cores = led(stage)
  for (let count = 0; count < snapshots; count++) {
    write(cores, count === 0 ? snapshotEntries - 1 : snapshotEntries)
    cores.save('n1')
  }
  return cores
}

const firstOf = (cores: Cores, id: string) => cores.status(id).log!.first
const newest = (cores: Cores, id: string) => (cores.status(id).snapshot as { index: number } | undefined)?.index

/** §7: when a snapshot is taken, and what the log lets go of. */
export const compactionClaims: Claims = {
  'a snapshot is due after so many entries, counted when they have been performed, at every node by itself (§7)'(
    stage,
  ) {
    const cores = grown(stage, snapshotEntries - 1)
    for (const id of cores.ids) same(cores.saving(id), null)
    cores.request('n1')
    same(cores.saving('n1'), null, 'in the log, and not committed')
    beat(cores)
    const { term } = cores.status('n1')
    for (const id of cores.ids) same(cores.saving(id), { index: snapshotEntries, term })
  },
  'a snapshot for which the disk had no room is tried again, and the log is let go of then (§7)'(stage) {
    const cores = grown(stage, snapshotEntries)
    cores.giveUp('n1')
    same(cores.saving('n1')?.index, snapshotEntries, 'at once: the shell has waited')
    cores.giveUp('n1')
    write(cores, 1)
    cores.save('n1')
    ok((newest(cores, 'n1') ?? 0) >= snapshotEntries)
  },
  'a snapshot names the last entry that it holds, and the term of that one, whatever comes behind it (D7)'(stage) {
    const cores = new Cores(stage, { n3: { log: [1, 1, 2, 2, 2, 3, 3], term: 5 } })
    const heartbeat = { type: 'AppendEntries', from: 'n1', to: 'n3', term: 5, sequence: 1, entries: [] }
    cores.receive({ ...heartbeat, prevLogIndex: 7, prevLogTerm: 3, leaderCommit: 5 })
    same(cores.saving('n3'), { index: 5, term: 2 })
    cores.save('n3')
    cores.crash('n3')
    same(
      [cores.state('n3'), cores.log('n3').slice(-2)],
      [
        ['1.1', '2.1', '3.2', '4.2', '5.2'],
        [3, 3],
      ],
    )
  },
  'a snapshot is due after so many bytes of entries, however few they are'(stage) {
    const snapshotBytes = 3 * entryOf(1, 1).text.length
    const cores = grown(stage, 2, { snapshotBytes, snapshotEntries: never })
    same(cores.saving('n1'), null)
    cores.request('n1', { command: 'set', key: 'k', value: 'x'.repeat(snapshotBytes) })
    beat(cores)
    equal(cores.saving('n1')?.index, 3)
  },
  'a snapshot is not due before there is as much news as the newest is long'(stage) {
    const past = { snapshots: [{ index: 100, term: 1 }], log: [] }
    const cores = led(stage, { n1: past, n2: past, n3: past, n4: past, n5: past })
    const bytes = stateUpTo({ index: 100, term: 1 }).join('\n').length + 1
    const enough = Math.ceil(bytes / entryOf(101, 2).text.length)
    ok(enough > snapshotEntries)
    write(cores, snapshotEntries)
    same(cores.saving('n1'), null, 'many entries, and less than the state is long')
    write(cores, enough)
    ok(cores.saving('n1')!.index > 100 + snapshotEntries)
  },
  'one snapshot is written at a time; what is performed meanwhile is not in it, and waits for nothing'(stage) {
    const cores = grown(stage, snapshotEntries)
    const state = [...cores.state('n1')]
    write(cores, 2 * snapshotEntries)
    equal(cores.saving('n1')!.index, snapshotEntries)
    equal(cores.state('n1').length, 3 * snapshotEntries)
    cores.save('n1')
    equal(newest(cores, 'n1'), snapshotEntries)
    cores.crash('n1')
    // A disk that knows what was committed has it performed at once, behind the snapshot.
    same(cores.state('n1').slice(0, snapshotEntries), state)
  },
  'a snapshot that fell due while another was written is begun when that one is there (D10)'(stage) {
    const cores = grown(stage, snapshotEntries)
    write(cores, snapshotEntries)
    cores.save('n1')
    equal(cores.saving('n1')!.index, 2 * snapshotEntries)
    cores.save('n1')
    same([newest(cores, 'n1'), cores.saving('n1')], [2 * snapshotEntries, null])
  },
  'two snapshots are kept, and every entry behind the older one, in the log and on the disk (D12, D13)'(stage) {
    const cores = led(stage)
    const term = cores.status('n1').term!
    for (let count = 1; count <= 4; count++) {
      write(cores, count === 1 ? snapshotEntries - 1 : snapshotEntries)
      cores.save('n1')
      const kept = [count, count - 1].filter((one) => one > 0).map((one) => ({ index: one * snapshotEntries, term }))
      const { snapshots, edge, entries } = cores.onDisk('n1')
      same(snapshots, kept)
      const first = (kept[1]?.index ?? 0) + 1
      same([firstOf(cores, 'n1'), edge.index + 1, entries[0]?.index], [first, first, first])
      equal(entries.at(-1)?.index, count * snapshotEntries)
    }
  },
  'the log lets go of nothing before the record of the snapshot is on the disk: a crash finds all or the snapshot'(
    stage,
  ) {
    for (const kept of [0, 1]) {
      const cores = saved(stage, 2)
      write(cores, snapshotEntries)
      cores.slow('n1')
      cores.save('n1')
      same([cores.onDisk('n1').edge.index, cores.unsynced('n1')], [snapshotEntries, 1])
      const state = [...cores.state('n1')]
      cores.crash('n1', kept)
      equal(newest(cores, 'n1'), (2 + kept) * snapshotEntries)
      equal(firstOf(cores, 'n1'), (1 + kept) * snapshotEntries + 1)
      same(cores.state('n1'), state.slice(0, (2 + kept) * snapshotEntries))
      cores.elect('n2', ['n2', 'n3', 'n4', 'n5'])
      for (let interval = 0; interval < 3; interval++) {
        cores.tick('n2', heartbeatTicks)
        cores.run()
        cores.sync('n1')
      }
      same(cores.state('n1'), cores.state('n2'))
    }
  },
  'a node that starts again goes on from its snapshot: commit, applied, and what it performs next (§7, D7)'(stage) {
    const cores = saved(stage, 2)
    write(cores, 2)
    const state = [...cores.state('n1')]
    cores.crash('n1')
    const from = 2 * snapshotEntries
    same([cores.status('n1').commit, cores.status('n1').applied, cores.applied('n1')], [from, from, []])
    cores.elect('n1')
    beat(cores)
    same(cores.state('n1').slice(0, state.length), state)
    equal(cores.applied('n1')[0], from + 1)
    for (const id of cores.ids) same(cores.state(id), cores.state('n1'), 'with snapshots or without')
  },
  'after a restart, what was performed since the newest snapshot counts as it did before'(stage) {
    const cores = saved(stage, 2)
    write(cores, snapshotEntries - 3)
    cores.crash('n1')
    cores.elect('n1')
    beat(cores)
    same(cores.saving('n1'), null)
    write(cores, 2)
    equal(cores.saving('n1')?.index, 3 * snapshotEntries)
  },
  'a log of which nothing is left still has its last entry: votes go by it (§5.4.1)'(stage) {
    const past: Past = { snapshots: [{ index: 6, term: 2 }], log: [], term: 2 }
    for (const [last, isGiven] of [
      [{ index: 5, term: 2 }, false],
      [{ index: 9, term: 1 }, false],
      [{ index: 6, term: 2 }, true],
      [{ index: 1, term: 3 }, true],
    ] as const) {
      const cores = new Cores(stage, { n3: past })
      cores.receive(asking('n1', 5, last))
      same(
        cores.take({ from: 'n3' }).map(({ voteGranted }) => voteGranted),
        [isGiven],
      )
    }
  },
  'a leader whose log begins behind a snapshot goes on behind it, and every index keeps its meaning'(stage) {
    const past: Past = { snapshots: [{ index: 6, term: 2 }], log: [], term: 2 }
    const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: past })
    cores.stand('n1')
    same(
      cores.air.map(({ lastLogIndex, lastLogTerm }) => [lastLogIndex, lastLogTerm]),
      Array.from({ length: 4 }, () => [6, 2]),
    )
    cores.run()
    const [first] = cores.heard.filter(({ type }) => type === 'AppendEntries')
    same([first?.prevLogIndex, first?.prevLogTerm, first?.entries?.[0]?.index], [6, 2, 7])
    write(cores, 1)
    for (const id of cores.ids)
      same(
        [cores.applied(id), cores.log(id)],
        [
          [7, 8],
          [3, 3],
        ],
      )
  },
}
