/** A real etcd, asked and broken as a cluster of ours is. */
import t from 'tap'
import { etcdClient } from '../../client/engine/etcd/client.js'
import { momentOf, type Pair, writeAll } from '../../client/engine/etcd/transfer.js'
import { ConfigError } from '../../src/errors.js'
import { compareKeys } from '../../src/key-order.js'
import { etcdOnly, startEtcd, type TestedEtcd } from '../helpers/etcd.js'
import { cli } from '../helpers/running.js'

/** A sitting that needs nothing but the store: any engine answers it alike. */
const sitting = `
set a 1
get a
append a 23
get a
cas a 123 "two words"
cas a 9 8
get a
cas fresh null 1
cas fresh null 2
delete fresh
delete fresh
get fresh
set "a b" "\\u00e9 \\"quoted\\""
set aa x
set ab ""
scan a
scan a aa
scan a "" 2
get a consistency=stale
get a @follower
set n 5 @follower
get n
ping
append new tail
scan nothing
set
frobnicate
get ""
transfer_leader nobody
check
`

t.test('the same sitting at `run latest` and at `run etcd` is answered alike', etcdOnly, async (t) => {
  const [ours, theirs] = await Promise.all([
    cli(['run', 'latest', '--base-port', '0'], sitting),
    cli(['run', 'etcd', '--base-port', '0'], sitting),
  ])
  t.match(ours.stdout, '"two words"')
  // Each engine counts moments and indexes in its own way, elects whom it likes, and can be asked something more.
  const plain = (text: string) =>
    text
      .replaceAll(/scan "a" "" 2 ".*"/g, 'scan "a" "" 2 PAGE')
      .replaceAll(/no command "frobnicate".*/g, 'no command')
      .replaceAll(/\(index \d+(, at most \d+ ms old)?\)/g, '(index)')
      .replaceAll(/n\d leads: ask there.*/g, 'another leads: ask there')
  t.equal(plain(theirs.stdout), plain(ours.stdout))
  t.equal(theirs.code, ours.code)
})

let started: Promise<TestedEtcd> | undefined
/** One cluster for the tests that leave it as they found it. */
const running = () => {
  started ??= startEtcd(t, 3)
  return started
}

t.test('many clients that append lose nothing and double nothing', etcdOnly, async (t) => {
  const { addresses, client } = await running()
  const clients = addresses.map((address) => etcdClient({ addresses: [address], deadlineMs: 20_000 }))
  const words = Array.from({ length: 30 }, (_, at) => `${at};`)
  const lengths = await Promise.all(words.map((word, at) => clients[at % 3]!.append('journal', word)))
  const held = (await client.get('journal'))!
  t.same(held.match(/\d+;/g)!.toSorted(), words.toSorted())
  t.equal(new Set(lengths).size, words.length, 'each append saw another length')
  t.equal(Math.max(...lengths), held.length)
  for (const one of clients) one.close()
})

t.test('pages of a scan are of one moment, in the order of bytes', etcdOnly, async (t) => {
  const { client } = await running()
  const keys = Array.from({ length: 40 }, (_, at) => `page:${String.fromCodePoint(0x61 + at * 1_300)}`)
  for (const key of keys) await client.set(key, 'old')
  const seen: [string, string][] = []
  for await (const [key, value] of client.scan('page:', { pageKeys: 7 })) {
    if (seen.length === 0) for (const one of keys) await client.set(one, 'new')
    seen.push([key, value])
  }
  t.same(
    seen,
    keys.toSorted(compareKeys).map((key) => [key, 'old']),
  )
})

t.test('values up to the limit, and a refusal over it', etcdOnly, async (t) => {
  const { client } = await running()
  const large = 'é'.repeat(512 * 1024)
  await client.set('large', large)
  t.equal(await client.get('large'), large)
  t.match(await client.call({ command: 'append', key: 'large', value: 'x' }), {
    outcome: 'refused',
    error: { code: 'too_large' },
  })
  t.match(await client.call({ command: 'set', key: 'large', value: `${large}x` }), { error: { code: 'too_large' } })
  t.match(await client.call({ command: 'set', key: 'a', value: '1', session: 6, sequence: 1 }), {
    error: { code: 'bad_request' },
  })
  t.match(await client.call({ command: 'open_session' }), { error: { code: 'unknown_command' } })
})

t.test('an index is the revision, and a read behind it sees the write', etcdOnly, async (t) => {
  const { addresses, client } = await running()
  const written = await client.call({ command: 'set', key: 'i', value: '1', withIndex: true })
  t.equal(written.outcome, 'done')
  const index = written.outcome === 'done' ? Number(written.answer.index) : 0
  const read = { command: 'get', key: 'i', consistency: 'stale', withIndex: true } as const
  for (const at of addresses)
    t.match(await client.call({ ...read, atLeast: index }, { at }), { answer: { value: '1' } })
  t.match(await client.call({ ...read, atLeast: index + 1_000 }), { error: { code: 'bad_request' } })
})

