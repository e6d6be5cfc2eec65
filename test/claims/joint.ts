import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { noOp, type Recovered, type SnapshotHeader } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import type { Configuration } from '../../stages/8-membership/configuration.js'
import { nodeOptions } from '../helpers/core.js'
import { type AnyMessage, entriesOf, entryOf, type Held, type Past, timing } from '../helpers/cores.js'
import {
  adding,
  addressesOf,
  alike,
  apart,
  becoming,
  change,
  configurations,
  connected,
  counts,
  membersAre,
  outcome,
  pass,
  passUntil,
  removing,
  seven,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'

const { electionTicks, heartbeatTicks } = timing
const three = ['n1', 'n2', 'n3']
const four = [...three, 'n4']
const all = [...four, 'n5']

/** From n1, n2 and n3 to n1, n4 and n5: both count. */
const joint = membersAre(['n1', 'n4', 'n5'], { outgoing: three })
const jointPast: Past = { log: [1, 1], commands: { 1: membersAre(three), 2: joint } }
const isMajority = (some: readonly string[], of: readonly string[]) =>
  of.filter((id) => some.includes(id)).length * 2 > of.length
const isJoint = (some: readonly string[]) => isMajority(some, three) && isMajority(some, ['n1', 'n4', 'n5'])
/** Every choice of some of these. */
const subsets = (ids: readonly string[]) =>
  Array.from({ length: 2 ** ids.length }, (_, choice) => ids.filter((_, at) => choice & (2 ** at)))

/** What n1 of this term sends to n3, behind an entry of term 1. */
function appending(term: number, prevLogIndex: number, held: readonly Held[], leaderCommit = 0): AnyMessage {
  const entries = held.map((one, at) => entryOf(prevLogIndex + at + 1, term, one))
  const common = { type: 'AppendEntries', from: 'n1', to: 'n3', term, sequence: 1, prevLogIndex, leaderCommit }
  return { ...common, prevLogTerm: prevLogIndex === 0 ? 0 : 1, entries }
}

/** How voters of these configurations are known, that stand at these indexes of a log of six, behind a snapshot or not. */
function knownAfterRestart(stage: Stage, commands: Past['commands'], snapshots: readonly SnapshotHeader[]): string {
  const edge = snapshots.at(-1)?.index ?? 0
  const log = Array.from({ length: 6 - edge }, () => 1)
  return counts(apart(stage, { n3: { log, snapshots, ...(commands && { commands }) } }), 'n3')
}

/** §6: from one set of voters to another, and what it is that holds. */
export const jointClaims: Claims = {
  'joint: elected is who has a majority of both, and nobody else (§6, E14)'(stage) {
    for (const id of ['n1', 'n2', 'n4']) {
      const others = all.filter((other) => other !== id)
      for (const voters of subsets(others)) {
        const cores = apart(stage, alike(all, jointPast))
        equal(campaign(cores, id, voters, 1), isJoint([id, ...voters]), `${id} with ${voters.join(' ')}`)
      }
    }
  },
  'joint: committed is what a majority of both has, and nothing else (§6, E14)'(stage) {
    for (const some of subsets(['n2', 'n3', 'n4', 'n5'])) {
      const cores = apart(stage, alike(all, jointPast))
      ok(campaign(cores, 'n1', all))
      cores.run(['n1', ...some])
      equal(cores.status('n1').commit! >= 3, isJoint(['n1', ...some]), some.join(' '))
    }
  },
  'joint: it is left when it is committed, and not before, by whoever leads (§6, E14)'(stage) {
    for (const leader of ['n2', 'n5']) {
      const cores = apart(stage, alike(all, jointPast))
      ok(campaign(cores, leader, all))
      pass(cores, 2 * heartbeatTicks, ['n4', 'n5', 'n1'])
      pass(cores, 2 * heartbeatTicks, ['n2', 'n3'])
      equal(counts(cores, leader), 'n1 n4 n5 | n1 n2 n3', 'one majority is not enough')
      pass(cores, 3 * heartbeatTicks, all)
      for (const id of ['n1', 'n4', 'n5']) equal(counts(cores, id), 'n1 n4 n5')
      pass(cores, 4 * electionTicks, all)
      equal(configurations(cores, 'n4').length, 3, 'and that was all')
    }
  },
  'a configuration is in force when it is appended, and not any more when it is taken back (E3)'(stage) {
    const cores = apart(stage, alike(three, { log: [1], commands: { 1: membersAre(three) } }))
    cores.receive(appending(1, 1, [membersAre(three, { learners: ['n4'] }), joint]))
    same([counts(cores, 'n3'), cores.status('n3').commit], ['n1 n4 n5 | n1 n2 n3', 0])
    cores.receive(appending(2, 2, [noOp]))
    equal(counts(cores, 'n3'), 'n1 n2 n3 + n4', 'the one before it')
    cores.receive({ ...appending(3, 1, [noOp]) })
    equal(counts(cores, 'n3'), 'n1 n2 n3')
    same(connected(cores, 'n3'), ['n1', 'n2'])
    cores.crash('n3')
    equal(counts(cores, 'n3'), 'n1 n2 n3')
    ok(campaign(cores, 'n3', ['n1']), 'two of three are enough')
  },
  'after a restart the last configuration is known, wherever it stands in the log, committed or not (E4)'(stage) {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      equal(knownAfterRestart(stage, { [at]: joint }, []), 'n1 n4 n5 | n1 n2 n3', `at ${at}`)
      if (at > 1) equal(knownAfterRestart(stage, { 1: joint, [at]: membersAre(three) }, []), 'n1 n2 n3')
    }
  },
  'and what a snapshot holds is known, if nothing later is (E4, D7)'(stage) {
    const header = (index: number, configurationIndex: number, configuration: Configuration) => ({
      index,
      term: 1,
      configurationIndex,
      configuration,
    })
    const one = header(3, 2, membersAre(three))
    equal(knownAfterRestart(stage, {}, [one]), 'n1 n2 n3')
    for (const at of [4, 5, 6]) equal(knownAfterRestart(stage, { [at]: joint }, [one]), 'n1 n4 n5 | n1 n2 n3')
    equal(knownAfterRestart(stage, { 4: joint }, [header(5, 4, joint), one]), 'n1 n4 n5 | n1 n2 n3')
    equal(knownAfterRestart(stage, { 4: joint, 6: membersAre(all) }, [header(5, 4, joint), one]), all.join(' '))
    equal(knownAfterRestart(stage, {}, [header(5, 2, membersAre(three)), one]), 'n1 n2 n3')
  },
  'where the older of two snapshots cannot be read, the newer says who the members are (D7, D12)'(stage) {
    const start = (configurationIndex: number, configuration: Configuration, commands: Past['commands']) => {
      const newer = { index: 5, term: 1, bytes: 1, sha256: '0', configurationIndex, configuration }
      const entries = entriesOf([1, 1, 1], 3, commands)
      const kept = { term: 1, votedFor: null, edge: { index: 3, term: 1 }, entries, snapshots: [newer] }
      const recovered: Recovered = { ...kept, commit: newer.index, incarnation: 'n3' }
      const { voters } = stage.create(nodeOptions('n3', seven.slice(2, 3), recovered)).status
      return voters
    }
    same(start(2, membersAre(three), {}), three)
    same(start(4, membersAre(all), { 4: membersAre(all) }), all)
    same(start(2, membersAre(three), { 6: membersAre(all) }), all)
  },
  'a snapshot that is taken in the middle of a change holds what was in force there, and brings it along (D7)'(stage) {
    const limits = { snapshotEntries: 3 }
    const past = { log: [1, 1, 1, 1], commands: { 1: membersAre(three), 2: joint } }
    const cores = apart(stage, alike(four, past), [], limits)
    ok(campaign(cores, 'n1', four))
    passUntil(cores, () => cores.saving('n1') !== null, four)
    equal(counts(cores, 'n1'), 'n1 n4 n5 | n1 n2 n3')
    pass(cores, heartbeatTicks)
    equal(counts(cores, 'n1'), 'n1 n4 n5', 'it has been left meanwhile')
    cores.save('n1')
    const { configurationIndex, configuration } = cores.snapshot('n1')!
    same([configurationIndex, configuration], [2, joint])
    const follower = apart(stage, { n3: past }, [], limits)
    follower.receive(appending(1, 4, [noOp, noOp, membersAre(four)], 6))
    follower.save('n3')
    same([follower.snapshot('n3')!.index, follower.snapshot('n3')!.configurationIndex], [6, 2], 'not what came later')
  },
  'a snapshot that is installed brings the members that were in force there, and takes back the others (D7)'(stage) {
    const facts = { configurationIndex: 2, configuration: membersAre(all) }
    const compacted: Past = { snapshots: [{ index: 6, term: 2, ...facts }], log: [], term: 2 }
    const other: Past = { log: [1, 1, 1], commands: { 1: membersAre(three), 3: membersAre(['n3', 'n6']) }, term: 2 }
    const cores = apart(stage, { ...alike(['n1', 'n2', 'n4', 'n5'], compacted), n3: other })
    equal(counts(cores, 'n3'), 'n3 n6')
    ok(campaign(cores, 'n1', ['n2', 'n4', 'n5']))
    passUntil(cores, () => cores.restored('n3').length > 0)
    equal(counts(cores, 'n3'), all.join(' '))
    cores.crash('n3')
    equal(counts(cores, 'n3'), all.join(' '))
  },
  'a log that lets go of the entries that named the members knows them all the same, and after a restart'(stage) {
    const cores = together(stage, three, { snapshotEntries: 3 })
    equal(change(cores, 'n1', adding('n4')), 'ok')
    for (let round = 0; round < 6; round++) {
      for (const id of four) if (cores.saving(id)) cores.save(id)
      for (let count = 0; count < 4; count++) cores.request('n1')
      pass(cores, heartbeatTicks)
      for (const id of four) equal(counts(cores, id), four.join(' '))
    }
    for (const id of four) {
      equal(configurations(cores, id).length, 0, 'the entries are gone')
      cores.crash(id)
      equal(counts(cores, id), four.join(' '))
    }
  },
}

