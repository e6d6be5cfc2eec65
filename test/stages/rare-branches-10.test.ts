/** Branches of stages 8 to 10 that no seed and no other test in its own process takes, each taken here by hand. */
import { equal, match, deepStrictEqual as same } from 'node:assert/strict'
import t from 'tap'
import { failure } from '../../src/contracts.js'
import { defaultClientOptions } from '../../stages/1-client/client.js'
import { hear } from '../../stages/1-client/link.js'
import { foundCluster } from '../../stages/8-membership/found.js'
import { ageOf } from '../../stages/9-client-interaction/freshness.js'
import { sessionClient } from '../../stages/9-client-interaction/session-client.js'
import { noteDelay, spreadRead } from '../../stages/9-client-interaction/spread-reads.js'
import { hearSum, sumResults } from '../../stages/10-production/compare-results.js'
import { productionEnvelopes } from '../../stages/10-production/envelope.js'
import { proposeBehind } from '../../stages/10-production/guard.js'
import { offerToLead } from '../../stages/10-production/prefer.js'
import { wishSnapshot } from '../../stages/10-production/snapshot-now.js'
import { answerForwarded, tellRefusals } from '../../stages/10-production/take-forward.js'

const effects = () => ({ events: [] as object[], replies: [] as object[], send: [] as object[] })

t.test('an envelope: fields that do not go together', async () => {
  const { check } = productionEnvelopes.write
  equal(check({ forward: 'yes' }).ok, false)
  equal(check({ session: 1, sequence: 1, firstOutstanding: 1, prevLogIndex: 3 }).ok, false)
  equal(check({ prevLogIndex: 3, prevLogTerm: 0 }).ok, false)
})

t.test('a guard without a term names the place by its index alone', async () => {
  const log = { last: { index: 2, term: 1 }, termAt: () => undefined }
  const node = { role: 'leader', log, effects: effects() }
  proposeBehind(node as never, { id: 1, command: {}, envelope: { prevLogIndex: 9 } } as never)
  match(JSON.stringify(node.effects.replies), /the log has no entry 9; its last is 2/)
})

t.test('who is not preferred, does not follow, hears no leader or has just offered, offers nothing', async () => {
  const place = { id: 'n1', role: 'follower', leader: 'n2', priority: 1, ticks: 10, timing: { electionTicks: 10 } }
  for (const other of [{ priority: 0 }, { role: 'candidate' }, { leader: null }, { ticks: 11 }]) {
    const node = { ...place, ...other, effects: effects() }
    offerToLead(node as never)
    same(node.effects.send, [])
  }
})

t.test('nobody takes a snapshot of nothing', async () => {
  const node = { handed: 0, snapshotWishes: [], effects: effects() }
  wishSnapshot(node as never, { id: 1 } as never)
  match(JSON.stringify(node.effects.replies), /nothing is committed so far/)
})

t.test('results: those behind what is performed wait, and a leader remembers so many windows', async () => {
  const performing = [1, 2, 3].map((index) => ({ index, result: { answer: { ok: true } } }))
  const sums = { performing, window: { upTo: 0, sum: 0 }, since: 1, heard: new Map(), verdict: null }
  const quorum = { has: (nodes: ReadonlySet<string>) => nodes.size >= 2 }
  const members = [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }]
  const node = { id: 'n1', role: 'leader', leader: 'n1', term: 1, members, quorum, timing: { compareEntries: 4 } }
  const place = { ...node, sums, effects: effects() }
  sumResults(place as never, 2)
  same(
    place.sums.performing.map(({ index }) => index),
    [3],
  )
  for (let index = 4; index <= 80; index += 4) hearSum(place as never, { from: 'n2', index, sum: 1 } as never)
  same([place.sums.heard.size, place.sums.heard.has(4)], [16, false])
})

t.test(
  'an answer to a request that nobody passed on goes nowhere; an entry without an answer is told as lost',
  async () => {
    const node = { id: 'n1', term: 1, taken: { open: new Map(), performing: [] as number[] }, effects: effects() }
    node.effects.replies.push({ request: -1, answer: failure('no_leader', 'nobody leads') })
    tellRefusals(node as never)
    same([node.effects.replies, node.effects.send], [[], []])
    node.taken.open.set(-2, { from: 'n2', life: 1, number: 1, index: 3, result: { answer: null } })
    node.taken.performing.push(-2)
    answerForwarded(node as never, 3)
    match(JSON.stringify(node.effects.send), /leadership_lost/)
  },
)

t.test('a stale answer of a leader: alone it is new; nobody heard counts from the election', async () => {
  const place = { id: 'n1', role: 'leader', leader: 'n1', peers: ['n2', 'n3'], ticks: 9, timing: { tickMs: 10 } }
  const atLeast = (count: number) => ({ has: (nodes: ReadonlySet<string>) => nodes.size >= count })
  const age = (count: number) =>
    ageOf({ ...place, heardAt: new Map(), quorum: atLeast(count), quorumSince: 4 } as never).ageMs
  same([age(1), age(2), age(9)], [0, 50, 50])
})

t.test('reads to the nearest go to all in turn now and then; what was not sent has no delay', async () => {
  const client = sessionClient({ ...defaultClientOptions, addresses: ['A', 'B', 'C'], reads: 'nearest' })
  for (const address of ['A', 'B', 'C']) hear(client, address)
  const asked = new Set<string>()
  for (let count = 0; count < 40; count++) {
    const id = spreadRead(client, { command: 'get', key: 'a' }, { readOnly: true })
    asked.add(client.calls.get(id)!.address)
  }
  same([...asked].sort(), ['A', 'B', 'C'])
  noteDelay(client, { id: 99_999 } as never, 'A')
  equal(client.delays.size, 0)
})

t.test('a founder that has heard of a later term goes on behind it', async () => {
  const terms: number[] = []
  const last = { index: 0, term: 0 }
  const append = (entry: { term: number }) => void terms.push(entry.term)
  const node = {
    id: 'n1',
    self: { id: 'n1', incarnation: 'd' },
    founders: [{ id: 'n1' }],
    founding: new Map(),
    term: 7,
  }
  foundCluster({ ...node, log: { last, append }, effects: { ...effects(), persist: null } } as never)
  same(terms, [8])
})
