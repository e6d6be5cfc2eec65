import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import {
  adding,
  apart,
  becoming,
  change,
  configurations,
  counts,
  outcome,
  pass,
  passUntil,
  removing,
  seven,
  somebodyLeads,
  together,
} from '../helpers/members.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { asks, said } from './outsiders.js'

const { electionTicks, heartbeatTicks } = timing
const longTicks = 10 * electionTicks
const two = ['n1', 'n2']
const three = [...two, 'n3']

/** A cluster that n1 founded alone, and that was grown to three. */
function grown(stage: Stage): Cores {
  const cores = apart(stage, {}, ['n1'])
  passUntil(cores, () => cores.status('n1').role === 'leader')
  pass(cores, heartbeatTicks)
  for (const id of ['n2', 'n3']) equal(change(cores, 'n1', adding(id)), 'ok')
  cores.request('n1')
  pass(cores, heartbeatTicks)
  return cores
}

/** n1 has lost its disk, and has founded another cluster while the two others were away. */
function foundedTwice(stage: Stage): Cores {
  const cores = grown(stage)
  cores.wipe('n1')
  pass(cores, longTicks, ['n1'])
  cores.request('n1')
  pass(cores, heartbeatTicks, ['n1'])
  equal(cores.status('n1').role, 'leader')
  return cores
}

/** The origins that a node's log has been of. */
const origins = (cores: Cores, id: string) => [...new Set(configurations(cores, id).map(({ origin }) => origin))]

/** Every kind of message that could change something, from a node of this name, disk and cluster. */
function everything(from: string, to: string, identity: { incarnation?: string; origin?: string }): AnyMessage[] {
  const common = { from, to, term: 7, sequence: 9, ...identity }
  const chunk = { lastIncludedIndex: 9, lastIncludedTerm: 7, bytes: 1, sha256: '0'.repeat(64), offset: 0 }
  return [
    { ...common, type: 'AppendEntries', prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 9, entries: [] },
    { ...common, type: 'AppendEntriesReply', matchIndex: 9 },
    { ...common, type: 'AppendEntriesConflict', prevLogIndex: 1, conflictTerm: null, conflictIndex: 1 },
    { ...common, type: 'RequestVote', lastLogIndex: 99, lastLogTerm: 6 },
    { ...common, type: 'RequestVoteReply', voteGranted: true },
    { ...common, type: 'StaleTerm' },
    { ...common, type: 'InstallSnapshot', ...chunk, data: new Uint8Array(1) },
    { ...common, type: 'InstallSnapshotReply', held: 1, matchIndex: 9 },
    { ...identity, from, to, type: 'Removed', index: 99 },
    { ...identity, from, to, type: 'Displaced', index: 99, disk: to, why: 'replaced' },
  ]
}

