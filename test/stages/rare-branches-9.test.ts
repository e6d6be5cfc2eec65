/** Branches of stage 9 that no seed and no other test in its own process takes, each taken here by hand. */
import { equal, notEqual, deepStrictEqual as same, throws } from 'node:assert/strict'
import t from 'tap'
import { commandPayload, failure } from '../../src/contracts.js'
import { scan } from '../../stages/0-key-value-store/scan.js'
import { defaultClientOptions, take } from '../../stages/1-client/client.js'
import { connected } from '../../stages/1-client/link.js'
import { printOf } from '../../stages/9-client-interaction/command-print.js'
import { envelopes } from '../../stages/9-client-interaction/envelope.js'
import { ageOf } from '../../stages/9-client-interaction/freshness.js'
import { interactionDoubts } from '../../stages/9-client-interaction/messages.js'
import { callInSession } from '../../stages/9-client-interaction/number-calls.js'
import { performOnce } from '../../stages/9-client-interaction/perform-once.js'
import { tellIndexes } from '../../stages/9-client-interaction/propose-call.js'
import { answeredInSession } from '../../stages/9-client-interaction/repeat.js'
import { giveUpReads } from '../../stages/9-client-interaction/serve-reads.js'
import { callsAtOnce } from '../../stages/9-client-interaction/session.js'
import { isSession } from '../../stages/9-client-interaction/session-call.js'
import { sessionClient } from '../../stages/9-client-interaction/session-client.js'
import { SessionTable } from '../../stages/9-client-interaction/session-table.js'
import { learnReaders, notePage, spreadRead } from '../../stages/9-client-interaction/spread-reads.js'
import { findStage, latest } from '../../stages/index.js'

const write = { command: 'set', key: 'a', value: '1' }
const read = { command: 'get', key: 'a' }
const open = (options = {}) => sessionClient({ ...defaultClientOptions, addresses: ['A', 'B'], ...options })

t.test('latest is the name of the last stage', async () => equal(findStage('latest'), latest))

t.test('a scan refuses a page that it cannot read, also one that no check has seen', async () => {
  const { value } = scan({} as never, { command: 'scan', page: 'no page' }).next()
  equal((value as { ok: boolean }).ok, false)
})

t.test('prints: of bytes, and of what is longer than what counts', async () => {
  notEqual(printOf(new Uint8Array([1])), printOf(new Uint8Array([2])))
  notEqual(printOf(`${'a'.repeat(40)}b`), printOf(`${'a'.repeat(40)}c`))
  equal(printOf(`${'a'.repeat(40)}b`), printOf(`${'a'.repeat(40)}b`))
})

t.test('an envelope: what is no call waits for none', async () => {
  equal(envelopes.write.check({ firstOutstanding: 1 }).ok, false)
})

t.test('a payload from the wire that is no call, and no event of a session', async () => {
  for (const call of ['x', [1, 1, 1], [0, 1, 1, 1]]) equal(isSession({ kind: 'command', command: write, call }), false)
  for (const session of ['x', { event: 'open' }]) equal(isSession({ kind: 'session', session } as never), false)
})

t.test('a snapshot that holds other values than a table', async () => {
  throws(() => SessionTable.from(['x']), /no table of sessions/)
})

t.test('a copy of a call is answered with the index of the first', async () => {
  const sessions = new SessionTable()
  sessions.perform(1, { event: 'open', time: 0 })
  const payload = commandPayload(write, [1, 1, 1, 0])
  const perform = (index: number) => {
    const entry = { index, payload, fields: { index } }
    performOnce({ sessions } as never, entry as never)
    return entry.fields
  }
  same([perform(2), perform(3)], [{ index: 2 }, { index: 2 }])
})

t.test('a leader that was deposed forgets who wanted an index', async () => {
  const node = { role: 'follower', indexWanted: new Set([3]), effects: { apply: [] } }
  tellIndexes(node as never)
  equal(node.indexWanted.size, 0)
})

t.test('a stale answer of a leader is as old as its majority', async () => {
  const quorum = { has: (nodes: ReadonlySet<string>) => nodes.size >= 2 }
  const heardAt = new Map([['n2', 5]])
  const place = { id: 'n1', role: 'leader', leader: 'n1', peers: ['n2', 'n3'], quorumSince: 0 }
  same(ageOf({ ...place, heardAt, quorum, ticks: 9, timing: { tickMs: 10 } } as never), { ageMs: 40 })
})

t.test('nobody confirms a round that was not begun', async () => {
  const doubt = interactionDoubts.LeaderConfirmed.at(-1)!
  const node = { role: 'leader', term: 1, lastRound: 2 } as never
  equal(doubt(node, { term: 1, round: 3 } as never), 'it confirms round 3, and was asked in 2')
  equal(doubt(node, { term: 1, round: 2 } as never), null)
})

t.test('a read whose round nobody answers is refused in the end', async () => {
  const pending = (since: number) => ({ request: since, command: read, since })
  const node = {
    ...{ role: 'leader', ticks: 100, timing: { heartbeatTicks: 1, requestTimeoutTicks: 50 } },
    ...{ fresh: [], ready: [], round: { reads: [pending(10), pending(90)] }, question: null, effects: { replies: [] } },
  }
  giveUpReads(node as never)
  same([node.round.reads.length, node.effects.replies.length], [1, 1])
})

t.test('a session takes no more calls at once than a node remembers', async () => {
  const client = open()
  client.session = { state: 'open', name: 7 }
  for (let count = 0; count < callsAtOnce + 1; count++)
    callInSession(client, write, { readOnly: false, ofApplication: true })
  same([client.numbered.size, client.held.length], [callsAtOnce, 1])
})

t.test('an answer without a number changes nothing in a session', async () => {
  const client = open()
  connected(client, 'A')
  answeredInSession(client, 'A', 'x', failure('no_leader', 'nobody leads'))
  same(take(client).settle, [])
})

t.test('reads to any node open a connection to each; one that names its node goes there', async () => {
  const client = open({ reads: 'any' })
  spreadRead(client, read, { readOnly: true })
  same(take(client).connect, ['A', 'B'])
  const id = spreadRead(client, read, { readOnly: true, at: 'B' })
  equal(client.calls.get(id)?.address, 'B')
})

t.test('learners that stay answer reads in their turn; one that is on its way does not', async () => {
  const client = open({ reads: 'any' })
  const learner = (address: string, stays: object) => ({ id: address, client: address, role: 'learner', ...stays })
  learnReaders(client, { ok: true, members: [learner('L', { stays: true }), learner('N', {})] })
  spreadRead(client, read, { readOnly: true })
  same(take(client).connect, ['A', 'B', 'L'])
  for (const address of ['A', 'B', 'L']) client.links.set(address, { ...client.links.get(address)!, state: 'open' })
  const asked = [1, 2, 3].map(() => client.calls.get(spreadRead(client, read, { readOnly: true }))?.address)
  same(asked.sort(), ['A', 'B', 'L'])
})

t.test('a client remembers the latest pages, and no leader that a list does not name', async () => {
  const client = open()
  for (let page = 1; page <= 70; page++) notePage(client, 'A', { ok: true, page: `p${page}` })
  same([client.pages.has('p1'), client.pages.has('p70')], [false, true])
  const before = client.preferred
  learnReaders(client, { ok: true, members: 'x' })
  equal(client.preferred, before)
})
