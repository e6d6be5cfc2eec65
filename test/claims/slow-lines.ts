import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, type Past, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { beat, four, heardOffsets, inAir, isCaughtUp, pass, piecesOfIt, sending, write } from './send-snapshot.js'

const { heartbeatTicks, electionTicks, chunkBytes, snapshotEntries } = timing

/** Ticks that an answer takes on a long line: more than a short line takes that is nearly full. */
export const longWay = Math.ceil(electionTicks / 4)

/** Time goes by, and what is on its way to n5 stays there. */
function wait(cores: Cores, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    cores.tick('n1')
    const others = cores.take({ to: 'n5' })
    cores.run(four)
    cores.air.push(...others)
  }
}

/** n1 leads, and has sent n5 the first piece of a large snapshot. */
function sendingLarge(stage: Stage, chunkBytes: number): Cores {
  const large: Past = { snapshots: [{ index: 100_000, term: 2 }], log: [], term: 2 }
  const pasts = { n1: large, n2: large, n3: large, n4: large, n5: { log: [1] } }
  const cores = new Cores(stage, pasts, { chunkBytes })
  ok(campaign(cores, 'n1', ['n2', 'n3', 'n4']))
  cores.run(four)
  beat(cores, four)
  cores.deliver({ from: 'n1', to: 'n5' })
  cores.deliver({ from: 'n5', to: 'n1' })
  return cores
}

/** §7 behind a slow line: what is sent again, and when; and what is kept until then. */
export const slowLineClaims: Claims = {
  'a snapshot that is being sent keeps nobody from taking the next, and the log shrinks (§7)'(stage) {
    const cores = sending(stage, undefined, { snapshotBytes: 4 })
    for (let count = 0; count < 3; count++) {
      write(cores, 4 * snapshotEntries)
      ok(cores.saving('n1'), 'while a piece is under way')
      cores.save('n1')
    }
    const { first, last } = cores.status('n1').log!
    ok(last - first < 10 * snapshotEntries, 'as long as two snapshots are apart')
    cores.run()
    isCaughtUp(cores)
  },
  'a snapshot that is being sent can be read to its end, whatever newer ones have come'(stage) {
    const cores = sending(stage)
    pass(cores)
    for (let count = 0; count < 3; count++) {
      write(cores, 4 * snapshotEntries)
      cores.save('n1')
    }
    pass(cores)
    pass(cores)
    same([[...new Set(heardOffsets(cores))], cores.restored('n5')], [piecesOfIt, [6]])
    isCaughtUp(cores)
    write(cores, 4 * snapshotEntries)
    cores.save('n1')
    equal(cores.files('n1').length, 2, 'and it goes when nobody needs it any more')
  },
  'the entries behind a snapshot that is being sent are there when it is installed, within a bound'(stage) {
    for (const [snapshotBytes, isEnough] of [
      [1024 * 1024, true],
      [4, false],
    ] as const) {
      const cores = sending(stage, undefined, { snapshotBytes })
      for (let count = 0; count < 3; count++) {
        write(cores, 4 * snapshotEntries)
        cores.save('n1')
      }
      equal(cores.status('n1').log!.first === 7, isEnough)
      for (let piece = 0; piece < 3; piece++) pass(cores)
      cores.run()
      isCaughtUp(cores)
      equal(cores.restored('n5').length, isEnough ? 1 : 2, 'otherwise the newest follows')
      write(cores, 4 * snapshotEntries)
      cores.save('n1')
      ok(cores.status('n1').log!.first > 7, 'and then they go')
    }
  },
  'a piece is sent again when the line has had time for it: each copy waits longer, up to a bound'(stage) {
    const cores = sending(stage)
    const copies: number[] = []
    for (let tick = 1; tick <= 5 * electionTicks; tick++) {
      wait(cores, 1)
      if (inAir(cores).length > copies.length + 1) copies.push(tick)
    }
    const waits = copies.map((tick, at) => tick - (copies[at - 1] ?? 0))
    equal(waits[0], 2 * heartbeatTicks)
    ok(waits.every((wait, at) => at === 0 || wait >= waits[at - 1]!))
    same(
      waits.slice(1),
      waits.slice(1).map(() => electionTicks),
    )
  },
  'a line that answers late is not sent copies: the wait is learnt from the last answer'(stage) {
    const cores = sending(stage, { log: [1] }, { chunkBytes: 1 })
    const late = 2 * heartbeatTicks - 1
    for (let piece = 0; piece < 3; piece++) {
      wait(cores, late + (piece > 0 ? heartbeatTicks : 0))
      equal(inAir(cores).length, 1)
      pass(cores)
    }
  },
  'an answer to an earlier piece counts if it shows progress: what a follower holds is a maximum'(stage) {
    const cores = sending(stage)
    const [first] = inAir(cores) as [AnyMessage]
    pass(cores)
    cores.deliver({ type: 'InstallSnapshot' })
    cores.take({ type: 'InstallSnapshotReply' })
    cores.receive(first)
    cores.deliver({ type: 'InstallSnapshotReply' })
    same(
      inAir(cores).map(({ offset }) => offset),
      [2 * chunkBytes],
      'the last answer was lost, and the copy of the first piece brought the same news',
    )
  },
  'pieces begin small, grow while answers come soon, and shrink while they come late'(stage) {
    const kib = 1024
    const cores = sendingLarge(stage, 64 * kib)
    const sizes: number[] = []
    const take = () => {
      sizes.push((inAir(cores)[0]!.data as Uint8Array).length / kib)
      pass(cores)
    }
    for (let piece = 0; piece < 4; piece++) take()
    same(sizes, [16, 32, 64, 64])
    for (let piece = 0; piece < 4; piece++) {
      wait(cores, electionTicks / 2 + 1)
      take()
    }
    same(sizes.slice(4), [64, 32, 16, 16])
  },
  'pieces grow on a long line as on a short one: an answer that has a long way is not late'(stage) {
    const kib = 1024
    const cores = sendingLarge(stage, 64 * kib)
    const sizes: number[] = []
    for (let piece = 0; piece < 12; piece++) {
      sizes.push((inAir(cores)[0]!.data as Uint8Array).length / kib)
      wait(cores, longWay)
      pass(cores)
    }
    same([...new Set(sizes)], [16, 32, 64])
  },
}
