/** The channel of a node, on real nodes. */
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Channel, ChannelRequest, ChannelResponse, RaftNode } from '../../client/raft/index.js'
import { bytesCodec, createNode, jsonCodec } from '../../client/raft/index.js'
import { followersOf, leaderOf, listing, listingCluster, peersOf, settingsOf } from './nodes.js'
import { countOn } from './sharing.js'
import { naturals } from './tally.js'

/** A channel with its ends at hand. */
function ends<C>(t: Test, node: Pick<RaftNode<C, unknown>, 'channel'>, options?: { from: number }) {
  const { requests, responses }: Channel<C> = node.channel(options)
  const writer = requests.getWriter()
  const reader = responses.getReader()
  t.teardown(() => reader.cancel().catch(() => {}))
  const next = async () => (await reader.read()).value as ChannelResponse<C>
  return { writer, reader, next, ask: (request: ChannelRequest<C>) => writer.write(request).then(next) }
}

/** The next response that is no other program's. */
async function own<C>(next: () => Promise<ChannelResponse<C>>): Promise<ChannelResponse<C>> {
  for (;;) {
    const response = await next()
    if (response.id !== null) return response
  }
}

t.test('what a program appends is told at every node, in the order of the log: by its name, or by none', async (t) => {
  const nodes = await listingCluster(t, 3)
  const channels = nodes.map((node) => ends<number>(t, node))
  for (const [at, { writer }] of channels.entries())
    await writer.write({ id: `by ${at}`, type: 'AppendEntries', entries: [at, at + 10] })
  await nodes[0]!.propose(99, { deadlineMs: 60_000 })
  const told = await Promise.all(
    channels.map(async ({ next }) => [await next(), await next(), await next(), await next()]),
  )
  const [first] = told
  for (const [at, responses] of told.entries()) {
    t.same(
      responses.map((one) => 'entries' in one && one.entries),
      first!.map((one) => 'entries' in one && one.entries),
    )
    const names = responses.map(({ id }) => id).filter((id) => id !== null)
    t.same(names, [`by ${at}`])
    for (const response of responses)
      if (response.type === 'Accepted') t.match(response.entries.at(-1), { index: response.lastIndex })
  }
})

t.test('a batch is one entry: its commands have one place, and the state machine performs all of them', async (t) => {
  const [node] = (await listingCluster(t, 1)) as [RaftNode<number, number, 'all', number[]>]
  const { ask } = ends<number>(t, node)
  const response = await ask({ id: 1, type: 'AppendEntries', entries: [1, 2, 3] })
  t.match(response, { id: 1, type: 'Accepted', entries: [{ command: 1 }, { command: 2 }, { command: 3 }] })
  if (response.type !== 'Accepted') return
  t.equal(new Set(response.entries.map(({ index }) => index)).size, 1)
  t.same((await node.read('all')).answer, [1, 2, 3])
  const listed = []
  for await (const { command } of node.entries()) listed.push(command)
  t.same(listed, [1, 2, 3])
})

t.test('a guard: behind the place that is named, or not at all', async (t) => {
  const nodes = await listingCluster(t, 3)
  const [one, other] = [ends<number>(t, leaderOf(nodes)), ends<number>(t, followersOf(nodes)[0]!)]
  const first = await one.ask({ id: 1, type: 'AppendEntries', prevLogIndex: 0, prevLogTerm: 0, entries: [1] })
  t.match(first, { id: 1, type: 'Accepted' })
  const late = await other.ask({ id: 1, type: 'AppendEntries', prevLogIndex: 0, prevLogTerm: 0, entries: [2] })
  const refusal = late.id === null ? await own(other.next) : late
  t.match(refusal, { id: 1, type: 'Rejected', code: 'guard_failed' })
  if (first.type !== 'Accepted' || refusal.type !== 'Rejected') return
  t.ok(refusal.last!.index >= first.lastIndex, 'the end of the log, which may be the cluster’s own entry')
  const guard = { prevLogIndex: first.lastIndex, prevLogTerm: first.lastTerm }
  await other.writer.write({ id: 2, type: 'AppendEntries', ...guard, entries: [2] })
  t.match(await own(other.next), { id: 2, type: 'Accepted', entries: [{ command: 2 }] })
  for (const wrong of [{ prevLogTerm: 1 }, { prevLogIndex: -1 }, { prevLogIndex: 1.5 }])
    t.match(await own(() => one.ask({ id: 3, type: 'AppendEntries', ...wrong, entries: [3] })), {
      type: 'Rejected',
      code: 'bad_request',
    })
})

