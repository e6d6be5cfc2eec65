import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { timing } from '../helpers/cores.js'
import { adding, change, configurations, counts, outcome, pass, passUntil, together } from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asks, said } from './outsiders.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']
const four = [...three, 'n4']

/** A node that starts with an empty disk, under a name that had another (E10). */
export const wipedClaims: Claims = {
  'who lost its disk neither votes nor stands, however long it waits (E10)'(stage) {
    const cores = together(stage, three)
    cores.wipe('n3')
    equal(said(cores, { ...asks('n2', 'n3', 1, 9), lastLogTerm: 0 }), false)
    cores.tick('n3', longTicks)
    same([cores.status('n3').role, cores.take({ from: 'n3' })], ['follower', []])
    pass(cores, longTicks)
    same([cores.state('n3'), cores.status('n3').member], [cores.state('n1'), 'no member'], 'it is told everything')
    equal(said(cores, asks('n2', 'n3', 5, 99, 4)), undefined)
    cores.crash('n1')
    equal(campaign(cores, 'n2', ['n3']), false)
    equal(campaign(cores, 'n3', ['n2']), false)
    ok(campaign(cores, 'n2', ['n1']))
  },
  'when it is taken in anew, its old vote goes first; then it is a voter again (E10)'(stage) {
    const cores = together(stage, three)
    cores.wipe('n3')
    pass(cores, electionTicks)
    equal(change(cores, 'n1', adding('n3')), 'ok')
    const named = configurations(cores, 'n1').map(({ voters, outgoing }) =>
      [voters, outgoing].map((part) =>
        (part as { incarnation: string }[] | null)?.map(({ incarnation }) => incarnation),
      ),
    )
    same(named, [
      [two, three],
      [two, undefined],
      [two, undefined],
      [[...two, 'n3 disk 2'], two],
      [[...two, 'n3 disk 2'], undefined],
    ])
    same([cores.status('n3').member, counts(cores, 'n3')], ['voter', 'n1 n2 n3'])
    cores.crash('n1')
    ok(campaign(cores, 'n3', ['n2']))
  },
  'a leader that lost its disk is a follower like the others, until it is taken in anew (E10)'(stage) {
    const cores = together(stage, three)
    const write = cores.request('n1')
    pass(cores, heartbeatTicks)
    cores.wipe('n1')
    ok(campaign(cores, 'n2', ['n3']))
    pass(cores, electionTicks)
    same([cores.status('n1').member, cores.state('n1')], ['no member', cores.state('n2')])
    ok(write > 0 && cores.state('n2').length >= 2)
    equal(change(cores, 'n2', adding('n1')), 'ok')
    equal(cores.status('n1').member, 'voter')
  },
  'two of five may lose their disks at once, and be taken in anew (E10)'(stage) {
    const five = [...four, 'n5']
    const cores = together(stage, five)
    const write = cores.request('n1')
    pass(cores, heartbeatTicks)
    cores.wipe('n2')
    cores.wipe('n3')
    pass(cores, electionTicks)
    for (const id of ['n2', 'n3']) equal(change(cores, 'n1', adding(id)), 'ok', id)
    for (const id of five) same([counts(cores, id), cores.status(id).member], [five.join(' '), 'voter'], id)
    ok(cores.performed('n1').includes(write))
    cores.crash('n1')
    cores.crash('n4')
    ok(campaign(cores, 'n2', ['n3', 'n5']))
  },
  'what a lost disk had acknowledged is not undone by whoever is elected: its vote is not there for that (E10)'(stage) {
    for (const wiped of ['n2', 'n3']) {
      const cores = together(stage, three)
      cores.request('n1')
      cores.run(['n1', wiped])
      const { commit } = cores.status('n1')
      equal(commit, cores.log('n1').length, 'committed by two of three')
      cores.wipe(wiped)
      cores.crash('n1')
      const [other] = ['n2', 'n3'].filter((id) => id !== wiped) as [string]
      equal(campaign(cores, other, [wiped], 3), false, `${other} lacks it`)
      ok(campaign(cores, 'n1', [other, wiped]))
    }
  },
  'a newcomer whose disk is lost while it catches up has no vote, until it is taken in once more (E10)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n4') === 'n1 n2 n3 + n4')
    cores.wipe('n4')
    pass(cores, 2 * electionTicks)
    equal(outcome(cores.answer('n1', request)), 'not_caught_up', 'it is not promoted: it could not vote')
    same([cores.status('n4').member, counts(cores, 'n1')], ['no member', 'n1 n2 n3'])
    equal(change(cores, 'n1', adding('n4')), 'ok')
    equal(cores.status('n4').member, 'voter')
  },
  'who has lost its disk and is taken in anew is reached at its new address at once (E17)'(stage) {
    const cores = together(stage, three)
    cores.wipe('n3')
    pass(cores, 2 * electionTicks, two)
    cores.request('n1', adding('n3', { client: 'c:1', peer: 'p:1' }))
    const places = () => cores.connected('n1')?.flatMap(({ id, peer }) => (id === 'n3' ? peer : []))
    for (const state of ['n1 n2 n3', 'n1 n2', 'n1 n2 + n3', 'n1 n2 n3 | n1 n2', 'n1 n2 n3']) {
      passUntil(cores, () => counts(cores, 'n1') === state)
      same(places(), ['p:1'], state)
    }
    pass(cores, 2 * electionTicks, two)
    cores.request('n1', adding('n3'))
    same(places(), ['127.0.0.1:103'], 'and asked at another, before anything is changed')
    pass(cores, 3 * electionTicks, two)
    same(places(), ['p:1'], 'where it was, if it is not there')
  },
}
