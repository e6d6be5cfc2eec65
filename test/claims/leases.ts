import { equal, ok } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { handingTo } from './handover.js'

const leaseMs = 80
const get = { command: 'get', key: 'k' }

const isAnswered = (cores: Cores, id: string, request: number) =>
  cores.acts(id).readings.some((reading) => reading.request === request)

/** Asks n1 for a read. @returns whether it was answered before anybody else said a word */
function isReadAlone(cores: Cores): boolean {
  const request = cores.request('n1', get)
  return isAnswered(cores, 'n1', request)
}

/** n1 leads, and a majority has confirmed it, after so many milliseconds. */
function leased(stage: Stage, confirmedAfterMs = 0, ms = leaseMs): Cores {
  const cores = new Cores(stage, {}, { leaseMs: ms })
  for (const id of cores.ids) cores.tick(id, timing.electionTicks)
  cores.elect('n1')
  cores.run()
  const request = cores.request('n1', get)
  equal(isAnswered(cores, 'n1', request), false)
  cores.clockMs += confirmedAfterMs
  cores.run()
  ok(isAnswered(cores, 'n1', request))
  return cores
}

/** Thesis §6.4.1: reads by a lease, and what they rest on. */
export const leaseClaims: Claims = {
  'a round that a majority has confirmed begins a lease, counted from the beginning of the round (§6.4.1)'(stage) {
    for (const confirmedAfterMs of [0, 50, leaseMs]) {
      const cores = leased(stage, confirmedAfterMs)
      cores.clockMs = leaseMs - 1
      equal(isReadAlone(cores), true)
      cores.clockMs = leaseMs
      equal(isReadAlone(cores), false, 'it is over')
    }
  },
  'without the option there is no lease'(stage) {
    equal(isReadAlone(leased(stage, 0, 0)), false)
  },
  'a follower that asks for a read index is answered by the lease as well'(stage) {
    const cores = leased(stage)
    cores.tick('n1', timing.heartbeatTicks)
    cores.run()
    const request = cores.request('n2', get)
    cores.deliver({ type: 'ReadIndex' })
    equal(cores.take({ type: 'ConfirmLeader' }).length, 0)
    cores.run()
    ok(isAnswered(cores, 'n2', request))
  },
  'a leader that has told its successor to stand has no lease, nor ever again in that term'(stage) {
    const cores = leased(stage)
    cores.request('n1', handingTo('n2'))
    equal(cores.take({ type: 'TimeoutNow' }).length, 1)
    equal(isReadAlone(cores), false)
    for (let tick = 0; tick < timing.electionTicks; tick++) {
      cores.tick('n1')
      cores.run()
    }
    equal(cores.status('n1').role, 'leader', 'it has given up, and leads on')
    equal(isReadAlone(cores), false)
  },
  'a lease ends with the office'(stage) {
    const cores = leased(stage)
    cores.take()
    cores.bearSilence(['n2', 'n3', 'n4', 'n5'])
    cores.stand('n2')
    cores.run()
    equal(cores.status('n2').role, 'leader')
    equal(isReadAlone(cores), false)
    cores.run()
  },
  'where there are leases, a node that has just started hears no candidate for an election time-out'(stage) {
    for (const [ms, ticks, isHeard] of [
      [leaseMs, 0, false],
      [leaseMs, timing.electionTicks, true],
      [0, 0, true],
    ] as const) {
      const cores = leased(stage, 0, ms)
      const { term } = cores.status('n3')
      cores.crash('n3')
      cores.tick('n3', ticks)
      const { last } = cores.status('n1').log!
      const ask = { type: 'RequestVote', from: 'n2', to: 'n3', lastLogIndex: last, lastLogTerm: term! }
      cores.receive({ ...ask, term: term! + 1 })
      equal(cores.status('n3').term, isHeard ? term! + 1 : term)
    }
  },
}