t.test('ranges: what is committed, up to where this node knows; and what is no range', async (t) => {
  const peers = await peersOf(1)
  const node = await createNode({ ...listing(peers, 0), timing: { snapshotEntries: 1_000 } })
  t.teardown(() => node.close())
  const places = []
  for (const command of [1, 2, 3]) places.push(await node.propose(command, { deadlineMs: 60_000 }))
  const { ask } = ends<number>(t, node)
  const range = (startIndex: number, endIndex: number) => ask({ id: 'r', type: 'IndexRange', startIndex, endIndex })
  const [first, , last] = places
  const place = { lastIndex: last!.index, lastTerm: last!.term }
  t.match(await range(1, 1_000), {
    id: 'r',
    type: 'Accepted',
    entries: [1, 2, 3].map((command) => ({ command })),
    ...place,
  })
  t.match(await range(first!.index, first!.index), { entries: [{ command: 1 }], lastIndex: first!.index })
  t.match(await range(last!.index + 1, last!.index + 9), { type: 'Accepted', entries: [], ...place })
  for (const [from, to] of [
    [0, 1],
    [2, 1],
    [1.5, 2],
    ['1', 2],
  ] as [number, number][])
    t.match(await range(from, to), { type: 'Rejected', code: 'bad_command' }, `${from} to ${to}`)
  t.match(await ask({ id: 'x', type: 'Dance' } as never), { id: 'x', type: 'Rejected', code: 'bad_command' })
  for (let round = 0; round < 3; round++) {
    await node.propose(4 + round)
    await node.snapshot()
  }
  t.match(await own(() => range(1, 2)), { type: 'Rejected', code: 'compacted' })
})

t.test('a program that begins before the log does is told what it has missed', async (t) => {
  const [node] = (await listingCluster(t, 1)) as [RaftNode<number, number, 'all', number[]>]
  for (let command = 1; command <= 3; command++) {
    await node.propose(command)
    await node.snapshot()
  }
  const { next } = ends<number>(t, node, { from: 1 })
  t.match(await next(), { id: null, type: 'Rejected', code: 'compacted' })
  await node.propose(4)
  for (;;) {
    const response = await next()
    if (response.type === 'Accepted' && response.entries[0]?.command === 4) break
  }
})

t.test('commands that cannot be replicated are rejected, and nothing is appended', async (t) => {
  const [node] = (await listingCluster(t, 1)) as [RaftNode<number, number, 'all', number[]>]
  const { ask } = ends<number>(t, node)
  const append = (entries: readonly unknown[]) => ask({ id: 1, type: 'AppendEntries', entries } as never)
  for (const wrong of [[], [1, undefined], [new Date()], [Number.NaN], Array(3_001).fill(1), 'no list'])
    t.match(await append(wrong as never), { type: 'Rejected', code: /bad_command|too_large/ })
  t.match(await append(['x'.repeat(2 ** 20)]), { type: 'Rejected', code: 'too_large' })
  t.same((await node.read('all')).answer, [])
})

t.test('commands of bytes, and commands that look like a batch', async (t) => {
  const peers = await peersOf(1)
  const bytes = await createNode({ ...listing(peers, 0), codec: bytesCodec(), machine: anything() } as never)
  const some = Uint8Array.of(1, 2, 255)
  const response = await ends(t, bytes as never).ask({ id: 1, type: 'AppendEntries', entries: [some, some] } as never)
  t.match(response, { type: 'Accepted', entries: [{ command: some }, { command: some }] })
  await (bytes as RaftNode<unknown, unknown>).close()
  const node = await createNode<unknown, string>({
    ...listing(await peersOf(1), 0),
    codec: jsonCodec(),
    machine: anything(),
  } as never)
  t.teardown(() => node.close())
  const odd = { 'raft-roadmap:batch': ['1', '2'], by: ['x', 1] }
  t.match(await node.propose(odd), { result: JSON.stringify(odd) })
  const { ask } = ends<unknown>(t, node)
  t.match(await ask({ id: 1, type: 'AppendEntries', entries: [odd, '=', '=AAE='] }), {
    entries: [{ command: odd }, { command: '=' }, { command: '=AAE=' }],
  })
})

