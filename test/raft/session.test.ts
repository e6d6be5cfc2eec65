/** Sessions of programs: each command is done once, at whatever node, and whoever leads. */
import t from 'tap'
import type { RaftError } from '../../client/raft/index.js'
import { CallNumbers } from '../../client/raft/session.js'
import { counting, followersOf, happened, leaderOf, peersOf } from './nodes.js'

const patient = { deadlineMs: 60_000 }

t.test('a session at each node counts each command once, while leadership moves and a leader ends', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const doomed = leaderOf(nodes)
  const others = followersOf(nodes)
  const sessions = await Promise.all(others.map((node) => node.session(patient)))
  t.equal(new Set(sessions.map(({ id }) => id)).size, 2)
  const calls = sessions.flatMap((session) =>
    Array.from({ length: 100 }, async (_, at) => {
      if (at === 50) void doomed.close({ drainMs: 0 })
      return session.propose({ add: 1 }, patient)
    }),
  )
  const results = (await Promise.all(calls)).map(({ result }) => result)
  t.same(
    results.toSorted((a, b) => a - b),
    Array.from({ length: 200 }, (_, at) => at + 1),
    'each result is there once',
  )
  t.match(await others[0]!.read('total', patient), { answer: 200 })
})

t.test('a command is asked again until the deadline ends: only then its outcome is unknown', async (t) => {
  const nodes = await counting(t, await peersOf(2))
  const [leader, follower] = [leaderOf(nodes), followersOf(nodes)[0]!]
  const session = await leader.session(patient)
  t.match(await session.tryPropose({ add: 1 }, patient), { outcome: 'done', result: 1 })
  await follower.close({ drainMs: 0 })
  // Without a majority the rules answer after two seconds that they do not know: the session asks on.
  const outcome = await session.tryPropose({ add: 1 }, { deadlineMs: 3_500 })
  t.match(outcome, { outcome: 'unknown' })
  const signal = AbortSignal.abort()
  t.match(await session.tryPropose({ add: 1 }, { signal }), { outcome: 'refused', error: { code: 'aborted' } })
  await leader.close({ drainMs: 0 })
  t.match(await session.tryPropose({ add: 1 }), { outcome: 'refused', error: { code: 'closed' } })
})

t.test('a session that does not exist is refused, and nothing was done', async (t) => {
  const [node] = await counting(t, await peersOf(1))
  const session = await node!.session(patient)
  const other = Object.assign(await node!.session(patient), {})
  t.not(session.id, other.id)
  const wrong = await session.tryPropose({ add: Number.NaN })
  t.match(wrong, { outcome: 'refused', error: { code: 'bad_command' } as RaftError })
  t.match(await session.propose({ add: 2 }, patient), { result: 2 }, 'a refused command takes no number away')
})

t.test('so many calls of a session are under way at once, and the next ones wait', async (t) => {
  const numbers = new CallNumbers(2)
  t.equal(numbers.firstOutstanding, 1)
  t.same([await numbers.begin(), await numbers.begin()], [1, 2])
  let third = 0
  const begun = numbers.begin().then((number) => {
    third = number
  })
  numbers.end(2)
  await Promise.resolve()
  t.same([third, numbers.firstOutstanding], [0, 1], 'the first is waited for still')
  numbers.end(1)
  await begun
  t.same([third, numbers.firstOutstanding], [3, 3])
})

t.test('changes of members and hand-overs may be asked of any node', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const [asked, other] = followersOf(nodes)
  const before = leaderOf(nodes)
  t.equal(await asked!.transferLeadership(other!.id, patient), other!.id)
  t.equal(await asked!.untilLeader(), other!.id)
  await asked!.removeMember(before.id, patient)
  while (asked!.status.voters.length > 2) await happened(asked!, 'members')
  t.same([...asked!.status.voters].sort(), [asked!.id, other!.id].sort())
  await t.rejects(asked!.removeMember('n9', patient), { code: 'bad_request' })
  const elsewhere = followersOf([asked!, other!])[0]!
  await t.rejects(elsewhere.transferLeadership('n9', patient), { code: 'bad_request' })
  await t.rejects(elsewhere.transferLeadership(undefined, { ...patient, forward: false }), { code: 'not_leader' })
})
