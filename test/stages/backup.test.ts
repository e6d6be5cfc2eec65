/** The rules of backups at stage 10: a read of the whole state, and a snapshot that is kept while a client copies it. */
import { equal, match, ok, deepStrictEqual as same } from 'node:assert/strict'
import t from 'tap'
import type { Answer, Snapshot } from '../../src/contracts.js'
import { holdCopied, serveReadOrBackup, tellPiece } from '../../stages/10-production/backup.js'
import production from '../../stages/10-production/stage.js'
import { led } from '../claims/replication.js'
import { type Cores, timing } from '../helpers/cores.js'

/** Five nodes, of which n1 leads and has committed some entries. */
function written(entries = 2): Cores {
  const cores = led(production)
  for (let at = 0; at < entries; at++) cores.request('n1')
  cores.run()
  cores.tick('n1', timing.heartbeatTicks)
  cores.run()
  return cores
}

const indexOf = (answer: Answer | null) => (answer?.ok ? Number(answer.index) : 0)

t.test('a backup waits for its read index, then for a snapshot that holds all entries up to there', async () => {
  const cores = written()
  const { commit } = cores.status('n1')
  const request = cores.request('n2', { command: 'backup' })
  equal(cores.saving('n2'), null, 'nobody has confirmed the leader')
  cores.run()
  ok(cores.saving('n2')!.index >= commit!, 'what was committed when it was asked')
  equal(cores.answer('n2', request), null, 'the snapshot is not on the disk yet')
  cores.save('n2')
  const answer = cores.answer('n2', request)
  ok(indexOf(answer) >= commit!)
  ok(answer?.ok)
  equal(typeof answer.sha256, 'string')
  const [piece] = [{ command: 'backup_piece', index: indexOf(answer), term: Number(answer.term), offset: 0, length: 8 }]
  const asked = cores.request('n2', piece)
  const reply = cores.replies('n2').find((one) => one.request === asked)!
  same(reply.piece, { snapshot: { index: piece!.index, term: piece!.term }, offset: 0, length: 8 })
})

t.test('a stale backup asks nobody; one without a leader is not answered', async () => {
  const cores = written()
  const stale = cores.request('n3', { command: 'backup', consistency: 'stale' })
  ok(cores.saving('n3'), 'nobody was asked')
  cores.save('n3')
  ok(indexOf(cores.answer('n3', stale)) > 0)
  cores.request('n1')
  cores.run()
  const cutOff = cores.request('n3', { command: 'backup' })
  cores.air.splice(0)
  equal(cores.saving('n3'), null)
  equal(cores.answer('n3', cutOff), null)
})

t.test('a snapshot that is there already is used', async () => {
  const cores = written()
  const first = cores.request('n1', { command: 'backup' })
  cores.run()
  cores.save('n1')
  const second = cores.request('n1', { command: 'backup' })
  cores.run()
  equal(cores.saving('n1'), null)
  same(cores.answer('n1', second), cores.answer('n1', first))
})

const snapshot = (index: number): Snapshot => ({ index, term: 1, bytes: 10 * index, sha256: 'aa' })

/** A node as these rules see it. */
function nodeWith(snapshots: readonly Snapshot[], copied: readonly Snapshot[] = []) {
  return {
    ...{ ticks: 0, handed: 9, timing: { requestTimeoutTicks: 10 }, snapshots, snapshotWishes: [] as unknown[] },
    copies: new Map(copied.map((one) => [one.index, { snapshot: one, askedAt: 0 }])),
    ...{ heldCopies: '', beingSent: [], transfers: new Map() },
    log: { configurationAt: () => ({ configuration: { origin: 'o', voters: [], outgoing: null, learners: [] } }) },
    effects: { replies: [] as { answer: Answer; piece?: unknown }[], hold: null as unknown },
  }
}

const asked = (index: number) => ({ id: 7, command: { command: 'backup_piece', index, term: 1, offset: 0, length: 8 } })

t.test('what is copied is kept beside the two, until its client asks no more', async () => {
  const node = nodeWith([snapshot(8), snapshot(7)], [snapshot(3)])
  holdCopied(node as never)
  same(node.effects.hold, [{ index: 3, term: 1 }])
  node.effects.hold = null
  holdCopied(node as never)
  equal(node.effects.hold, null, 'nothing has changed')
  node.ticks = 119
  tellPiece(node as never, asked(3) as never)
  ok(node.effects.replies.pop()!.piece)
  node.ticks = 121
  holdCopied(node as never)
  ok(node.copies.has(3), 'it was asked for just now')
  node.ticks = 239
  holdCopied(node as never)
  equal(node.copies.size, 0)
  same(node.effects.hold, [])
  tellPiece(node as never, asked(3) as never)
  match(JSON.stringify(node.effects.replies.pop()), /compacted.*not kept here any more/)
})

t.test('a node that started again goes on with the copy of a snapshot that it has', async () => {
  const node = nodeWith([snapshot(8)])
  tellPiece(node as never, asked(8) as never)
  ok(node.effects.replies.pop()!.piece)
  ok(node.copies.has(8))
  const full = nodeWith([snapshot(8)], [1, 2, 3, 4].map(snapshot))
  tellPiece(full as never, asked(8) as never)
  ok(full.effects.replies.pop()!.piece, 'it is told, and not kept for long')
  ok(!full.copies.has(8))
})

t.test('four at a time; and nothing to copy where nothing is committed', async () => {
  const read = { request: 7, command: null, isStale: true, withIndex: false, since: 0, index: 0, isBackup: true }
  const full = nodeWith([snapshot(9)], [1, 2, 3, 4].map(snapshot))
  serveReadOrBackup(full as never, read as never)
  const [wish] = full.snapshotWishes as { answer: (node: unknown, snapshot: Snapshot) => Answer }[]
  match(JSON.stringify(wish!.answer(full, snapshot(9))), /overloaded.*4 backups are being copied/)
  ok(wish!.answer(full, snapshot(4)).ok, 'another client copies the same')
  const blank = { ...nodeWith([]), handed: 0 }
  serveReadOrBackup(blank as never, read as never)
  match(JSON.stringify(blank.effects.replies), /nothing is committed so far/)
})
