import { equal, deepStrictEqual as same } from 'node:assert/strict'
import { timing } from '../helpers/cores.js'
import {
  adding,
  change,
  counts,
  outcome,
  pass,
  passUntil,
  removing,
  somebodyLeads,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { answerTo, get, handingTo, told } from './handover.js'

const { electionTicks, heartbeatTicks } = timing
const three = ['n1', 'n2', 'n3']
const five = [...three, 'n4', 'n5']

/** Thesis §4.2.2, §3.10: a leader that is removed hands over. */
export const retiringClaims: Claims = {
  'a leader that is removed hands over instead of leaving a gap'(stage) {
    const cores = together(stage, five)
    const request = cores.request('n1', removing('n1'))
    passUntil(cores, () => counts(cores, 'n1') === 'n2 n3 n4 n5')
    pass(cores, 4 * heartbeatTicks)
    equal(outcome(cores.answer('n1', request)), 'ok')
    const rest = five.slice(1)
    const leader = somebodyLeads(cores, rest)
    same([cores.status(leader).term, cores.status('n1').role, cores.status('n1').member], [2, 'follower', 'removed'])
    for (const command of [undefined, get])
      same(answerTo(cores, 'n1', cores.request('n1', command)), ['no_leader', true], 'it hears nobody, and says so')
  },
  'what a removed leader held is sent to its successor, and the reads that it has left are refused for certain'(stage) {
    const cores = together(stage, three)
    cores.request('n1', removing('n1'))
    passUntil(cores, () => counts(cores, 'n1') === 'n2 n3')
    passUntil(cores, () => told(cores).length > 0)
    const held = cores.request('n1')
    const left = cores.request('n1', get)
    cores.take()
    cores.receive({ type: 'StaleTerm', from: 'n3', to: 'n1', term: 2 })
    same(
      [answerTo(cores, 'n1', held), answerTo(cores, 'n1', left)],
      [
        ['not_leader', true],
        ['no_leader', true],
      ],
    )
  },
  'a leader that is removed and finds no successor leaves when its time is over'(stage) {
    const cores = together(stage, three)
    cores.request('n1', removing('n1'))
    passUntil(cores, () => counts(cores, 'n1') === 'n2 n3')
    passUntil(cores, () => told(cores).length > 0 || cores.status('n1').role === 'follower')
    for (let tick = 0; tick < 2 * electionTicks; tick++) {
      cores.tick('n1')
      cores.take({ type: 'TimeoutNow' })
      cores.run()
    }
    same([cores.status('n1').role, cores.status('n1').member], ['follower', 'removed'])
  },
  'a leader that was removed, handed over and is taken in again follows, and is a voter like any other'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n1')), 'ok')
    pass(cores, 4 * heartbeatTicks)
    const leader = somebodyLeads(cores, ['n2', 'n3'])
    equal(change(cores, leader, adding('n1')), 'ok')
    same([counts(cores, leader), cores.status('n1').member], ['n1 n2 n3', 'voter'])
    const back = cores.request(leader, handingTo('n1'))
    pass(cores, 2 * heartbeatTicks)
    same([answerTo(cores, leader, back), cores.status('n1').role], [{ ok: true, leader: 'n1' }, 'leader'])
  },
}
