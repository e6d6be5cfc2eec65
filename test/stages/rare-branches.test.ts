/** Branches of rules that no seed and no other test takes, each taken here by hand. */
import { equal, deepStrictEqual as same, throws } from 'node:assert/strict'
import t from 'tap'
import { failure } from '../../src/contracts.js'
import { call } from '../../stages/1-client/call.js'
import { client, defaultClientOptions, take } from '../../stages/1-client/client.js'
import { connected, disconnected, elapsed } from '../../stages/1-client/link.js'
import { majority } from '../../stages/2-naive-replication/quorum.js'
import { committed } from '../../stages/4-log-replication/commit.js'
import { matchIndexOf } from '../../stages/4-log-replication/progress.js'
import logReplication from '../../stages/4-log-replication/stage.js'
import { answeredDuringElection } from '../../stages/6-leader-election/follow-leader.js'
import type { InstallSnapshot } from '../../stages/7-log-compaction/messages.js'
import logCompaction from '../../stages/7-log-compaction/stage.js'
import { answeredByMember } from '../../stages/8-membership/learn-members.js'
import membership from '../../stages/8-membership/stage.js'
import { nodeOptions } from '../helpers/core.js'
import { Cores, timing } from '../helpers/cores.js'
import { adding, apart, outcome, pass, passUntil, together } from '../helpers/members.js'

const { electionTicks } = timing
const three = ['n1', 'n2', 'n3']
const write = { command: 'set', key: 'a', value: '1' }

t.test('client: beside a silent address, a connection that was begun is waited for', async () => {
  const open = client({ ...defaultClientOptions, addresses: ['A', 'B', 'C'] })
  call(open, write, { readOnly: false })
  elapsed(open, 250)
  same(take(open).connect, ['A', 'B'])
  call(open, write, { readOnly: false })
  same([take(open).connect, open.wakeAt], [[], 500], 'the second call begins no third connection')
})

t.test('client: beside a silent address, one that was left alone is tried when its pause is over', async () => {
  const open = client({ ...defaultClientOptions, addresses: ['A', 'B'] })
  call(open, write, { readOnly: false })
  elapsed(open, 250)
  disconnected(open, 'B', 'refused')
  same(take(open).connect, ['A', 'B'])
  elapsed(open, 275)
  same(take(open).connect, ['B'])
})

t.test('client: an answer without a number is nobody’s', async () => {
  const open = client({ ...defaultClientOptions, addresses: ['A'] })
  call(open, write, { readOnly: false })
  connected(open, 'A')
  take(open)
  for (const answered of [answeredDuringElection, answeredByMember])
    answered(open, 'A', 'x', failure('no_leader', 'an election goes on'))
  same([take(open).settle, open.calls.size], [[], 2], 'the call still waits, and so does the greeting')
})

t.test('client: members that are no list teach nothing', async () => {
  const open = client({ ...defaultClientOptions, addresses: ['A'] })
  const id = call(open, { command: 'members' }, { readOnly: true })
  connected(open, 'A')
  answeredByMember(open, 'A', id, { ok: true, members: 'B' })
  same(open.addresses, ['A'])
})

t.test('where nobody is a member, nothing is committed; who is no follower has nothing of the log', async () => {
  same([committed(majority([]), [], () => 7), matchIndexOf(undefined)], [0, 0])
})

t.test('a leader refuses requests when too many entries wait for a majority', async (t) => {
  const cores = new Cores(logReplication)
  cores.elect('n1')
  cores.take()
  const before = cores.replies('n1').length
  for (let asked = 0; asked < 65_536; asked++) cores.request('n1')
  equal(cores.replies('n1').length, before)
  const refused = cores.answer('n1', cores.request('n1'))
  t.match(refused, { error: { code: 'overloaded', message: /^65536 entries/ } })
})

t.test('stage 7 refuses a snapshot with what only a later stage keeps in one', async () => {
  throws(() => logCompaction.create(nodeOptions('n1')).restored(['sessions']), /only a later stage/)
})

