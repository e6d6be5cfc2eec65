import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import { adding, counts, pass, passUntil, removing, somebodyLeads, together } from '../helpers/members.js'
import type { Claims } from './claim.js'
import { answerTo } from './handover.js'

const { electionTicks } = timing
const three = ['n1', 'n2', 'n3']

/** The request of a node that is being stopped. */
const leaving = { command: 'transfer_leader', isLeaving: true }

/** n1 leads, is in the middle of a change, and is asked to leave then. */
function inTheMiddle(stage: Stage, command: ReturnType<typeof adding>, state: string) {
  const cores = together(stage, three)
  const change = cores.request('n1', command)
  passUntil(cores, () => counts(cores, 'n1') === state)
  const left = cores.request('n1', leaving)
  return { cores, change, left }
}

const elections = (cores: Cores) =>
  cores.told.filter(({ event }) => event === 'campaign' || event === 'pre_vote').length

/** A leader that is being stopped leaves in any case: it hands over in the middle of a change of members, too. */
export const stoppingClaims: Claims = {
  'a leader that is being stopped hands over when the change that is in its log is done (§6, thesis §3.10)'(stage) {
    const { cores, change, left } = inTheMiddle(stage, adding('n4'), 'n1 n2 n3 n4 | n1 n2 n3')
    const before = elections(cores)
    pass(cores, electionTicks)
    ok(somebodyLeads(cores, [...three, 'n4']) !== 'n1')
    ok(cores.answer('n1', left)?.ok, 'and says so')
    ok(cores.answer('n1', change)?.ok, 'the client of the change hears that it is done')
    equal(counts(cores, 'n1'), 'n1 n2 n3 n4')
    equal(elections(cores), before + 1, 'nobody has waited for an election time-out')
  },
  'it calls off what is not in the log yet: the client hears that nothing was changed'(stage) {
    for (const state of ['n1 n2 n3', 'n1 n2 n3 + n4']) {
      const { cores, change, left } = inTheMiddle(stage, adding('n4'), state)
      pass(cores, electionTicks)
      const leader = somebodyLeads(cores, three)
      ok(leader !== 'n1' && cores.answer('n1', left)?.ok, state)
      same(answerTo(cores, 'n1', change), ['change_cancelled', true], state)
      equal(counts(cores, leader), 'n1 n2 n3', state)
    }
  },
  'a leader that is being removed and stopped at one time leaves once'(stage) {
    const { cores, change } = inTheMiddle(stage, removing('n1'), 'n2 n3 | n1 n2 n3')
    pass(cores, 2 * electionTicks)
    const leader = somebodyLeads(cores, ['n2', 'n3'])
    equal(counts(cores, leader), 'n2 n3')
    ok(cores.answer('n1', change))
    same([cores.status('n1').role, cores.status(leader).term], ['follower', 2])
  },
  'where the change cannot go on, it does not wait for ever'(stage) {
    const { cores, left } = inTheMiddle(stage, adding('n4'), 'n1 n2 n3 n4 | n1 n2 n3')
    for (let tick = 0; tick < 4 * electionTicks; tick++) {
      cores.tick('n1')
      cores.take()
    }
    same(answerTo(cores, 'n1', left), ['transfer_failed', true])
  },
}