/** Two clusters under one name: they have the same indexes and terms, and nothing else in common. */
export const originClaims: Claims = {
  'a founder that lost its disk and founds again is another cluster: neither hears the other (E12)'(stage) {
    const cores = foundedTwice(stage)
    const kept = [...cores.state('n2')]
    cores.tick('n3', electionTicks)
    ok(campaign(cores, 'n2', ['n1', 'n3']))
    pass(cores, longTicks)
    const leader = somebodyLeads(cores, ['n2', 'n3'])
    same(
      three.map((id) => origins(cores, id)),
      [['n1 disk 2'], ['n1'], ['n1']],
    )
    same(cores.state('n2').slice(0, kept.length), kept)
    same([cores.status('n1').role, counts(cores, 'n1')], ['leader', 'n1'])
    equal(change(cores, leader, adding('n1')), 'not_caught_up')
    same(
      [cores.status('n1').foreign, cores.status('n2').foreign],
      [[{ id: 'n2', origin: 'n1' }], [{ id: 'n1', origin: 'n1 disk 2' }]],
    )
    equal(counts(cores, leader), 'n1 n2 n3')
  },
  'nothing that a node of another cluster says is heard, by anybody, whatever its term (E12)'(stage) {
    for (const to of two)
      for (const at of everything('n3', to, {}).keys()) {
        const cores = together(stage, three)
        const seen = () => {
          const { foreign: _, ...status } = cores.status(to)
          return [status, cores.onDisk(to)]
        }
        const before = seen()
        const message = everything('n3', to, { incarnation: 'n3', origin: 'another' })[at]!
        cores.take()
        cores.receive(message)
        same([seen(), cores.take()], [before, []], message.type)
        same(cores.status(to).foreign, [{ id: 'n3', origin: 'another' }], message.type)
      }
  },
  'a foreigner is shown for as long as it is met'(stage) {
    const cores = together(stage, three)
    cores.receive({ type: 'Introduction', from: 'n9', to: 'n1', incarnation: 'n9', origin: 'another' })
    pass(cores, 9 * electionTicks)
    same(cores.status('n1').foreign, [{ id: 'n9', origin: 'another' }])
    pass(cores, 2 * electionTicks)
    equal(cores.status('n1').foreign, undefined)
  },
  'each foreigner is reported once, and names that a stranger makes up are not reported for ever'(stage) {
    const cores = together(stage, three)
    const say = (from: string, origin: string) =>
      cores.receive({ type: 'Introduction', from, to: 'n1', incarnation: from, origin })
    const reports = () => cores.events('n1').filter(({ event }) => event === 'foreign_cluster').length
    for (const origin of ['one', 'other', 'one', '', 'one']) say('n9', origin)
    equal(reports(), 2)
    for (let at = 0; at < 1_000; at++) say(`n${at % 70}`, `origin ${at}`)
    ok(reports() <= 64)
  },
  'who knows of no cluster is no foreigner, and is taken in'(stage) {
    const cores = foundedTwice(stage)
    equal(change(cores, 'n1', adding('n4'), ['n1', 'n4']), 'ok')
    same(origins(cores, 'n4'), ['n1 disk 2'])
  },
}

