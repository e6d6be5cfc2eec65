/** The library: nodes inside a program, with a state machine of its own. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createNode, RaftError, reducer } from '../../client/raft/index.js'
import { type Counter, counting, followersOf, happened, leaderOf, peersOf, settingsOf } from './nodes.js'

const patient = { deadlineMs: 60_000 }

t.test('any node takes commands and reads, and each command happens once', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const done = await Promise.all(Array.from({ length: 60 }, (_, at) => nodes[at % 3]!.propose({ add: 1 }, patient)))
  const inOrder = done.toSorted((a, b) => a.index - b.index)
  t.same(
    inOrder.map(({ result }) => result),
    Array.from({ length: 60 }, (_, at) => at + 1),
    'in the order of the log',
  )
  for (const node of nodes) t.match(await node.read('total', patient), { answer: 60 })
  const last = await followersOf(nodes)[0]!.propose({ add: 5 }, patient)
  t.equal(last.term, leaderOf(nodes).status.term)
  for (const node of nodes) {
    const seen = await node.read('total', { ...patient, consistency: 'stale', atLeast: last.index })
    t.equal(seen.answer, 65)
    t.ok(seen.index >= last.index)
  }
  t.match(await nodes[1]!.tryPropose({ add: 1 }, patient), { outcome: 'done', result: 66 })
})

t.test('without forwarding a follower refuses, and names the leader', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const leader = leaderOf(nodes)
  const [follower] = followersOf(nodes) as [Counter]
  const refusal = { code: 'not_leader', outcome: 'refused', leader: leader.id }
  await t.rejects(follower.propose({ add: 1 }, { forward: false }), refusal)
  await t.rejects(follower.read('total', { forward: false }), refusal)
  t.match(await follower.tryPropose({ add: 1 }, { forward: false }), { outcome: 'refused', error: refusal })
  t.match(await leader.propose({ add: 1 }, { forward: false }), { result: 1 })
  await t.rejects(follower.removeMember('n1', { forward: false }), { code: 'not_leader' })
})

t.test('an error of a query is for its caller, and no node minds', async (t) => {
  const [node] = (await counting(t, await peersOf(1))) as [Counter]
  await t.rejects(node.read('other' as 'total'), { message: 'no such query' })
  t.match(await node.read('total'), { answer: 0 })
})

t.test('a leader that is closed hands over, and the others go on', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const leader = leaderOf(nodes)
  const others = followersOf(nodes)
  await leader.propose({ add: 1 }, patient)
  await leader.close()
  await leader.close()
  await leader.closed
  await t.rejects(leader.propose({ add: 1 }), { code: 'closed', outcome: 'refused' })
  await t.rejects(leader.read('total'), { code: 'closed' })
  for (const node of others) while ([null, leader.id].includes(node.status.leader)) await happened(node, 'leader')
  for (const node of others) t.match(await node.tryPropose({ add: 1 }, patient), { outcome: 'done' })
  t.match(await others[0]!.read('total', patient), { answer: 3 })
})

t.test('an error in apply stops every node; what was asked is unknown, and what comes later is refused', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const fatal = new Promise((resolve) => void nodes[0]!.once('fatal', resolve))
  const outcome = await leaderOf(nodes).tryPropose({ add: 13 }, patient)
  t.match(outcome, { outcome: 'unknown', error: { code: 'left' } })
  for (const node of nodes) {
    await t.rejects(node.closed, { message: 'thirteen' })
    await t.rejects(node.propose({ add: 1 }), { code: 'closed', outcome: 'refused' })
    await node.close()
  }
  t.match(await fatal, { message: 'thirteen' })
})

t.test('members come and go, and leadership is handed over', async (t) => {
  const peers = await peersOf(4)
  const founders = peers.slice(0, 3)
  const nodes = await counting(t, founders)
  const joining = await createNode(settingsOf(peers, 3, founders))
  t.teardown(() => joining.close())
  t.equal(joining.status.standing, 'no member')
  await leaderOf(nodes).propose({ add: 7 }, patient)
  await leaderOf(nodes).addMember(peers[3]!, patient)
  while (joining.status.standing !== 'voter') await happened(joining, 'members')
  t.match(await joining.propose({ add: 1 }, patient), { result: 8 })
  t.same(
    (await leaderOf(nodes).members()).map(({ id, peer, role }) => ({ id, peer, role })),
    peers.map((peer) => ({ ...peer, role: 'voter' })),
  )
  await joining.demote('n4', patient)
  t.match((await leaderOf(nodes).members()).at(-1), { id: 'n4', role: 'learner' })
  t.match(await joining.read('total', patient), { answer: 8 }, 'a learner answers reads')
  await joining.promote('n4', patient)
  await joining.removeMember('n4', patient)
  await leaderOf(nodes).addMember(peers[3]!, { ...patient, role: 'learner' })
  t.match((await leaderOf(nodes).members()).at(-1), { id: 'n4', role: 'learner' })
  await t.rejects(leaderOf(nodes).promote('n9', patient), { code: 'bad_request' })
  const to = followersOf(nodes)[0]!
  t.equal(await leaderOf(nodes).transferLeadership(to.id, patient), to.id)
  t.equal(await to.untilLeader(), to.id)
  const leaving = followersOf(nodes)[0]!
  await to.removeMember(leaving.id, patient)
  t.notOk((await to.members()).some(({ id }) => id === leaving.id))
})

t.test('a folder outlives its node, with snapshots and without', async (t) => {
  const peers = await peersOf(1)
  const timing = { snapshotEntries: 5 }
  const settings = () => ({ ...settingsOf(peers, 0), dataDir: t.testdirName, timing })
  t.testdir({})
  for (let life = 0; life < 3; life++) {
    await using node: Counter = await createNode(settings())
    for (let step = 0; step < 7; step++) await node.propose({ add: 1 }, patient)
    t.match(await node.read('total'), { answer: 7 * (life + 1) })
  }
  const first = await createNode(settings())
  await t.rejects(createNode({ ...settings(), peer: { listen: '127.0.0.1:0', advertise: peers[0]!.peer } }))
  t.ok(first.status.snapshot, 'there is a snapshot')
  await first.close()
})

t.test('a node listens at one address and is reached at another', async (t) => {
  const [peer] = (await peersOf(1)) as [{ id: string; peer: string }]
  const port = peer.peer.split(':')[1]!
  const node = await createNode({
    ...settingsOf([{ id: 'n1', peer: `localhost:${port}` }], 0),
    peer: { listen: `0.0.0.0:${port}`, advertise: `localhost:${port}` },
  })
  t.teardown(() => node.close())
  t.match(await node.propose({ add: 2 }, patient), { result: 2 })
  t.same(await node.members(), [{ id: 'n1', peer: `localhost:${port}`, role: 'voter' }])
})

/** Passes connections on to another port, as a router does. @returns how many there were so far */
async function relay(t: Test, from: number, to: number): Promise<() => number> {
  let passed = 0
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    passed++
    const far = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  })
  server.listen(from, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return () => passed
}

