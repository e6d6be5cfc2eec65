/** The application is a value: a counter with bytes as commands runs replicated, and no stage knows it. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Client } from '../client/client.js'
import { freeBasePort } from '../client/cluster/free-ports.js'
import type { Command, Event, Member } from '../src/contracts.js'
import { localMembers } from '../src/network/local-members.js'
import { type Climate, climates, type Plan } from '../src/proof/simulation/plan.js'
import { type Moment, simulate } from '../src/proof/simulation/simulate.js'
import { planFor } from '../src/proof/simulation/sweep.js'
import { Cluster } from '../src/server/cluster.js'
import { defaultPace } from '../src/server/config.js'
import { withApplication } from '../src/stage.js'
import { isSound, lookAtWal } from '../src/storage/wal-look.js'
import { counting } from './counter/counter.js'
import { size } from './helpers/effort.js'

/** A client's call that was done: when it began and ended, and what the counter came to. */
interface Done {
  readonly command: Command
  readonly from: number
  readonly to: number
  readonly total: number
}

/** The plan of a seed, whose clients count instead of reading and writing keys; who is a member changes as it would. */
function planOf(seed: number, climate: Climate): Plan {
  const plan = planFor(counting, seed, climate)
  const calls = plan.calls.map((call, at) => {
    if (!('key' in call.command)) return call
    const isRead = call.command.command === 'get'
    return { ...call, command: isRead ? { command: 'total' } : { command: 'add', amount: (at % 255) + 1 } }
  })
  return { ...plan, calls, last: { command: 'add', amount: 1 } }
}

/** The totals that one client after another was told, by the trace. */
function listener() {
  const open = new Map<unknown, { command: Command; from: number }>()
  const done: Done[] = []
  let [asked, restored] = [0, 0]
  const hear = (moment: Moment) => {
    if (moment.event === 'restore') restored++
    if (moment.event === 'asked') {
      open.set(moment.client, { command: moment.command, from: moment.at })
      asked += Number(moment.command.amount ?? 0)
    }
    if (moment.event !== 'outcome' || moment.outcome !== 'done') return
    const call = open.get(moment.client)
    const { total } = moment.answer as { total?: number }
    if (call && total !== undefined) done.push({ ...call, to: moment.at, total })
  }
  return { hear, done, counts: () => ({ asked, restored }) }
}

/** What one counter could not have answered: a total that an earlier call had passed already, or two of one addition. */
function contradictions(done: readonly Done[]): string[] {
  const adds = done.filter(({ command }) => command.command === 'add')
  const twice = adds.filter(({ total }, at) => adds.findIndex((other) => other.total === total) !== at)
  const late = done.flatMap((one) => {
    const least = one.total - Number(one.command.amount ?? 0)
    return done.filter(({ to, total }) => to < one.from && total > least).map((other) => [other, one])
  })
  return [...twice, ...late].map((found) => JSON.stringify(found))
}

for (const climate of climates)
  t.test(`${climate}: the counter counts, with every check of the simulator`, async (t) => {
    let [snapshots, totals] = [0, 0]
    for (let seed = 1; seed <= size(climate === 'season' ? 1 : 3, 40); seed++) {
      const { hear, done, counts } = listener()
      const { findings, counters } = await simulate(counting, planOf(seed, climate), hear)
      t.same(findings, [], `seed ${seed}`)
      t.same(contradictions(done), [], `seed ${seed}`)
      const most = Math.max(0, ...done.map(({ total }) => total))
      t.ok(most <= counts().asked, `seed ${seed}: ${most} of ${counts().asked} that were asked for`)
      snapshots += counters.snapshot
      totals += done.length
    }
    t.ok(totals > 0 && snapshots > 0, `${totals} answers, ${snapshots} snapshots`)
  })

t.test('a counter that forgets what a snapshot held would be caught', async (t) => {
  const { application } = counting
  const machine: typeof application.machine = (clock) => {
    const right = application.machine(clock)
    return { ...right, restore: async (body) => void (await drained(body)) }
  }
  const forgetful = withApplication(counting, { ...application, machine })
  const found: unknown[] = []
  for (let seed = 1; seed <= 20 && found.length === 0; seed++) {
    const { hear, done } = listener()
    const { findings } = await simulate(forgetful, planOf(seed, 'churn'), hear)
    found.push(...findings, ...contradictions(done))
  }
  t.ok(found.length > 0)
})

async function drained(body: AsyncIterable<string>): Promise<void> {
  for await (const _ of body);
}

async function running(t: Test, dataDir: string): Promise<{ cluster: Cluster; client: Client }> {
  const members: readonly Member[] = localMembers(3, '127.0.0.1', await freeBasePort(3, '127.0.0.1'))
  const events: Event[] = []
  const cluster = new Cluster({
    ...{ stage: 8, cluster: 'counting', network: 'grpc', log: 'file', pace: defaultPace, members, isFounded: false },
    entry: fileURLToPath(new URL('counter/node.js', import.meta.url)),
    choices: { snapshotEntries: 20, snapshotBytes: 1_000 },
    dataDir,
    traceDir: null,
    onEvent: (event) => void events.push(event),
    onStderr: (_, text) => t.comment(text),
  })
  t.teardown(() => cluster.stop())
  await cluster.start()
  const client = new Client({ addresses: members.map((member) => member.client), deadlineMs: 30_000 })
  t.teardown(() => client.close())
  return { cluster, client }
}

t.test('on three processes, of which the leader is killed', async (t) => {
  const dataDir = t.testdir({})
  const { cluster, client } = await running(t, dataDir)
  const add = async (times: number) => {
    const outcomes = await Promise.all(
      Array.from({ length: times }, () => client.call({ command: 'add', amount: 2 }, { deadlineMs: 30_000 })),
    )
    return outcomes.flatMap((one) => (one.outcome === 'done' ? [one.answer.total as number] : []))
  }
  const first = await add(50)
  t.same(
    [...first].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, at) => 2 * (at + 1)),
  )
  const leader = (await cluster.statuses()).find(({ role }) => role === 'leader')!.id
  await cluster.faults.kill(leader)
  const second = await add(50)
  t.equal(new Set([...first, ...second]).size, first.length + second.length, 'no total twice')
  await cluster.faults.restart(leader)
  const total = await client.call({ command: 'total' }, { deadlineMs: 30_000 })
  t.match(total, { outcome: 'done', answer: { ok: true } })
  const most = (total as unknown as { answer: { total: number } }).answer.total
  t.ok(most >= 2 * (first.length + second.length) && most <= 200, `${most}`)
  t.match(await client.call({ command: 'set', key: 'a', value: '1' }), { error: { code: 'unknown_command' } })
  t.match(await client.call({ command: 'add', amount: 256 }), { error: { code: 'bad_request' } })
  while (!(await cluster.look()).every(({ entries }) => entries[0]?.[1] === String(most))) await cluster.settled()
  await cluster.stop()
  const looks = await Promise.all(['n1', 'n2', 'n3'].map((id) => lookAtWal(join(dataDir, id))))
  const records = looks.flatMap((look) => look!.batches.flatMap((batch) => batch.records))
  const texts = records.flatMap((record) => (record.record === 'entry' ? [record.entry.text] : []))
  t.ok(
    texts.some((text) => text.endsWith(',"base64":"Ag=="}')),
    'two, as bytes',
  )
  for (const look of looks) t.ok(look!.snapshots.length > 0 && isSound(look!))
})