/** What does not vote does not acknowledge. */
export const diskClaims: Claims = {
  'what a replaced disk holds is not counted, and the leader says whose it is (E10)'(stage) {
    const cores = together(stage, three)
    cores.wipe('n3')
    pass(cores, electionTicks)
    const { commit } = cores.status('n1')
    const write = cores.request('n1')
    pass(cores, 2 * heartbeatTicks, ['n1', 'n3'])
    same([cores.log('n3').length, cores.status('n1').commit], [cores.log('n1').length, commit], 'it has it in vain')
    same(cores.status('n1').disks, { n3: 'replaced' })
    const answer = cores.answer('n1', cores.request('n1', { command: 'members' })) as unknown as {
      members: { id: string; disk?: string }[]
    }
    same(
      answer.members.map(({ id, disk }) => [id, disk]),
      [
        ['n1', undefined],
        ['n2', undefined],
        ['n3', 'replaced'],
      ],
    )
    pass(cores, 2 * heartbeatTicks)
    ok(cores.performed('n1').includes(write))
    equal(change(cores, 'n1', becoming('n1', 'n3')), 'quorum_at_risk', 'its name does not make it a voter')
  },
  'one disk after the other is replaced: the last is missed before it is too late (E10)'(stage) {
    const cores = together(stage, [...three, 'n4', 'n5'])
    for (const id of ['n3', 'n4']) {
      cores.wipe(id)
      pass(cores, electionTicks)
    }
    cores.wipe('n5')
    pass(cores, electionTicks)
    const { commit } = cores.status('n1')
    cores.request('n1')
    pass(cores, electionTicks)
    equal(cores.status('n1').commit, commit, 'two of five do not commit')
    pass(cores, 2 * electionTicks)
    same(cores.status('n1').disks, { n3: 'replaced', n4: 'replaced', n5: 'replaced' }, 'also when it leads no more')
  },
  'a vote of another disk than the members know is not counted, and its term deposes nobody (E10)'(stage) {
    const cores = together(stage, three)
    cores.crash('n1')
    cores.leaveAlone('n2', 3 * electionTicks)
    cores.take()
    const { term, role } = cores.status('n2')
    equal(role, 'candidate')
    const reply = { type: 'RequestVoteReply', from: 'n3', to: 'n2', term, voteGranted: true }
    cores.receive({ ...reply, incarnation: 'n3 disk 2' })
    cores.receive({ ...reply, type: 'StaleTerm', term: term! + 5, incarnation: 'n3 disk 2' })
    same([cores.status('n2').role, cores.status('n2').term], ['candidate', term])
    cores.receive(reply)
    equal(cores.status('n2').role, 'leader')
  },
  'a vote is given to a disk: another one under the same name has none of it'(stage) {
    const cores = together(stage, three)
    cores.tick('n2', electionTicks)
    equal(said(cores, asks('n3', 'n2', 5, 99, 4)), true)
    equal(said(cores, { ...asks('n3', 'n2', 5, 99, 4), incarnation: 'n3 disk 2' }), false)
    equal(said(cores, asks('n3', 'n2', 5, 99, 4)), true, 'the first may ask again')
  },
  'of two under one name, the one that is not admitted is told, and rests until it is'(stage) {
    const cores = grown(stage)
    const ask = { ...asks('n3', 'n2', 9, 1, 1), incarnation: 'n3 disk 0' }
    equal(said(cores, { ...ask, lastLogIndex: 0, lastLogTerm: 0 }), 'Displaced')
    const told = { type: 'Displaced', from: 'n2', to: 'n3', index: 99, why: 'replaced' }
    cores.receive({ ...told, disk: 'n3 disk 0' })
    equal(cores.status('n3').member, 'voter', 'its namesake was meant')
    cores.receive({ ...told, disk: 'n3' })
    equal(cores.status('n3').member, 'displaced')
    cores.tick('n3', longTicks)
    same([cores.status('n3').role, cores.take({ from: 'n3' })], ['follower', []])
    ok(String(cores.status('n3').advice).includes('add_node n3'))
  },
  'a copy of a folder that is told of its double rests, and goes on when nobody speaks of it any more'(stage) {
    const cores = grown(stage)
    const double = { id: 'n3', origin: 'n1', incarnation: 'n3', address: 'elsewhere:7103' }
    cores.leaveAlone('n3', longTicks)
    equal(cores.status('n3').role, 'candidate')
    cores.take()
    const { term } = cores.status('n3')
    for (let times = 0; times < 4; times++) {
      cores.meet('n3', double)
      cores.tick('n3', longTicks - 1)
    }
    same([cores.status('n3').term, cores.take({ from: 'n3' })], [term, []], 'told again and again, it rests')
    same([cores.status('n3').double, cores.status('n3').foreign], ['elsewhere:7103', undefined])
    ok(String(cores.status('n3').advice).includes('copy'))
    cores.leaveAlone('n3', longTicks)
    ok(cores.status('n3').term! > term!)
    equal(cores.status('n3').double, undefined)
    const told = cores.events('n3').map(({ event }) => event)
    same(
      told.filter((event) => event.startsWith('double')),
      ['doubled', 'double_gone'],
      'said once each',
    )
    cores.meet('n3', { ...double, incarnation: 'n3 disk 2' })
    cores.meet('n3', { ...double, id: 'n2' })
    equal(cores.status('n3').double, undefined, 'others were meant')
  },
  'a removed node that stood for election meanwhile does not depose the leader that takes it in again'(stage) {
    const cores = together(stage, three)
    equal(change(cores, 'n1', removing('n3'), two), 'ok')
    cores.leaveAlone('n3', longTicks)
    cores.take()
    ok(cores.status('n3').term! > 2)
    equal(change(cores, 'n1', adding('n3')), 'not_caught_up')
    same([cores.status('n1').role, cores.status('n1').term, counts(cores, 'n1')], ['leader', 1, 'n1 n2'])
    cores.wipe('n3')
    equal(change(cores, 'n1', adding('n3')), 'ok')
  },
}