t.test('nodes behind routers: each is reached at another port than the one at which it listens', async (t) => {
  const places = await peersOf(4)
  const ports = places.map(({ peer }) => Number(peer.split(':')[1]))
  const peers = [0, 1].map((at) => ({ id: places[at]!.id, peer: places[at]!.peer }))
  const passed = await Promise.all([0, 1].map((at) => relay(t, ports[at]!, ports[at + 2]!)))
  const nodes = await Promise.all(
    peers.map(({ peer: advertise }, at) =>
      createNode({ ...settingsOf(peers, at), peer: { listen: places[at + 2]!.peer, advertise } }),
    ),
  )
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }))))
  for (const node of nodes) while (node.status.voters.length < 2) await happened(node, 'members')
  for (const node of nodes) t.match(await node.tryPropose({ add: 1 }, patient), { outcome: 'done' })
  t.match(await nodes[1]!.read('total', patient), { answer: 2 })
  for (const count of passed) t.ok(count() > 0, `${count()} connections were passed on`)
})

t.test('a signal ends a call, and what was under way is unknown', async (t) => {
  const peers = await peersOf(2)
  const alone = await createNode(settingsOf(peers, 0))
  t.teardown(() => alone.close())
  await t.rejects(alone.propose({ add: 1 }, { signal: AbortSignal.abort() }), { code: 'aborted', outcome: 'refused' })
  const waiting = new AbortController()
  const proposed = alone.propose({ add: 1 }, { signal: waiting.signal })
  const untilLeader = alone.untilLeader({ signal: waiting.signal })
  waiting.abort(new Error('enough'))
  await t.rejects(proposed, RaftError)
  await t.rejects(untilLeader, { cause: { message: 'enough' } })
  await t.rejects(alone.propose({ add: 1 }, { deadlineMs: 100 }), { code: 'no_leader', outcome: 'refused' })
  await t.rejects(alone.untilLeader({ deadlineMs: 20 }), { code: 'no_leader' })
  const closing = new AbortController()
  const other = await createNode({ ...settingsOf(peers, 1), signal: closing.signal })
  closing.abort()
  await other.closed
  await t.rejects(createNode({ ...settingsOf(peers, 1), signal: closing.signal }), { code: 'aborted' })
})