t.test('a piece for which there is no room is asked for again', async () => {
  const core = logCompaction.create(nodeOptions('n3'))
  const snapshot = { lastIncludedIndex: 6, lastIncludedTerm: 2, bytes: 9, sha256: 'ab'.repeat(32) }
  const piece = (sequence: number): InstallSnapshot => ({
    ...{ type: 'InstallSnapshot', from: 'n1', to: 'n3', term: 2 },
    ...{ sequence, ...snapshot, offset: 0, data: new Uint8Array(4) },
  })
  core.receive(piece(1))
  equal(core.take().keepChunks.length, 1)
  core.held({ chunk: piece(1), bytes: null })
  same(core.take().sendWhenDurable, [], 'the leader hears nothing, and sends it again')
  core.receive(piece(2))
  equal(core.take().keepChunks.length, 1)
})

t.test('a change that names nobody who is known is asked of the leader', async () => {
  const cores = together(membership, three)
  const asked = cores.request('n2', { command: 'reconfigure', voters: ['n1', 'n9'] })
  equal(outcome(cores.answer('n2', asked)), 'not_leader')
})

t.test('who calls a change off a second time is answered with the first', async () => {
  const cores = together(membership, three)
  const request = cores.request('n1', adding('n4'))
  passUntil(cores, () => cores.status('n1').outgoing !== undefined)
  const cancels = [1, 2].map(() => cores.request('n1', { command: 'cancel_change' }))
  pass(cores, 2 * electionTicks)
  equal(outcome(cores.answer('n1', request)), 'change_cancelled')
  for (const cancel of cancels) equal(outcome(cores.answer('n1', cancel)), 'ok')
})

t.test('a member that moves, and falls silent at its old address meanwhile, is asked at its new one', async () => {
  const cores = together(membership, three)
  const peerOfN2 = () => cores.connected('n1')?.find(({ id }) => id === 'n2')?.peer
  const moved = { client: '127.0.0.1:77', peer: '127.0.0.1:78' }
  cores.request('n1', adding('n2', moved))
  pass(cores, 1, ['n1', 'n3'])
  equal(peerOfN2(), '127.0.0.1:102')
  pass(cores, electionTicks, ['n1', 'n3'])
  equal(peerOfN2(), moved.peer)
})

/** The answer of a node that is asked to found a cluster. */
function foundingAnswer(cores: Cores, id: string, members: readonly string[] = []): string {
  const request = cores.request(id, { command: 'found_cluster', members: [...members] })
  const answer = cores.answer(id, request)
  return answer?.ok === false ? answer.error.message : String(answer)
}

t.test('a node says why it founds no cluster', async (t) => {
  const blank = apart(membership)
  t.match(foundingAnswer(blank, 'n2', ['n3=127.0.0.1:2/127.0.0.1:102']), /n3|address|same/)
  blank.request('n2', { command: 'found_cluster', members: ['n3=127.0.0.1:3/127.0.0.1:103'] })
  t.match(foundingAnswer(blank, 'n2'), /is founding a cluster already/)
  const cores = together(membership, three)
  const conflict = { type: 'AppendEntries', from: 'n1', to: 'n5', term: 9, sequence: 1, leaderCommit: 0, entries: [] }
  cores.receive({ ...conflict, prevLogIndex: 5, prevLogTerm: 9, origin: 'n1' })
  t.match(foundingAnswer(cores, 'n5'), /hears n1, which leads a cluster/)
  cores.receive({ type: 'Removed', from: 'n1', to: 'n6', index: 99, origin: 'n1' })
  t.match(foundingAnswer(cores, 'n6'), /has heard of a cluster/)
})

t.test('a foreigner is reported once', async () => {
  const core = membership.create(nodeOptions('n1'))
  core.take()
  const foreigner = { id: 'n9', origin: 'elsewhere', incarnation: 'x' }
  for (let time = 0; time < 2; time++) core.foreign(foreigner)
  equal(core.take().events.filter(({ event }) => event === 'foreign_cluster').length, 1)
})

t.test('a foreigner that nobody takes in ends no change', async () => {
  const cores = together(membership, three)
  const request = cores.request('n1', adding('n4'))
  cores.receive({ type: 'Introduce', from: 'n7', to: 'n1', origin: 'elsewhere' })
  pass(cores, 2 * electionTicks)
  equal(outcome(cores.answer('n1', request)), 'ok')
})