/** A folder that was copied back. */
export const olderDiskClaims: Claims = {
  'a leader that hears less than a follower had acknowledged to it takes its disk for lost'(stage) {
    const cores = grown(stage)
    cores.request('n1')
    pass(cores, 2 * heartbeatTicks)
    cores.forget('n3', cores.log('n3').length)
    pass(cores, 2 * electionTicks)
    same([cores.status('n1').disks, cores.status('n3').member], [{ n3: 'older' }, 'displaced'])
    const { commit } = cores.status('n1')
    cores.request('n1')
    pass(cores, electionTicks, ['n1', 'n3'])
    equal(cores.status('n1').commit, commit, 'it counts no more')
    cores.crash('n1')
    equal(campaign(cores, 'n2', ['n3']), false, 'nor does it vote')
  },
  'a conflict that was on its way before the acknowledgement is no sign of that'(stage) {
    const cores = together(stage, three)
    cores.request('n1')
    cores.deliver({ type: 'AppendEntries', to: 'n3' })
    const [acknowledged] = cores.take({ type: 'AppendEntriesReply', from: 'n3' }) as [AnyMessage]
    const { sequence, matchIndex, term } = acknowledged as AnyMessage & { sequence: number; matchIndex: number }
    cores.receive(acknowledged)
    const conflict = { type: 'AppendEntriesConflict', from: 'n3', to: 'n1', term, conflictTerm: null }
    for (const late of [sequence - 1, sequence])
      cores.receive({ ...conflict, sequence: late, prevLogIndex: matchIndex, conflictIndex: matchIndex })
    equal(cores.status('n1').disks, undefined)
  },
}

const founding = (...ids: string[]) => ({
  command: 'found_cluster',
  members: seven.filter(({ id }) => ids.includes(id)).map(({ id, client, peer }) => `${id}=${client}/${peer}`),
})

/** An operator says, once, that there is no cluster yet. */
export const confirmedFoundingClaims: Claims = {
  'a node that is asked to founds a cluster, once, alone or with others that know of none (E13)'(stage) {
    const alone = apart(stage)
    equal(change(alone, 'n2', { command: 'found_cluster' }), 'ok')
    same([counts(alone, 'n2'), alone.status('n2').role], ['n2', 'leader'])
    equal(change(alone, 'n2', { command: 'found_cluster' }), 'cluster_exists')
    const cores = apart(stage)
    equal(change(cores, 'n1', founding(...three)), 'ok')
    for (const id of three) same([counts(cores, id), cores.status(id).member], ['n1 n2 n3', 'voter'])
    cores.wipe('n2')
    pass(cores, 2 * electionTicks)
    equal(change(cores, 'n2', { command: 'found_cluster' }), 'cluster_exists', 'nor one that hears of a cluster')
  },
  'where somebody is silent, or belongs to a cluster, nothing is founded, and who asked hears so (E13)'(stage) {
    const cores = grown(stage)
    equal(change(cores, 'n4', founding('n5'), ['n4']), 'not_caught_up')
    equal(change(cores, 'n4', founding('n2')), 'cluster_exists')
    equal(change(cores, 'n4', { command: 'found_cluster', members: ['n5'] }), 'bad_request')
    same([cores.log('n4').length, counts(cores, 'n4')], [0, ''])
    equal(change(cores, 'n1', adding('n4')), 'ok')
  },
  'of two that would found a cluster with each other, one does (E13)'(stage) {
    const cores = apart(stage)
    const asked = [cores.request('n1', founding(...two)), cores.request('n2', founding(...two))]
    pass(cores, 2 * electionTicks)
    same(
      asked.map((request, at) => outcome(cores.answer(two[at]!, request))),
      ['ok', 'cluster_exists'],
    )
    for (const id of two) same([counts(cores, id), origins(cores, id)], ['n1 n2', ['n1']])
  },
}
