/** Snapshots on demand, diagnostics, and replicas that differ. */
import { channel } from 'node:diagnostics_channel'
import t from 'tap'
import { createNode, type Diagnostics, type RaftNode, reducer } from '../../client/raft/index.js'
import { counting, leaderOf, listing, peersOf, settingsOf } from './nodes.js'

const patient = { deadlineMs: 60_000 }

t.test('a snapshot is taken when a program asks for one', async (t) => {
  const [node] = await counting(t, await peersOf(1))
  const { index, term } = await node!.propose({ add: 1 }, patient)
  const snapshot = await node!.snapshot()
  t.match(snapshot, { index, term })
  t.ok(snapshot.bytes > 0)
  t.same(node!.status.snapshot, snapshot)
  t.same(await node!.snapshot(), snapshot, 'nothing is new')
  await node!.propose({ add: 1 }, patient)
  t.match(await node!.snapshot(), { index: index + 1 })
  await node!.close()
  await t.rejects(node!.snapshot(), { code: 'closed' })
})

t.test('a folder that was closed behind a snapshot begins there', async (t) => {
  const peers = await peersOf(1)
  const settings = () => ({ ...listing(peers, 0), dataDir: t.testdirName })
  t.testdir({})
  const first = await createNode(settings())
  for (const command of [1, 2, 3]) await first.propose(command, patient)
  await first.snapshot()
  await first.snapshot()
  await first.close()
  await using second = await createNode(settings())
  t.same((await second.read('all', patient)).answer, [1, 2, 3])
})

t.test('channels of diagnostics tell what is sent, written and performed, and how the state changes', async (t) => {
  const heard: { [N in keyof Diagnostics]: Diagnostics[N][] } = { send: [], write: [], apply: [], state: [] }
  for (const name of ['send', 'write', 'apply', 'state'] as const) {
    const hear = (facts: unknown) => void heard[name].push(facts as never)
    channel(`raft-roadmap:${name}`).subscribe(hear)
    t.teardown(() => channel(`raft-roadmap:${name}`).unsubscribe(hear))
  }
  const nodes = await counting(t, await peersOf(2))
  const { index } = await leaderOf(nodes).propose({ add: 1 }, patient)
  const { id } = leaderOf(nodes)
  t.ok(heard.send.some(({ message }) => message.type === 'AppendEntries' && message.from === id))
  t.ok(heard.write.some(({ node, upTo, records, ms }) => node === id && upTo >= index && records > 0 && ms >= 0))
  const performed = heard.apply.find(({ node }) => node === id)
  t.match(performed, { node: id, commands: 1, from: index, upTo: index })
  t.ok(heard.state.some(({ node, status }) => node === id && status.role === 'leader'))
})

/** A state machine with a mistake at one node: from some number on, it counts one too many. */
const mistaken = (from: number) =>
  reducer({
    initial: 0,
    apply: (total: number, { add }: { readonly add: number }) => {
      const next = total + add + (total >= from ? 1 : 0)
      return { state: next, result: next }
    },
    query: (total: number, _query: 'total') => total,
  })

async function cluster(froms: readonly number[], more = {}) {
  const peers = await peersOf(froms.length)
  const nodes = await Promise.all(
    froms.map((from, at) => createNode({ ...settingsOf(peers, at), machine: mistaken(from), ...more })),
  )
  for (const node of nodes) {
    await node.untilLeader({ deadlineMs: 30_000 })
    while (node.status.voters.length < froms.length) await new Promise((resolve) => void node.once('members', resolve))
  }
  return nodes
}

const right = Number.POSITIVE_INFINITY

async function work(node: RaftNode<{ readonly add: number }, number, 'total', number>, times: number) {
  for (let done = 0; done < times; done += 50)
    await Promise.all(Array.from({ length: 50 }, () => node.tryPropose({ add: 1 }, patient)))
}

t.test('a replica whose results differ says so, and stops; the others go on', async (t) => {
  const nodes = await cluster([right, right, 20])
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  const [one, , wrong] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
  const fatal = new Promise((resolve) => void wrong.once('fatal', resolve))
  await work(one, 400)
  await t.rejects(wrong.closed, { message: /^n3 has performed the entries \d+ to \d+ with other results/ })
  t.match(await fatal, { message: /a command must do the same on every node/ })
  t.match(await wrong.tryPropose({ add: 1 }), { outcome: 'refused', error: { code: 'closed' } })
  t.match(await one.propose({ add: 1 }, patient), { result: 401 })
})

t.test('replicas that differ go on where they do not compare', async (t) => {
  const nodes = await cluster([right, 20], { compareResults: false })
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  await work(nodes[0]!, 300)
  t.match(await nodes[1]!.tryPropose({ add: 1 }, patient), { outcome: 'done' })
})

t.test('of two replicas that differ nobody knows which is right: both stop', async (t) => {
  const nodes = await cluster([right, 20])
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  const working = work(nodes[0]!, 300)
  for (const node of nodes) await t.rejects(node.closed, { message: /other results/ })
  await working
})
