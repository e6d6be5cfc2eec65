/** Bounds that an operator sets on what clients make a cluster hold, on processes. */
import t, { type Test } from 'tap'
import { Client } from '../client/client.js'
import type { Outcome, Status } from '../src/contracts.js'
import { Raw, RunningCluster } from './helpers/running.js'

async function info(client: Client, at: string): Promise<Status> {
  const outcome = await client.call({ command: 'info' }, { at })
  if (outcome.outcome !== 'done') throw new Error(outcome.error.message)
  return outcome.answer.info as Status
}

/** The status of each node, once all have performed the same. */
async function settled(client: Client, addresses: readonly string[]): Promise<Status[]> {
  for (;;) {
    const told = await Promise.all(addresses.map((at) => info(client, at)))
    if (new Set(told.map(({ applied }) => applied)).size === 1) return told
  }
}

async function started(t: Test, options: readonly string[]) {
  const cluster = await new RunningCluster(t, 10, ['--nodes', '3', ...options]).ready()
  const client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  t.teardown(() => client.close())
  const set = (key: string, bytes: number) => client.call({ command: 'set', key, value: 'x'.repeat(bytes) })
  return { cluster, client, set }
}

const code = (outcome: Outcome) => (outcome.outcome === 'refused' ? outcome.error.code : outcome.outcome)

t.test('a store that is full takes no writes, on any leader, and deletes make room', async (t) => {
  const { cluster, client, set } = await started(t, ['--max-store-bytes', '1000', '--snapshot-entries', '20'])
  t.equal(code(await set('a', 499)), 'done')
  t.equal(code(await set('b', 499)), 'done', 'the last byte may be used')
  t.match(await set('c', 0), {
    outcome: 'refused',
    error: { code: 'store_full', definite: true, storeBytes: 1_000, maxStoreBytes: 1_000 },
  })
  t.match(await client.call({ command: 'get', key: 'b' }), { outcome: 'done' })
  t.equal(code(await client.call({ command: 'append', key: 'a', value: 'x' })), 'store_full')
  const { leader } = (await settled(client, cluster.addresses()))[0]!
  await cluster.say(`kill ${leader}`)
  // A copy that went to the old leader may have been done, for all that the client knows: it asks once more then.
  let next = 'unknown'
  while (next === 'unknown' || next === 'no_leader')
    next = code(await client.call({ command: 'set', key: 'c', value: '' }, { deadlineMs: 5_000 }))
  t.equal(next, 'store_full', 'the next leader says the same')
  t.match(await client.call({ command: 'delete', key: 'b' }), { outcome: 'done', answer: { existed: true } })
  t.equal(code(await set('c', 499)), 'done')
  for (let write = 0; write < 50; write++) t.equal(code(await set('d', 0)), 'store_full')
  for (let write = 0; write < 50; write++) await client.call({ command: 'delete', key: 'd' })
  await cluster.say(`restart ${leader}`)
  const told = await settled(client, cluster.addresses())
  t.same(
    told.map(({ storeBytes, maxStoreBytes }) => [storeBytes, maxStoreBytes]),
    [
      [1_000, 1_000],
      [1_000, 1_000],
      [1_000, 1_000],
    ],
    'every node counts alike, also the one that began with a snapshot and a part of the log',
  )
  t.ok(told.every(({ snapshot }) => snapshot !== undefined))
})

t.test('many writes at once do not get past the bound together', async (t) => {
  const { cluster, client } = await started(t, ['--max-store-bytes', '20000'])
  const writes = Array.from({ length: 400 }, (_, at) =>
    client.call({ command: 'set', key: `key${at}`, value: 'x'.repeat(100) }),
  )
  const codes = (await Promise.all(writes)).map(code)
  const count = (wanted: string) => codes.filter((one) => one === wanted).length
  // A call that was asked more than once, and is refused at last, may have been done: its client does not know.
  const [done, full, open] = [count('done'), count('store_full'), count('unknown')]
  t.ok(done > 0 && full > 0, `${done} were done, ${full} refused, ${open} left unknown`)
  t.equal(done + full + open, codes.length)
  for (const { storeBytes } of await settled(client, cluster.addresses())) t.ok(storeBytes! <= 20_000, `${storeBytes}`)
})

t.test('a connection may have so many requests under way; the others are refused and told why', async (t) => {
  const { cluster, client, set } = await started(t, ['--max-requests-per-client', '4'])
  const { leader } = await info(client, cluster.addresses()[0]!)
  const raw = new Raw(t, cluster.node(leader!).client)
  const request = (id: number) => `${JSON.stringify({ id, command: 'set', key: 'a', value: '1' })}\n`
  raw.socket.write(Array.from({ length: 200 }, (_, id) => request(id)).join(''))
  const answers = (await raw.answers(200)) as { ok: boolean; error?: { code: string } }[]
  const refused = answers.filter(({ error }) => error?.code === 'overloaded').length
  t.equal(answers.filter(({ ok }) => ok).length, 200 - refused)
  t.ok(refused > 0 && refused < 200, `${refused} were refused`)
  t.equal(code(await set('b', 1)), 'done', 'another client is served')
  await cluster.event(({ event, node }) => event === 'client_limited' && node === leader)
})