/** §6 and its correction (raft-dev, July 2015): when a step is taken, and by whom it is asked for. */
export const changeClaims: Claims = {
  'no step is taken before an entry of the own term is committed: the schedule of 2015 (E1)'(stage) {
    const cores = together(stage, four)
    // (a) n1 has begun a change that nobody else has heard of.
    cores.request('n1', removing('n4'))
    pass(cores, heartbeatTicks, ['n1'])
    const begun = configurations(cores, 'n1').length
    equal(begun, 1)
    // (b) n2 leads, and may not begin another before a majority has its first entry: n1 could go on from its own.
    ok(campaign(cores, 'n2', ['n3', 'n4']))
    cores.take()
    const request = cores.request('n2', removing('n3'))
    cores.tick('n2', heartbeatTicks)
    cores.take()
    equal(configurations(cores, 'n2').length, 0)
    pass(cores, 2 * heartbeatTicks, ['n2', 'n3', 'n4'])
    // (c) Now it may, and what n1 has begun cannot win any more.
    same([outcome(cores.answer('n2', request)), counts(cores, 'n2')], ['ok', 'n1 n2 n4'])
    cores.crash('n1')
    equal(campaign(cores, 'n1', ['n3', 'n4'], 3), false)
    pass(cores, 3 * electionTicks)
    equal(counts(cores, 'n1'), 'n1 n2 n4')
  },
  'nor is one left: a new leader goes on from the middle when its own entry is committed (E1, E14)'(stage) {
    const cores = apart(stage, alike(all, jointPast))
    ok(campaign(cores, 'n4', all))
    cores.tick('n4', heartbeatTicks)
    cores.take()
    equal(configurations(cores, 'n4').length, 2)
  },
  'one change at a time; who asks for the one that is under way waits for it as well (E2)'(stage) {
    const cores = together(stage, three)
    const first = cores.request('n1', adding('n4'))
    const again = cores.request('n1', adding('n4'))
    const same4 = cores.request('n1', becoming(...four))
    for (const other of [adding('n5'), removing('n2'), removing('n4'), becoming('n1'), becoming(...three)])
      equal(outcome(cores.answer('n1', cores.request('n1', other))), 'change_in_progress', other.command)
    const elsewhere = cores.request('n1', adding('n4', { peer: '127.0.0.1:999' }))
    equal(outcome(cores.answer('n1', elsewhere)), 'change_in_progress', 'it would not be there')
    pass(cores, electionTicks)
    for (const request of [first, again, same4]) equal(outcome(cores.answer('n1', request)), 'ok')
    equal(counts(cores, 'n1'), four.join(' '))
  },
  'a change that was refused has changed nothing, and can be asked for again'(stage) {
    const cores = together(stage, three)
    const refused = cores.request('n1', becoming())
    same([outcome(cores.answer('n1', refused)), counts(cores, 'n1')], ['bad_request', 'n1 n2 n3'])
    equal(configurations(cores, 'n1').length, 0)
  },
  'who is no member cannot be removed: it is said who is'(stage) {
    const cores = together(stage, three)
    const answer = cores.answer('n1', cores.request('n1', removing('n5')))
    same(answer?.ok === false && [answer.error.code, answer.error.members], ['bad_request', three])
    cores.request('n1', removing('n3'))
    same(outcome(cores.answer('n1', cores.request('n1', removing('n3')))), null, 'it is a member until it is none')
  },
  'two nodes cannot have one address, however it is written, nor can a node have one for both (E17)'(stage) {
    const cores = together(stage, three)
    for (const [moved, owner] of [
      [{ client: addressesOf('n2').client }, /n2/],
      [{ peer: addressesOf('n2').peer }, /n2/],
      [{ client: addressesOf('n3').peer }, /n3/],
      [{ peer: 'LOCALHOST:2' }, /n2/],
      [{ client: '[::ffff:127.0.0.1]:2' }, /n2/],
      [{ client: 'x:9', peer: 'X.:9' }, /n4 needs two/],
    ] as const) {
      const answer = cores.answer('n1', cores.request('n1', adding('n4', moved)))
      ok(answer?.ok === false && answer.error.code === 'bad_request' && owner.test(answer.error.message), String(owner))
      const { client, peer } = { ...addressesOf('n4'), ...moved }
      const voters = [...three, `n4=${client}/${peer}`]
      equal(outcome(cores.answer('n1', cores.request('n1', { command: 'reconfigure', voters }))), 'bad_request')
    }
    const twins = ['n1', 'n4=a:1/a:2', 'n5=a:2/a:3']
    equal(change(cores, 'n1', { command: 'reconfigure', voters: twins }), 'bad_request')
    equal(change(cores, 'n1', { command: 'reconfigure', voters: ['n1', 'n2', 'n4=127.0.0.1:3/a:2'] }), 'bad_request')
    equal(configurations(cores, 'n1').length, 0)
  },
  'a cluster has 64 voters at most'(stage) {
    const cores = together(stage, three)
    const voters = Array.from({ length: 65 }, (_, at) => `m${at}=a:${at + 1}/b:${at + 1}`)
    equal(outcome(cores.answer('n1', cores.request('n1', { command: 'reconfigure', voters }))), 'bad_request')
  },
  'the same request at the next leader does no harm, in whatever phase the first one was left (E2)'(stage) {
    const states = ['n1 n2 n3', 'n1 n2 n3 + n4', 'n1 n2 n3 n4 | n1 n2 n3', 'n1 n2 n3 n4']
    for (const state of states) {
      const cores = together(stage, three)
      const request = cores.request('n1', adding('n4'))
      passUntil(cores, () => counts(cores, 'n2') === state)
      pass(cores, heartbeatTicks, three)
      ok(campaign(cores, 'n2', ['n3', 'n4']), state)
      pass(cores, 2 * heartbeatTicks)
      ok(['leadership_lost', 'ok'].includes(String(outcome(cores.answer('n1', request)))), state)
      equal(change(cores, 'n2', adding('n4')), 'ok', state)
      for (const id of four) equal(counts(cores, id), four.join(' '), state)
      for (const { voters, learners } of configurations(cores, 'n2')) {
        const names = [...voters, ...learners].map(({ id }) => id)
        equal(new Set(names).size, names.length, `${state}: nobody is a voter and a learner at once`)
      }
    }
  },
  'another change at the next leader: what the one before had begun is left behind'(stage) {
    const cores = together(stage, three)
    cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n2') === 'n1 n2 n3 + n4')
    ok(campaign(cores, 'n2', ['n3']))
    pass(cores, heartbeatTicks)
    equal(change(cores, 'n2', adding('n5')), 'ok')
    for (const id of [...three, 'n5']) equal(counts(cores, id), 'n1 n2 n3 n5')
    same(connected(cores, 'n2'), ['n1', 'n3', 'n5'])
  },
  'a deposed leader tells those who wait for a change that it cannot know (E6)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', adding('n4'))
    passUntil(cores, () => counts(cores, 'n1') === 'n1 n2 n3 + n4')
    ok(campaign(cores, 'n2', ['n3']))
    cores.run()
    const answer = cores.answer('n1', request)
    same(answer?.ok === false && [answer.error.code, answer.error.definite], ['leadership_lost', false])
    equal(cores.status('n1').change, undefined)
  },
  'what too few would be left alive for is refused; the check is of those that are to vote (E23)'(stage) {
    const cores = together(stage, three)
    pass(cores, 2 * electionTicks, ['n1', 'n2'])
    const before = configurations(cores, 'n1').length
    equal(change(cores, 'n1', removing('n2'), ['n1', 'n2']), 'quorum_at_risk')
    same([configurations(cores, 'n1').length, counts(cores, 'n1')], [before, 'n1 n2 n3'])
    const forced = cores.request('n1', { ...removing('n2'), force: true })
    cores.take()
    same([counts(cores, 'n1'), cores.answer('n1', forced)], ['n1 n3 | n1 n2 n3', null])
    const other = together(stage, three)
    pass(other, 2 * electionTicks, ['n1', 'n2'])
    equal(change(other, 'n1', removing('n3'), ['n1', 'n2']), 'ok', 'who is dead may go')
    equal(counts(other, 'n1'), 'n1 n2')
  },
  'a newcomer that has caught up in vain learns no more when the change is refused (E23)'(stage) {
    const cores = together(stage, three)
    const request = cores.request('n1', becoming('n1', 'n3', 'n4', 'n5'))
    passUntil(cores, () => counts(cores, 'n4') === 'n1 n2 n3 + n4 n5')
    pass(cores, 3 * electionTicks, ['n1', 'n2', 'n4'])
    equal(cores.answer('n1', request), null)
    pass(cores, 10 * electionTicks, ['n1', 'n2', 'n4'])
    same([outcome(cores.answer('n1', request)), counts(cores, 'n1')], ['not_caught_up', 'n1 n2 n3'])
    same(connected(cores, 'n1'), ['n2', 'n3'])
  },
  'who is asked and does not lead says who does; without an address, that it does not know (E19)'(stage) {
    const cores = together(stage, three)
    const asked = cores.answer('n2', cores.request('n2', adding('n4')))
    same(asked?.ok === false && [asked.error.code, asked.error.address], ['not_leader', '127.0.0.1:1'])
    cores.receive({ ...appending(9, 0, []), to: 'n6' })
    equal(cores.status('n6').leader, 'n1')
    for (const command of [adding('n4'), removing('n1'), becoming('n6'), { command: 'delete', key: 'k' }]) {
      const answer = cores.answer('n6', cores.request('n6', command))
      same(answer?.ok === false && [answer.error.code, answer.error.definite], ['no_leader', true], command.command)
    }
  },
}