t.test('members come, learn, are promoted, lead and go', etcdOnly, async (t) => {
  const { client } = await running()
  const { leader } = await client.members()
  const to = ['n1', 'n2', 'n3'].find((id) => id !== leader)!
  t.match(await client.call({ command: 'transfer_leader', to }), { answer: { leader: to } })
  t.equal((await client.members()).leader, to)
  t.match(await client.call({ command: 'remove_node', node: 'n9' }), { error: { members: ['n1', 'n2', 'n3'] } })
  const info = await client.call({ command: 'info' })
  t.match(info, { answer: { info: { leader: to, voters: ['n1', 'n2', 'n3'], etcd: /^3\./ } } })
})

t.test('a client that is closed in the middle leaves its calls unknown, and breaks nothing', etcdOnly, async (t) => {
  const { addresses, client } = await running()
  const one = etcdClient({ addresses, deadlineMs: 20_000 })
  await one.append('closing', 'x')
  const asked = Array.from({ length: 20 }, () => one.call({ command: 'append', key: 'closing', value: 'x' }))
  one.close()
  const outcomes = await Promise.all(asked)
  t.ok(outcomes.every(({ outcome }) => outcome === 'unknown'))
  t.ok((await client.get('closing'))!.startsWith('x'))
})

t.test('a write to a node that is stopped ends as unknown, never as refused', etcdOnly, async (t) => {
  const { cluster } = await running()
  const [, second] = cluster.nodes()
  const one = etcdClient({ addresses: [second!.client], deadlineMs: 1_000 })
  await one.set('u', '0')
  await cluster.faults.pause(second!.id)
  t.match(await one.call({ command: 'set', key: 'u', value: '1' }, { at: second!.client }), {
    outcome: 'unknown',
    error: { code: 'timeout' },
  })
  await cluster.faults.resume(second!.id)
  one.close()
})

t.test('a connection that breaks behind a question leaves it unknown', etcdOnly, async (t) => {
  const { cluster } = await running()
  const [first] = cluster.nodes()
  const one = etcdClient({ addresses: [first!.client], deadlineMs: 20_000 })
  await one.set('u', '2')
  await cluster.faults.pause(first!.id)
  const asked = one.call({ command: 'set', key: 'u', value: '3' }, { at: first!.client })
  await cluster.faults.kill(first!.id)
  t.match(await asked, { outcome: 'unknown', error: { code: 'connection_lost' } })
  await cluster.faults.restart(first!.id)
  one.close()
})

t.test('without a majority nothing is done, and nothing is called done', etcdOnly, async (t) => {
  const { cluster, addresses, client } = await running()
  await cluster.faults.kill('n1')
  await cluster.faults.kill('n2')
  const one = etcdClient({ addresses, deadlineMs: 4_000 })
  const [written, read] = await Promise.all([
    one.call({ command: 'set', key: 'm', value: '1' }),
    one.call({ command: 'get', key: 'm' }),
  ])
  t.not(written.outcome, 'done')
  t.equal(read.outcome, 'refused')
  await cluster.faults.restart('n1')
  await cluster.faults.restart('n2')
  await client.set('m', '2')
  t.equal(await client.get('m'), '2')
  one.close()
})

t.test('faults between nodes are refused with what they need', etcdOnly, async (t) => {
  const { cluster } = await running()
  for (const fault of [() => cluster.faults.cut('n1', 'n2', true), () => cluster.faults.split(['n1'])])
    await t.rejects(fault(), { message: /netns/ })
  await t.rejects(cluster.faults.hasten('n1'), ConfigError)
})

t.test('the contents leave and come back, of one moment, counted and compared', etcdOnly, async (t) => {
  const { cluster, addresses, client } = await startEtcd(t, 3)
  const pairs: Pair[] = Array.from({ length: 700 }, (_, at) => [`k${String(at).padStart(4, '0')}`, 'v'.repeat(at * 9)])
  const told: number[] = []
  const written = await writeAll(addresses, pairs, { onProgress: (count) => told.push(count) })
  t.equal(written.count, pairs.length)
  t.equal(told.at(-1), pairs.length)
  t.ok(told.length > 5, 'in batches')
  t.same(await writeAll(addresses, pairs, { onProgress: () => t.fail('nothing is written twice') }), {
    ...written,
    found: 700,
  })
  for (const others of [pairs.slice(1), pairs.slice(0, -1), pairs.with(350, ['k0350', 'other'])])
    await t.rejects(writeAll(addresses, others), { code: 'not_empty', message: /700 keys already/ })
  t.equal((await momentOf(addresses)).count, 700)

  const moment = await momentOf(addresses)
  t.equal(moment.count, pairs.length)
  const read: Pair[] = []
  for await (const pair of moment.entries) {
    if (read.length === 100) {
      await client.set('k0000', 'later')
      await client.set('zzz', 'later')
      // The node that was asked first is gone: another goes on, at the same revision.
      await cluster.faults.kill('n1')
    }
    read.push(pair)
  }
  t.same(read, pairs, 'nothing that was written later')
})

t.test('a wiped disk is not taken for the member that it was', etcdOnly, async (t) => {
  const { cluster } = await startEtcd(t, 3)
  await cluster.faults.kill('n3')
  await cluster.faults.wipe('n3')
  await t.rejects(cluster.faults.restart('n3'), { message: /already been bootstrapped/ })
})
