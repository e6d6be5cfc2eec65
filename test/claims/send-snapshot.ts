import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, type Past, stateUpTo, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'

const { heartbeatTicks, electionTicks, chunkBytes, snapshotEntries } = timing
export const four = ['n1', 'n2', 'n3', 'n4']

/** Entries 1 to 3 are gone, 4 to 6 are in the newest snapshot as well, 7 is not. */
const compacted: Past = {
  snapshots: [
    { index: 6, term: 2 },
    { index: 3, term: 1 },
  ],
  log: [2, 2, 2, 2],
}
const inSnapshot = [...stateUpTo({ index: 3, term: 1 }), '4.2', '5.2', '6.2']
export const piecesOfIt = [0, chunkBytes, 2 * chunkBytes]

/** n1 leads four that have compacted their logs; n5 has one entry, and has not been heard. */
function lagging(stage: Stage, n5: Past = { log: [1] }, limits = {}): Cores {
  const cores = new Cores(stage, { n1: compacted, n2: compacted, n3: compacted, n4: compacted, n5 }, limits)
  ok(campaign(cores, 'n1', ['n2', 'n3', 'n4']))
  cores.run(four)
  return cores
}

/** And the leader has found that out: the first piece is in the air. */
export function sending(stage: Stage, n5?: Past, limits = {}): Cores {
  const cores = lagging(stage, n5, limits)
  beat(cores, four)
  cores.deliver({ from: 'n1', to: 'n5' })
  cores.deliver({ from: 'n5', to: 'n1' })
  equal(inAir(cores).length, 1)
  return cores
}

/** A follower that says nothing is sent a snapshot for so long. */
const patienceTicks = 10 * electionTicks

function beSilent(cores: Cores, ticks = patienceTicks): void {
  for (let tick = 0; tick < ticks; tick++) {
    cores.tick('n1')
    cores.run(four)
  }
}

export function beat(cores: Cores, among: readonly string[] = cores.ids, leader = 'n1'): void {
  cores.tick(leader, heartbeatTicks)
  const others = cores.air.filter(({ from, to }) => !(among.includes(from) && among.includes(to)))
  cores.run(among)
  cores.air.push(...others)
}

export const inAir = (cores: Cores) => cores.air.filter(({ type }) => type === 'InstallSnapshot')
export const heardOffsets = (cores: Cores, from = 'n1') =>
  cores.heard.filter((one) => one.type === 'InstallSnapshot' && one.from === from).map(({ offset }) => offset)

/** The piece under way arrives, and its answer. */
export function pass(cores: Cores): void {
  cores.deliver({ type: 'InstallSnapshot', to: 'n5' })
  cores.deliver({ type: 'InstallSnapshotReply', from: 'n5' })
}

export function write(cores: Cores, entries: number, among: readonly string[] = four): void {
  for (let count = 0; count < entries; count++) cores.request('n1')
  beat(cores, among)
}

export function isCaughtUp(cores: Cores, leader = 'n1'): void {
  for (let interval = 0; interval < 3; interval++) beat(cores, cores.ids, leader)
  same(cores.state('n5'), cores.state(leader))
  equal(cores.status('n5').log!.last, cores.status(leader).log!.last)
}

