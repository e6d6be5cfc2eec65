/** Committed commands as an async iterable, at any node. */
import t from 'tap'
import { createNode } from '../../client/raft/index.js'
import { type Counter, counting, peersOf, settingsOf } from './nodes.js'

const patient = { deadlineMs: 60_000 }

async function taken(node: Counter, options: Parameters<Counter['entries']>[0], most = Number.POSITIVE_INFINITY) {
  const commands: number[] = []
  for await (const { command } of node.entries(options)) {
    commands.push(command.add)
    if (commands.length >= most) break
  }
  return commands
}

t.test('every node tells the same commands in the same order, those to come as well', async (t) => {
  const nodes = await counting(t, await peersOf(3))
  const followed = nodes.map((node) => taken(node, { follow: true }, 30))
  const places = []
  for (let add = 1; add <= 30; add++) if (add !== 13) places.push(await nodes[add % 3]!.propose({ add }, patient))
  places.push(await nodes[0]!.propose({ add: 31 }, patient))
  const all = Array.from({ length: 31 }, (_, at) => at + 1).filter((add) => add !== 13)
  for (const commands of await Promise.all(followed)) t.same(commands, all)
  const [first, second, third] = places
  const { term } = third!
  for (const node of nodes) {
    await node.read('total', patient)
    t.same(await taken(node, {}), all)
    t.same(await taken(node, { from: second!.index, to: third!.index }), [2, 3])
    t.same(await taken(node, { from: first!.index }, 2), [1, 2])
    for await (const entry of node.entries({ from: third!.index, to: third!.index }))
      t.same(entry, { index: third!.index, term, command: { add: 3 } })
  }
})

t.test('an entry that only a snapshot holds is refused, and a reader hears of the end', async (t) => {
  const peers = await peersOf(1)
  const node = await createNode({ ...settingsOf(peers, 0), timing: { snapshotEntries: 3 } })
  t.teardown(() => node.close())
  for (let step = 0; step < 20; step++) await node.propose({ add: 1 })
  while (node.status.log.first === 1) await node.propose({ add: 1 })
  await t.rejects(taken(node, { from: 1 }), { code: 'compacted', outcome: 'refused' })
  const ending = new AbortController()
  const aborted = taken(node, { follow: true, signal: ending.signal })
  const closed = taken(node, { follow: true })
  ending.abort()
  await t.rejects(aborted, { name: 'RaftError' })
  await node.close()
  await t.rejects(closed, { name: 'RaftError' })
  await t.rejects(taken(node, { follow: true }), { code: 'closed' })
})
