import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'
import { longWay } from './slow-lines.js'

/** Ticks that n5's answers take, on its long line. */
const far = 5
const near = ['n1', 'n2', 'n3', 'n4']

/** Time goes by. What is on its way to n5, or from there, stays on its way. */
function wait(cores: Cores, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    cores.tick('n1')
    const others = cores.air.filter(({ from, to }) => from === 'n5' || to === 'n5')
    cores.run(near)
    cores.air.push(...others)
  }
}

/** Messages with entries that are on their way to n5. */
const underWay = (cores: Cores): AnyMessage[] =>
  cores.air.filter(({ type, to, entries }) => type === 'AppendEntries' && to === 'n5' && entries!.length > 0)

const indexesIn = (messages: readonly AnyMessage[]) => messages.map(({ entries }) => entries!.map(({ index }) => index))

/** n1 leads, and has learnt that n5 is far. */
function withFarFollower(stage: Stage, limits: object = {}): Cores {
  const cores = led(stage, {}, limits)
  for (let round = 0; round < 100; round++) {
    cores.request('n1')
    wait(cores, far)
    cores.run()
  }
  return cores
}

/** A write in each of so many ticks. */
function writeOn(cores: Cores, ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    cores.request('n1')
    wait(cores, 1)
  }
}

/** Thesis §10.2.1: a leader sends on before the answer to its last message has come. */
export const pipelineClaims: Claims = {
  'a far follower is sent several messages, one for each tick that its answers take; none is sent twice (§10.2.1)'(
    stage,
  ) {
    const cores = withFarFollower(stage)
    const before = cores.status('n1').log!.last
    writeOn(cores, far - 1)
    same(
      indexesIn(underWay(cores)),
      Array.from({ length: far - 1 }, (_, at) => [before + 1 + at]),
    )
    writeOn(cores, 10 * far)
    ok(underWay(cores).length <= far + 1, 'and no more')
    cores.run()
    equal(cores.status('n5').log!.last, cores.status('n1').log!.last)
  },
  'a near follower is sent one message, and new entries gather for the next'(stage) {
    const cores = led(stage)
    for (let count = 0; count < 5; count++) cores.request('n1')
    equal(underWay(cores).length, 1)
    cores.run()
    equal(cores.status('n5').log!.last, cores.status('n1').log!.last)
  },
  'while the leader probes, one message is under way'(stage) {
    const cores = withFarFollower(stage)
    cores.crash('n1')
    cores.take()
    cores.elect('n1', near)
    writeOn(cores, far)
    ok(underWay(cores).length <= 1)
  },
  'the messages under way have together the bytes that the line has borne, and one entry at most beyond'(stage) {
    const value = 'v'.repeat(100)
    const appendBytes = 500
    const cores = withFarFollower(stage, { appendBytes })
    for (let tick = 0; tick < 3 * far; tick++) {
      for (let count = 0; count < 5; count++) cores.request('n1', { command: 'set', key: 'k', value })
      wait(cores, 1)
      const texts = underWay(cores).flatMap(({ entries }) => entries!.map(({ text }) => text.length))
      const bytes = texts.reduce((sum, length) => sum + length, 0)
      ok(bytes <= appendBytes + Math.max(0, ...texts), `${bytes} bytes`)
    }
  },
  'a far follower is sent as much at once as a near one: what bounds it is how full the line is, not how long'(stage) {
    const value = 'v'.repeat(20_000)
    const cores = led(stage)
    let most = 0
    for (let round = 0; round < 100; round++) {
      if (round % 10 === 0)
        for (let count = 0; count < 50; count++) cores.request('n1', { command: 'set', key: 'k', value })
      const texts = underWay(cores).flatMap(({ entries }) => entries!.map(({ text }) => text.length))
      most = Math.max(
        most,
        texts.reduce((sum, length) => sum + length, 0),
      )
      wait(cores, longWay)
      cores.deliver({ to: 'n5' })
      cores.deliver({ from: 'n5' })
    }
    ok(most > 500_000, `${most} bytes were under way`)
  },
  'entries that were sent and not answered count for nothing: matchIndex is what was verified (figure 2)'(stage) {
    const cores = withFarFollower(stage)
    const { commit } = cores.status('n1')
    for (const id of ['n3', 'n4', 'n5']) cores.slow(id)
    cores.request('n1')
    cores.run()
    equal(cores.status('n1').commit, commit, 'n1 and n2 have it, and three were sent it')
    for (const id of ['n3', 'n4', 'n5']) cores.quick(id)
    cores.run()
    ok(cores.status('n1').commit! > commit!)
  },
  'an answer counts up to what it verified, and what has left behind it is not sent again'(stage) {
    const cores = withFarFollower(stage)
    const before = cores.status('n1').log!.last
    for (const id of ['n3', 'n4']) cores.slow(id)
    writeOn(cores, far - 1)
    const [first] = underWay(cores) as [AnyMessage]
    cores.air = cores.air.filter((message) => message !== first)
    cores.receive(first)
    cores.deliver({ from: 'n5' })
    equal(cores.status('n1').commit, before + 1, 'n1, n2 and n5 have one entry more, and n5 was sent others')
    same(
      indexesIn(underWay(cores)).flat(),
      Array.from({ length: far - 2 }, (_, at) => before + 2 + at),
    )
  },
  'a lost message takes the leader back once: what was behind it is void, and nothing is sent twice for it'(stage) {
    const cores = withFarFollower(stage)
    const before = cores.status('n1').log!.last
    writeOn(cores, far - 1)
    const [lost, ...behind] = underWay(cores) as [AnyMessage, ...AnyMessage[]]
    cores.air = cores.air.filter((message) => message !== lost)
    equal(behind.length, far - 2)
    cores.deliver({ to: 'n5' })
    equal(cores.status('n5').log!.last, before, 'it takes none of them')
    const conflicts = cores.deliver({ type: 'AppendEntriesConflict', from: 'n5' })
    ok(conflicts.length >= behind.length)
    const again = underWay(cores)
    equal(again.length, 1, 'each of them is a refusal, and the first says all')
    same(indexesIn(again)[0], indexesIn([lost, ...behind]).flat())
    cores.run()
    equal(cores.status('n5').log!.last, cores.status('n1').log!.last)
  },
  'messages that overtake each other do no harm, nor do late answers'(stage) {
    const cores = withFarFollower(stage)
    writeOn(cores, far - 1)
    const sent = cores.take({ to: 'n5' })
    for (const message of sent.toReversed()) cores.receive(message)
    const answers = cores.take({ from: 'n5' })
    for (const message of [...answers.toReversed(), ...answers]) cores.receive(message)
    cores.run()
    cores.tick('n1', timing.heartbeatTicks)
    cores.run()
    same(cores.log('n5'), cores.log('n1'))
    equal(cores.status('n1').commit, cores.status('n1').log!.last)
  },
  'a heartbeat finds out that the last message was lost'(stage) {
    const cores = withFarFollower(stage)
    writeOn(cores, 1)
    cores.take({ to: 'n5' })
    wait(cores, timing.heartbeatTicks)
    cores.run()
    equal(cores.status('n5').log!.last, cores.status('n1').log!.last)
  },
}