t.test('wrong settings are said in words', async (t) => {
  const peers = await peersOf(2)
  const right = settingsOf(peers, 0)
  const wrong: [object, RegExp][] = [
    [{ id: 'n 1' }, /id must be a name/],
    [{ cluster: '' }, /cluster must be a name/],
    [{ peer: 'here' }, /peer.listen must be host:port/],
    [{ peer: { listen: '0.0.0.0:1', advertise: '0.0.0.0:1' } }, /peer.advertise must be an address that others/],
    [{ dataDir: undefined }, /dataDir must be a folder, or null/],
    [{ machine: {} }, /machine must be a state machine/],
    [{ network: 'smoke' }, /network must be one of tcp/],
    [{ logStore: 'stone' }, /logStore must be one of file/],
    [{ bootstrap: [] }, /bootstrap must be a list/],
    [{ bootstrap: [peers[1]] }, /bootstrap must name this node/],
    [{ bootstrap: [peers[0], peers[0]] }, /bootstrap\[1\] has the name or the address/],
    [{ timing: { electionMs: 10 } }, /at least 3 times/],
    [{ timing: { heartbeatMs: 0 } }, /timing.heartbeatMs must be/],
    [{ limits: { commandBytes: 1e9 } }, /limits.commandBytes must be/],
  ]
  for (const [one, message] of wrong)
    await t.rejects(createNode({ ...right, ...one }), { name: 'ConfigError', message })
  const node = await createNode(right)
  t.teardown(() => node.close())
  await t.rejects(createNode({ ...right, id: 'n1' }), { message: /n1 cannot listen for nodes at .*: it is in use/ })
})

t.test('over gRPC and UDP', async (t) => {
  for (const network of ['grpc', 'udp'] as const) {
    const nodes = await counting(t, await peersOf(3), { network })
    for (const node of nodes) t.match(await node.tryPropose({ add: 1 }, patient), { outcome: 'done' }, network)
    t.match(await followersOf(nodes)[0]!.read('total', patient), { answer: 3 })
  }
})

t.test('a result of undefined, and results that JSON would lose', async (t) => {
  const peers = await peersOf(1)
  const machine = reducer({
    initial: null,
    apply: (_: null, command: string) => ({ state: null, result: command === 'date' ? new Date(0) : undefined }),
  })
  const node = (await createNode({
    ...settingsOf(peers, 0),
    machine,
    codec: undefined,
  } as never)) as unknown as import('../../client/raft/index.js').RaftNode<string, unknown>
  t.match(await node.propose('nothing', patient), { result: undefined })
  t.match(await node.tryPropose('date', patient), { outcome: 'unknown' })
  await t.rejects(node.closed, { message: /result is a Date, which JSON does not carry/ })
})