/** §7, figure 13: InstallSnapshot, the sender. */
export const transferClaims: Claims = {
  'a follower that lacks what the log has let go is sent the newest snapshot, and then entries (§7)'(stage) {
    const cores = sending(stage)
    cores.run()
    same(heardOffsets(cores), piecesOfIt, 'each piece once')
    same(cores.restored('n5'), [6])
    same(cores.state('n5').slice(0, 6), inSnapshot)
    isCaughtUp(cores)
    same(heardOffsets(cores), piecesOfIt, 'and no more of it')
  },
  'a follower that lacks nothing that the log has let go is sent entries, wherever its own log begins'(stage) {
    const early = { index: 3, term: 1 }
    const pasts: Past[] = [
      { log: [1, 1, 1] },
      { log: [1, 1, 1, 2, 2] },
      { snapshots: [early], log: [] },
      { snapshots: [{ index: 5, term: 2 }, early], log: [2, 2] },
      { snapshots: [{ index: 7, term: 2 }, early], log: [2, 2, 2, 2] },
      {
        snapshots: [
          { index: 5, term: 2 },
          { index: 2, term: 1 },
        ],
        log: [1, 2, 2],
      },
    ]
    for (const n5 of pasts) {
      const cores = lagging(stage, n5)
      beat(cores)
      isCaughtUp(cores)
      same([heardOffsets(cores), cores.restored('n5')], [[], []])
    }
  },
  'a leader that has let go of less than its followers, or of more, brings them all to what it has'(stage) {
    const whole: Past = { log: [1, 1, 1, 2, 2, 2, 2] }
    const tiny: Past = { snapshots: [{ index: 7, term: 2 }], log: [], term: 2 }
    for (const leader of [whole, compacted, tiny]) {
      const cores = new Cores(stage, { n1: leader, n2: whole, n3: compacted, n4: tiny, n5: { log: [1, 1] } })
      cores.elect('n1')
      isCaughtUp(cores)
      for (const id of four) equal(cores.status(id).log!.last, 8)
    }
  },
  "a follower with a long tail of its own, which begins before the edge, is brought to the leader's log (D2)"(stage) {
    const past: Past = { ...compacted, snapshots: compacted.snapshots!.map(({ index }) => ({ index, term: 3 })) }
    for (const tail of [3, 5, 6, 7, 20]) {
      const n5 = { log: [1, ...Array.from({ length: tail }, () => 2)] }
      const n1 = { ...past, log: [3, 3, 3, 3] }
      const cores = new Cores(stage, { n1, n2: n1, n3: n1, n4: n1, n5 })
      cores.elect('n1', four)
      isCaughtUp(cores)
      same([heardOffsets(cores), cores.restored('n5'), cores.log('n5')], [piecesOfIt, [6], [3, 4]])
    }
  },
  'one piece is under way: an answer that comes again sets no second one going (D4)'(stage) {
    const cores = sending(stage)
    cores.deliver({ type: 'InstallSnapshot' })
    const [answer] = cores.take({ type: 'InstallSnapshotReply' }) as [AnyMessage]
    for (let count = 0; count < 3; count++) cores.receive(answer)
    same(
      inAir(cores).map(({ offset }) => offset),
      [chunkBytes],
    )
    const [second] = cores.take({ type: 'InstallSnapshot' }) as [AnyMessage]
    cores.receive(second)
    cores.receive(second)
    cores.deliver({ type: 'InstallSnapshotReply' })
    equal(inAir(cores).length, 1)
    cores.receive(answer)
    equal(inAir(cores).length, 1)
  },
  'a piece that was lost, or its answer, is sent again, the same one; what is not lost is not (D4)'(stage) {
    for (const lost of ['InstallSnapshot', 'InstallSnapshotReply']) {
      const cores = sending(stage)
      const [first] = inAir(cores) as [AnyMessage]
      if (lost === 'InstallSnapshotReply') cores.deliver({ type: 'InstallSnapshot' })
      cores.take({ type: lost })
      for (let tick = 0; tick < electionTicks - 1 && inAir(cores).length === 0; tick++) cores.tick('n1')
      same(inAir(cores), [first])
      cores.run()
      isCaughtUp(cores)
    }
  },
  'a transfer goes on at what the follower holds, also where an earlier leader ended (D4, D5)'(stage) {
    const cores = sending(stage)
    pass(cores)
    pass(cores)
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4']))
    cores.run(['n2', 'n3', 'n4'])
    for (let interval = 0; interval < 3; interval++) beat(cores, ['n2', 'n3', 'n4', 'n5'], 'n2')
    same(heardOffsets(cores, 'n2'), [0, 2 * chunkBytes], 'the first asks, and the next goes on')
    same(cores.state('n5'), cores.state('n2'))
  },
  'a follower that starts again in the middle of it goes on with what it has (D5)'(stage) {
    const cores = sending(stage)
    pass(cores)
    cores.deliver({ type: 'InstallSnapshot' })
    cores.crash('n5')
    cores.take()
    cores.tick('n1', 2 * heartbeatTicks)
    cores.run()
    same(heardOffsets(cores), [0, chunkBytes, chunkBytes, 2 * chunkBytes])
    isCaughtUp(cores)
  },
  'a follower counts for what it has said that it has, and not for what it was sent (D16)'(stage) {
    const cores = sending(stage)
    const commit = cores.status('n1').commit
    pass(cores)
    pass(cores)
    cores.slow('n5')
    cores.deliver({ type: 'InstallSnapshot' })
    const request = cores.request('n1')
    cores.air = cores.air.filter(({ to }) => to === 'n2' || to === 'n5')
    for (let interval = 0; interval < 2; interval++) {
      beat(cores, ['n1', 'n2', 'n5'])
      same([cores.status('n1').commit, cores.performed('n1')], [commit, []], 'two of five have it')
    }
    cores.sync('n5')
    cores.take({ type: 'AppendEntries' })
    cores.run(['n1', 'n2', 'n5'])
    for (let interval = 0; interval < 3; interval++) {
      beat(cores, ['n1', 'n2', 'n5'])
      cores.sync('n5')
    }
    same(cores.performed('n1'), [request])
  },
  'while a snapshot is on its way, its follower is sent no entries, and the heartbeat at the edge'(stage) {
    const cores = sending(stage)
    write(cores, 2)
    for (let interval = 0; interval < 2; interval++) beat(cores, four)
    const told = cores.take({ type: 'AppendEntries', to: 'n5' })
    ok(told.length >= 3)
    for (const { prevLogIndex, prevLogTerm, entries } of told) same([prevLogIndex, prevLogTerm, entries], [3, 1, []])
    pass(cores)
    pass(cores)
    pass(cores)
    const [append] = cores.take({ type: 'AppendEntries', to: 'n5' })
    same([append?.prevLogIndex, append?.entries?.map(({ index }) => index)], [6, [7, 8, 9, 10]])
  },
  'heartbeats go on for everybody, however long a snapshot takes: nobody stands for election (D6)'(stage) {
    const cores = sending(stage, { log: [1] }, { chunkBytes: 1 })
    const { term } = cores.status('n1')
    for (let round = 0; round < 20; round++) {
      pass(cores)
      for (const id of cores.ids.slice(1)) cores.tick(id, heartbeatTicks)
      beat(cores, four)
      cores.deliver({ type: 'AppendEntries', to: 'n5' })
    }
    equal(inAir(cores).length, 1, 'still on its way')
    for (const id of cores.ids) same([cores.status(id).leader, cores.status(id).term], ['n1', term])
    cores.run()
    isCaughtUp(cores)
  },
  'a leader does not wait for ever: a follower that has fallen silent is sent no more (D5)'(stage) {
    const cores = sending(stage)
    cores.take()
    beSilent(cores)
    for (let interval = 0; interval < 5; interval++) {
      cores.tick('n1', heartbeatTicks)
      same(inAir(cores), [])
      cores.run(four)
    }
    isCaughtUp(cores)
    same(cores.restored('n5'), [6], 'and when it is back, it is sent the snapshot')
  },
  'a late answer about a transfer that was given up does the next one no harm (D5)'(stage) {
    const cores = sending(stage)
    pass(cores)
    cores.deliver({ type: 'InstallSnapshot' })
    const late = cores.take({ type: 'InstallSnapshotReply' })
    cores.take()
    beSilent(cores)
    cores.tick('n1', heartbeatTicks)
    cores.deliver({ to: 'n5' })
    cores.deliver({ from: 'n5' })
    equal(inAir(cores).length, 1)
    for (const answer of late) cores.receive({ ...answer, held: (answer.held as number) + 1 })
    equal(inAir(cores).length, 1, 'it is about another transfer')
    cores.run()
    isCaughtUp(cores)
  },
  'a follower that got so far in another way is sent no more of the snapshot (D5)'(stage) {
    const cores = sending(stage)
    const [piece] = cores.take({ type: 'InstallSnapshot' }) as [AnyMessage]
    const { term } = cores.status('n1')
    const reply = { type: 'AppendEntriesReply', from: 'n5', to: 'n1', term, sequence: 1, matchIndex: 5 }
    cores.receive(reply as AnyMessage)
    cores.take()
    cores.tick('n1', 2 * heartbeatTicks)
    same([inAir(cores), piece.offset], [[], 0])
    const [append] = cores.take({ type: 'AppendEntries', to: 'n5' })
    equal(append?.prevLogIndex, 5)
  },
  'a follower that has a snapshot of something else, as good as this one, goes on from there (D5)'(stage) {
    const cores = sending(stage)
    const elsewhere = new Cores(stage, { n5: { snapshots: [{ index: 7, term: 2 }], log: [] } })
    elsewhere.receive(cores.take({ type: 'InstallSnapshot' })[0]!)
    cores.receive(elsewhere.take({ type: 'InstallSnapshotReply' })[0]!)
    same(inAir(cores), [])
    const [append] = cores.take({ type: 'AppendEntries', to: 'n5' })
    equal(append?.prevLogIndex, 6)
  },
  'the office ends, and with it what its leader was sending'(stage) {
    const cores = sending(stage)
    pass(cores)
    const [piece] = cores.take({ type: 'InstallSnapshot' }) as [AnyMessage]
    cores.receive(piece)
    const late = cores.take({ type: 'InstallSnapshotReply' })
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4']))
    cores.run(four)
    equal(cores.status('n1').role, 'follower')
    for (const answer of late) cores.receive({ ...answer, term: cores.status('n1').term })
    for (let tick = 0; tick < electionTicks - 1; tick++) cores.tick('n1')
    same(inAir(cores), [])
  },
  'who leads again begins a transfer anew, and the answers of the office before do not count'(stage) {
    const cores = sending(stage)
    const before = cores.status('n1').term
    cores.deliver({ type: 'InstallSnapshot' })
    const [late] = cores.take({ type: 'InstallSnapshotReply' }) as [AnyMessage]
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4']))
    cores.run(four)
    ok(campaign(cores, 'n1', ['n2', 'n3', 'n4']))
    cores.run(four)
    cores.receive(late)
    same([late.term, inAir(cores)], [before, []])
    isCaughtUp(cores)
  },
  'what a follower needs when it has the snapshot is there, also when one was being written that was not sent'(stage) {
    const cores = lagging(stage)
    cores.take()
    write(cores, snapshotEntries)
    cores.deliver({ from: 'n1', to: 'n5' })
    cores.deliver({ from: 'n5', to: 'n1' })
    equal(inAir(cores)[0]?.lastIncludedIndex, 6)
    cores.save('n1')
    equal(cores.status('n1').log!.first, 7)
    isCaughtUp(cores)
    same(cores.restored('n5'), [6])
  },
  'a client of a leader that was deposed and is sent a snapshot has its answer, one, and not that of another (D8)'(
    stage,
  ) {
    const cores = new Cores(stage)
    cores.elect('n1')
    cores.run()
    const requests = [1, 2, 3].map(() => cores.request('n1'))
    cores.take()
    const rest = ['n2', 'n3', 'n4', 'n5']
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.run(rest)
    for (let count = 0; count < 2; count++) {
      for (let entry = 0; entry < snapshotEntries; entry++) cores.request('n2')
      beat(cores, rest, 'n2')
      cores.save('n2')
    }
    cores.take()
    for (let interval = 0; interval < 5; interval++) beat(cores, cores.ids, 'n2')
    equal(cores.restored('n1').length, 1)
    same(cores.state('n1'), cores.state('n2'))
    same(
      cores.replies('n1').map(({ request, answer }) => [request, answer.ok === false && answer.error.code]),
      requests.map((request) => [request, 'leadership_lost']),
    )
    same(cores.performed('n1'), [])
    ok(campaign(cores, 'n1', rest))
    cores.run()
    const next = cores.request('n1')
    cores.run()
    same(cores.performed('n1'), [next])
  },
}
