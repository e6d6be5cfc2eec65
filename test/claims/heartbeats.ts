import { equal, deepStrictEqual as same } from 'node:assert/strict'
import { type AnyMessage, Cores, entriesOf, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'

const { heartbeatTicks, electionTicks } = timing
const followers = ['n2', 'n3', 'n4', 'n5']

function beat(cores: Cores, among?: readonly string[]): void {
  cores.tick('n1', heartbeatTicks)
  cores.run(among)
}

/** Longer than any follower bears. */
const longTicks = 2 * electionTicks

/** §5.2: heartbeats, and the silence of a leader. */
export const heartbeatClaims: Claims = {
  'an idle leader speaks to every follower, once an interval and no more (§5.2, H1)'(stage) {
    const cores = led(stage)
    for (let interval = 0; interval < 5; interval++) {
      cores.tick('n1', heartbeatTicks)
      const spoken = cores.air.filter(({ type }) => type === 'AppendEntries')
      same(
        spoken.map(({ to, entries }) => [to, entries?.length]),
        followers.map((to) => [to, 0]),
      )
      cores.run()
    }
  },
  'the last write reaches every follower without another (H2)'(stage) {
    const cores = led(stage)
    const request = cores.request('n1')
    cores.run()
    beat(cores)
    same(cores.performed('n1'), [request])
    for (const id of followers) same(cores.applied(id), cores.applied('n1'))
  },
  'an append that was lost is made good by heartbeats, without another write (H3)'(stage) {
    for (const lost of [followers.slice(0, 1), followers.slice(0, 3), followers]) {
      const cores = led(stage)
      cores.request('n1')
      cores.run(cores.ids.filter((id) => !lost.includes(id)))
      for (let interval = 0; interval < 3; interval++) beat(cores)
      for (const id of followers) same(cores.onDisk(id).entries, cores.onDisk('n1').entries)
    }
  },
  'while entries are under way, a heartbeat carries none'(stage) {
    const cores = led(stage)
    cores.request('n1')
    cores.take()
    for (let interval = 0; interval < 3; interval++) {
      cores.tick('n1', heartbeatTicks)
      same(
        cores.take({ to: 'n2' }).map(({ entries }) => entries?.length),
        [0],
      )
    }
  },
  'a heartbeat does not start the search for the common entry anew'(stage) {
    const twelve = Array.from({ length: 12 }, (_, at) => at)
    const past = { log: [1, ...twelve.map((at) => 2 * at + 3)], term: 30 }
    const n2 = { log: [1, ...twelve.map((at) => 2 * at + 2)], term: 30 }
    const cores = new Cores(stage, { n1: past, n2, n3: past, n4: past, n5: past })
    cores.elect('n1', ['n1', 'n3', 'n4', 'n5'])
    cores.take()
    for (let interval = 0; interval < 20; interval++) {
      cores.tick('n1', heartbeatTicks)
      for (const id of ['n2', 'n3', 'n4']) {
        cores.deliver({ to: id })
        cores.deliver({ from: id })
      }
    }
    same(cores.log('n2'), cores.log('n1'))
  },
  'a leader that falls silent is missed after a while, and clients are told at once that there is none (H5)'(stage) {
    const cores = led(stage)
    cores.tick('n3', electionTicks - 1)
    equal(cores.status('n3').leader, 'n1', 'a short silence means nothing')
    cores.tick('n3', longTicks)
    cores.request('n3')
    const answer = cores.replies('n3').at(-1)?.answer
    same(answer?.ok === false && [answer.error.code, answer.error.definite], ['no_leader', true])
  },
  'a leader that is heard in time is not missed'(stage) {
    const cores = led(stage)
    for (let interval = 0; interval < 10; interval++) {
      cores.tick('n3', electionTicks - 1)
      beat(cores)
    }
    same([cores.status('n3').leader, cores.status('n3').term], ['n1', cores.status('n1').term])
  },
}

/** What holds only where one leader leads for ever: at stage 5. */
export const fixedListenerClaims: Claims = {
  'a leader that is heard again is the leader again (H5)'(stage) {
    const cores = led(stage)
    cores.tick('n3', longTicks)
    equal(cores.status('n3').leader, null)
    beat(cores)
    equal(cores.status('n3').leader, 'n1')
  },
  'a message of an earlier term is no sign of life (H4)'(stage) {
    const cores = led(stage, { n3: { log: [1], term: 5 }, n1: { term: 5 } })
    const late = { type: 'AppendEntries', from: 'n1', to: 'n3', term: 3, sequence: 9, prevLogIndex: 0, prevLogTerm: 0 }
    for (let tick = 0; tick < longTicks; tick++) {
      cores.tick('n3')
      cores.receive({ ...late, leaderCommit: 0, entries: entriesOf([1]) } satisfies AnyMessage)
    }
    equal(cores.status('n3').leader, null)
  },
  'a leader takes office however long its disk takes for the new term'(stage) {
    const cores = led(stage)
    cores.slow('n1')
    cores.crash('n1')
    cores.tick('n1', longTicks)
    cores.sync('n1')
    equal(cores.status('n1').role, 'leader')
  },
}
