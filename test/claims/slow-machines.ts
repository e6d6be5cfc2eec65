import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import { pass } from '../helpers/members.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'

/** Bytes of memory that may wait for a state machine: some five of these writes. */
const unappliedBytes = 4_000
const set = { command: 'set', key: 'k', value: 'v'.repeat(20) }

const slow = (stage: Stage) => led(stage, {}, { unappliedBytes, snapshotEntries: 1_000 })
const behind = (cores: Cores, id: string) =>
  cores.events(id).flatMap(({ event }) => (event.startsWith('machine_') ? [event] : []))
const lastOf = (cores: Cores, id: string) => cores.status(id).log!.last

/** Writes, a tick each. */
function write(cores: Cores, count: number): number[] {
  return Array.from({ length: count }, () => {
    const request = cores.request('n1', set)
    pass(cores, 1)
    return request
  })
}

/** What waits before a slow state machine has a bound. */
export const slowMachineClaims: Claims = {
  'a follower whose state machine is far behind takes no more entries, and those that it lacks when it has caught up'(
    stage,
  ) {
    const cores = slow(stage)
    cores.stall('n5')
    const before = lastOf(cores, 'n5')
    write(cores, 40)
    ok(lastOf(cores, 'n5') - before < 12, 'what waits has a bound')
    ok(lastOf(cores, 'n5') - before > 4, 'which is not reached at once')
    equal(cores.status('n1').commit, lastOf(cores, 'n1'), 'the others go on')
    cores.stall('n5', false)
    pass(cores, 4 * timing.heartbeatTicks)
    same(cores.applied('n5'), cores.applied('n1'), 'all of it is performed, in order')
    same(behind(cores, 'n5').slice(0, 2), ['machine_behind', 'machine_in_time'])
    same(behind(cores, 'n1'), [])
  },
  'it hears its leader meanwhile, and stands for no election'(stage) {
    const cores = slow(stage)
    cores.stall('n5')
    const { term } = cores.status('n1')
    write(cores, 10 * timing.electionTicks)
    ok(!cores.events('n5').some(({ event }) => event === 'pre_vote'))
    same([cores.status('n5').leader, cores.status('n5').term, cores.status('n1').role], ['n1', term, 'leader'])
  },
  'where a majority is so slow nothing more is committed, its leader stays, and goes on when they do'(stage) {
    const cores = slow(stage)
    for (const id of ['n3', 'n4', 'n5']) cores.stall(id)
    const { term } = cores.status('n1')
    const requests = write(cores, 3 * timing.electionTicks)
    ok(cores.status('n1').commit! < 20, 'nobody acknowledges what has no room')
    same([cores.status('n1').role, cores.status('n1').term], ['leader', term])
    for (const id of ['n3', 'n4', 'n5']) cores.stall(id, false)
    pass(cores, 4 * timing.heartbeatTicks)
    equal(cores.performed('n1').filter((one) => requests.includes(one)).length, requests.length, 'none is lost')
    for (const id of cores.ids) same(cores.applied(id), cores.applied('n1'))
  },
}
