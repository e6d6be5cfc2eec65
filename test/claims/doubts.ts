import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { type Command, commandPayload, makeEntry } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'

const believed = 2 ** 40

function beatOf(term: number, more: object = {}): AnyMessage {
  const nothing = { prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, entries: [] }
  return { type: 'AppendEntries', from: 'n2', to: 'n3', term, sequence: 1, ...nothing, ...more }
}

const doubtedBy = (cores: Cores, id: string) =>
  cores.events(id).flatMap(({ event, from, type }) => (event === 'message_refused' ? [[from, type]] : []))

const appendsTo = (cores: Cores, to: string) =>
  cores.air.filter((message) => message.type === 'AppendEntries' && message.to === to)

/** Five nodes that n1 leads, and a write that all have heard of. */
function served(stage: Stage): Cores {
  const cores = led(stage)
  cores.request('n1')
  cores.run()
  return cores
}

/** A follower in this term. */
function inTerm(stage: Stage, term: number): Cores {
  return new Cores(stage, { n3: { log: [1], term } })
}

/** What comes over the wire is held against what can be: a message that cannot is dropped, and told once. */
export const doubtClaims: Claims = {
  'a term that no node can have reached is not believed: elections end as before, and it is told once (§5.1)'(stage) {
    const cores = led(stage)
    const terms = () => cores.ids.map((id) => cores.status(id).term)
    const before = terms()
    for (const wrong of [believed + 10, 2 ** 52])
      for (const id of cores.ids.slice(2)) cores.receive(beatOf(wrong, { to: id }))
    cores.receive({ ...beatOf(2 ** 52), from: 'n3', to: 'n1' })
    same(terms(), before)
    same(doubtedBy(cores, 'n3'), [['n2', 'AppendEntries']])
    const request = cores.request('n1')
    cores.run()
    same(cores.performed('n1'), [request])
  },
  'a term that is far ahead, and can have been reached, is believed (§5.1)'(stage) {
    const cores = inTerm(stage, 1)
    cores.receive(beatOf(believed))
    same([cores.status('n3').term, doubtedBy(cores, 'n3')], [believed, []])
  },
  'where terms are enormous already, one is believed that is a million ahead, and not more'(stage) {
    for (const [ahead, isBelieved] of [
      [1, true],
      [1_000_000, true],
      [1_000_001, false],
    ] as const) {
      const cores = inTerm(stage, believed)
      cores.receive(beatOf(believed + ahead))
      equal(cores.status('n3').term === believed + ahead, isBelieved, `${ahead}`)
    }
  },
  'an answer about more than the log of the leader has is not counted: nothing is committed that is nowhere'(stage) {
    const cores = served(stage)
    const { term, log } = cores.status('n1')
    const matchIndex = log!.last + 5
    for (const from of ['n2', 'n3'])
      cores.receive({ type: 'AppendEntriesReply', from, to: 'n1', term, sequence: 1, matchIndex } as AnyMessage)
    same(doubtedBy(cores, 'n1'), [
      ['n2', 'AppendEntriesReply'],
      ['n3', 'AppendEntriesReply'],
    ])
    const request = cores.request('n1')
    equal(cores.status('n1').commit, log!.last)
    cores.run()
    same(cores.performed('n1').at(-1), request)
  },
  'an answer to a message that is still to come is not heard: the one under way is waited for'(stage) {
    const cores = served(stage)
    const { term, log } = cores.status('n1')
    cores.request('n1')
    const reply = { type: 'AppendEntriesReply', from: 'n2', to: 'n1', term, matchIndex: log!.last }
    cores.receive({ ...reply, sequence: 10_000 })
    cores.request('n1')
    equal(appendsTo(cores, 'n2').length, 1)
    same(doubtedBy(cores, 'n1'), [['n2', 'AppendEntriesReply']])
  },
  'a refusal of an entry that was never sent is not heard'(stage) {
    const cores = served(stage)
    const { term, log } = cores.status('n1')
    const index = log!.last + 10
    const refusal = { type: 'AppendEntriesConflict', from: 'n2', to: 'n1', term, sequence: 1, conflictTerm: null }
    cores.receive({ ...refusal, prevLogIndex: index, conflictIndex: index })
    same(doubtedBy(cores, 'n1'), [['n2', 'AppendEntriesConflict']])
  },
  'an answer of an earlier term is not doubted: the log may have been longer then'(stage) {
    const cores = led(stage)
    const { term } = cores.status('n1')
    const late = { type: 'AppendEntriesReply', from: 'n2', to: 'n1', term: term! - 1, sequence: 900, matchIndex: 900 }
    cores.receive(late)
    same(doubtedBy(cores, 'n1'), [])
  },
  'an entry whose command lacks a field, or has another, passes no wire: a follower could not perform it'(stage) {
    const passes = (command: Command) =>
      stage.messages.AppendEntries!.check(beatOf(1, { entries: [makeEntry(1, 1, commandPayload(command))] }))
    ok(passes({ command: 'append', key: 'k', value: 'v' }))
    for (const fields of [
      {},
      { key: 'k' },
      { key: 7, value: 'v' },
      { key: 'k', value: null },
      { key: 'k', value: '', x: 1 },
    ])
      ok(!passes({ command: 'append', ...fields }), JSON.stringify(fields))
  },
}

/** The same for snapshots. */
export const snapshotDoubtClaims: Claims = {
  'a snapshot that ends otherwise than what was committed is not kept (§7)'(stage) {
    const cores = new Cores(stage, { n3: { log: [1, 2, 2], term: 2 } })
    cores.receive(beatOf(2, { prevLogIndex: 3, prevLogTerm: 2, leaderCommit: 3 }))
    cores.take()
    cores.receive(pieceOf({ lastIncludedIndex: 2, lastIncludedTerm: 1 }))
    same([doubtedBy(cores, 'n3'), cores.log('n3')], [[['n2', 'InstallSnapshot']], [1, 2, 2]])
  },
  'an answer about more of a snapshot than there is of it, or than was sent, is not heard (D4)'(stage) {
    const past = {
      snapshots: [
        { index: 6, term: 2 },
        { index: 3, term: 1 },
      ],
      log: [2, 2, 2],
    }
    for (const wrong of [{ held: 10_000 }, { matchIndex: 7 }, { sequence: 10_000 }]) {
      const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: { log: [1] } })
      cores.elect('n1', ['n1', 'n2', 'n3', 'n4'])
      cores.tick('n1', timing.heartbeatTicks)
      cores.deliver({ from: 'n1', to: 'n5' })
      cores.deliver({ from: 'n5', to: 'n1' })
      cores.deliver({ type: 'InstallSnapshot' })
      const [reply] = cores.take({ type: 'InstallSnapshotReply' }) as [AnyMessage]
      cores.receive({ ...reply, ...wrong })
      equal(cores.air.filter(({ type }) => type === 'InstallSnapshot').length, 0, JSON.stringify(wrong))
      same(doubtedBy(cores, 'n1'), [['n5', 'InstallSnapshotReply']])
      cores.receive(reply)
      cores.run()
      same(cores.restored('n5'), [6])
    }
  },
}

function pieceOf(edge: object): AnyMessage {
  const file = { bytes: 4, sha256: '0'.repeat(64), offset: 0, data: new Uint8Array(4) }
  return { type: 'InstallSnapshot', from: 'n2', to: 'n3', term: 2, sequence: 1, ...edge, ...file }
}