/** A state machine that performs anything. */
const anything = () => ({
  apply: (batch: readonly { command: unknown }[]) => batch.map(({ command }) => JSON.stringify(command)),
  snapshot: () => '',
  restore: async () => {},
})

t.test('a program that reads nothing cannot write on for ever, and loses nothing when it reads on', async (t) => {
  const [node] = (await listingCluster(t, 1)) as [RaftNode<number, number, 'all', number[]>]
  const { requests, responses } = node.channel()
  const writer = requests.getWriter()
  const all = 500
  let written = 0
  const writing = (async () => {
    for (let at = 1; at <= all; at++) {
      await writer.write({ id: at, type: 'AppendEntries', entries: [at] })
      written = at
    }
    await writer.close()
  })()
  let before = -1
  while (before !== written) {
    before = written
    for (let turns = 0; turns < 200; turns++) await turn()
  }
  t.ok(written < all, `${written} were taken`)
  const told: unknown[] = []
  for await (const response of responses) told.push(response.id)
  await writing
  t.same(
    told.toSorted((a, b) => Number(a) - Number(b)),
    naturals(all),
  )
})

t.test('a channel ends with its node; what is under way is unknown', async (t) => {
  const nodes = await listingCluster(t, 2)
  const [leader, follower] = [leaderOf(nodes), followersOf(nodes)[0]!]
  const { writer, reader, next } = ends<number>(t, leader)
  // The change that founded the cluster has ended: a leader that is closed in the middle of one takes it back.
  while (leader.status.commit < leader.status.log.last) await turn()
  await follower.close({ drainMs: 0 })
  await writer.write({ id: 1, type: 'AppendEntries', entries: [1] })
  const closing = leader.close({ drainMs: 0 })
  t.match(await own(next), { id: 1, type: 'Unknown' })
  t.same(await reader.read(), { done: true, value: undefined })
  await closing
  t.throws(() => leader.channel(), { code: 'closed' })
  await t.rejects(writer.write({ id: 2, type: 'AppendEntries', entries: [1] }))
})

t.test('a channel fails with its node', async (t) => {
  const peers = await peersOf(1)
  const node = await createNode(settingsOf(peers, 0))
  t.teardown(() => node.close().catch(() => {}))
  await node.propose({ add: 1 }, { deadlineMs: 60_000 })
  const { reader, writer } = ends(t, node)
  await writer.write({ id: 1, type: 'AppendEntries', entries: [{ add: 13 }] })
  await t.rejects(
    (async () => {
      while (!(await reader.read()).done);
    })(),
    { cause: { message: 'thirteen' } },
  )
})

t.test('two programs at two nodes share a log without a lock, while leadership moves', async (t) => {
  const nodes = await listingCluster(t, 3)
  const programs = followersOf(nodes).map((node) => countOn(node.channel({ from: 1 }), 25, () => {}))
  for (let round = 0; round < 4; round++) {
    const leader = leaderOf(nodes)
    if (leader) await leader.transferLeadership(undefined, { deadlineMs: 60_000 }).catch(() => {})
  }
  const tallies = await Promise.all(programs)
  const { answer } = await nodes[0]!.read('all', { deadlineMs: 60_000 })
  t.same(answer, naturals(answer.length), 'each number is there once, in order')
  t.ok(answer.length >= 100)
  t.ok(
    tallies.some(({ rejected }) => rejected > 0),
    'they were in each other’s way',
  )
  for (const { told } of tallies)
    t.same(
      told.map(({ command }) => command),
      naturals(told.length),
    )
})
