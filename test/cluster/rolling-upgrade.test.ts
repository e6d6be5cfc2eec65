/**
 * A cluster of the last release is turned into this one, node by node and under load, in the folders that it has. Until
 * the last node is replaced there is a way back; from then on the last release refuses, and touches nothing.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import type { NodeId, Status } from '../../src/contracts.js'
import { networkNames } from '../../src/stage.js'
import { isLong, size } from '../helpers/effort.js'
import { unpackLastRelease } from '../helpers/last-release.js'
import { LoneNodes } from '../helpers/lone-nodes.js'
import { cli, main } from '../helpers/running.js'
import { patient, Siege } from '../helpers/siege.js'

const nodes = 5
const clients = size(4, 8)
/** Calls between two replacements. */
const between = size(20, 100)

async function info(client: Client, at?: string): Promise<Status> {
  const outcome = await client.call({ command: 'info' }, { ...(at !== undefined && { at }), deadlineMs: 60_000 })
  if (outcome.outcome !== 'done') throw new Error(outcome.error.message)
  return outcome.answer.info as Status
}

/** Waits until a node tells a status. */
async function until(client: Client, at: string, isSo: (status: Status) => boolean): Promise<Status> {
  for (;;) {
    const status = await info(client, at)
    if (isSo(status)) return status
  }
}

/** Waits until the founder has taken in all the others. */
async function allIn({ members }: LoneNodes, watcher: Client): Promise<void> {
  for (const { client } of members)
    await until(watcher, client, ({ voters, outgoing }) => voters?.length === members.length && !outgoing)
}

class Upgrade {
  readonly cluster: LoneNodes
  readonly siege: Siege
  readonly watcher: Client

  constructor(t: Test, cluster: LoneNodes, seed: number) {
    this.cluster = cluster
    this.watcher = new Client({ addresses: cluster.addresses() })
    this.siege = new Siege(cluster.addresses(), clients, seed, patient, `s${seed}-`)
    t.teardown(async () => {
      this.watcher.close()
      await this.siege.stop()
    })
  }

  /** Replaces the program of a node: it is asked to end, and started again in its folder. */
  async replace(t: Test, id: NodeId, program: string): Promise<void> {
    t.equal(await this.cluster.stop(id), 0, `${id} ends with exit code 0`)
    await this.siege.served(between)
    const { commit = 0 } = await info(this.watcher)
    this.cluster.programs.set(id, program)
    await this.cluster.start(id)
    await until(this.watcher, this.cluster.address(id), ({ applied, leader }) => leader !== null && applied >= commit)
    await this.siege.served(between)
  }

  async end(t: Test): Promise<void> {
    const { missing, miscounted, history } = await this.siege.end()
    t.same(this.siege.lost, [], 'no call is refused, and none is unknown')
    t.same(missing, [], 'every acknowledged write is there')
    t.same(miscounted, [], 'every value that was appended is there once')
    t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
  }
}

/** The contents of all files of a log, in one hash. */
function hashOf(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.ndjson$|IDENTITY$/.test(name)) hash.update(`${name}\n`).update(readFileSync(join(folder, name)))
  return hash.digest('hex')
}

for (const network of size(['tcp'] as const, networkNames))
  for (let round = 1; round <= size(1, 3); round++)
    t.test(`${network}, round ${round}: from the last release to this one, and back before the end`, async (t) => {
      const last = unpackLastRelease(t)
      const options = { all: ['--network', network] }
      const cluster = await LoneNodes.found(t, 10, nodes, options, last)
      const upgrade = new Upgrade(t, cluster, round)
      const { watcher, siege } = upgrade
      const ids = cluster.members.map(({ id }) => id)
      await allIn(cluster, watcher)
      await siege.served(between)
      const leader = (await info(watcher)).leader!
      // The leader first, or last: both orders must do.
      const order = round % 2 === 0 ? [leader, ...ids.filter((id) => id !== leader)] : ids
      const [back, final] = [order[1]!, order.at(-1)!]

      for (const id of order.slice(0, -1)) await upgrade.replace(t, id, main)
      await upgrade.replace(t, back, last)
      t.pass(`${back} goes back to the last release, and serves`)
      await upgrade.replace(t, back, main)
      const early = cluster.events.filter(({ event }) => event === 'features_on')
      t.same(early, [], 'nothing new is used while a node of the last release is there')

      await upgrade.replace(t, final, main)
      for (const id of ids) {
        const { features } = await until(watcher, cluster.address(id), ({ features }) => features !== undefined)
        t.same(features, ['compare-results'], `${id}: after the last node it is`)
      }
      await siege.served(2 * between)
      await upgrade.end(t)
      t.notOk(cluster.events.some(({ event }) => event.endsWith('_mismatch') || event === 'results_differ'))

      t.equal(await cluster.stop(back), 0)
      const before = hashOf(cluster.dataDir(back))
      cluster.programs.set(back, last)
      const refused = await cluster.startInVain(back)
      t.not(refused.code, 0, 'the last release refuses the folder now')
      t.match(refused.stdout + refused.stderr, /of format 4, which a later version wrote: run that version/)
      t.equal(hashOf(cluster.dataDir(back)), before, 'and has touched nothing')
      t.match(await cli(['log', cluster.dataDir(back), '--verify']), { code: 0, stdout: /sound/ })
      cluster.programs.set(back, main)
      await cluster.start(back)
      await until(watcher, cluster.address(back), ({ leader }) => leader !== null)
    })

t.test('a node of the last release is not taken in any more, and the cluster says why', async (t) => {
  const cluster = await LoneNodes.found(t, 10, 3)
  const last = unpackLastRelease(t)
  await using client = new Client({ addresses: cluster.addresses() })
  for (const address of cluster.addresses()) await until(client, address, ({ features }) => features !== undefined)
  const old = await LoneNodes.alone(t, 10, 'n4', last)
  const outcome = await client.call(
    { command: 'add_node', node: 'n4', client: old.client, peer: old.peer },
    { deadlineMs: 60_000 },
  )
  t.match(outcome, {
    outcome: 'refused',
    error: { code: 'feature_missing', message: /n4 does not know compare-results/ },
  })
  t.match((await info(client)).voters, ['n1', 'n2', 'n3'])
})

t.test('data of stage 8 goes to stage 9, and that of stage 9 to stage 10, when all nodes stand still', async (t) => {
  const cluster = await LoneNodes.found(t, 8, 3)
  const ids = cluster.members.map(({ id }) => id)
  await using client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  await allIn(cluster, client)
  for (const stage of [8, 9, 10]) {
    cluster.stage = stage
    if (stage > 8) for (const id of ids) await cluster.start(id)
    await client.set(`from-${stage}`, 'x'.repeat(stage))
    for (let earlier = 8; earlier <= stage; earlier++)
      t.equal(
        await client.get(`from-${earlier}`),
        'x'.repeat(earlier),
        `stage ${stage} has what stage ${earlier} wrote`,
      )
    if (stage === 10)
      for (const id of ids) await until(client, cluster.address(id), ({ features }) => features !== undefined)
    for (const id of ids) t.equal(await cluster.stop(id), 0)
  }
  for (const [stage, why] of [
    [9, /a features entry, which stage 9 does not have|features in a snapshot/],
    [8, /which stage 8 does not have/],
  ] as const) {
    cluster.stage = stage
    const { code, stdout, stderr } = await cluster.startInVain('n1')
    t.not(code, 0)
    t.match(stdout + stderr, why, `stage ${stage} refuses what stage 10 wrote`)
  }
})

for (const [from, to] of isLong
  ? ([
      [8, 9],
      [9, 10],
    ] as const)
  : ([[9, 10]] as const))
  t.test(
    `a node of stage ${to} among nodes of stage ${from} is refused on both sides, and the others serve`,
    async (t) => {
      const cluster = await LoneNodes.found(t, from, 3)
      await using client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
      await allIn(cluster, client)
      await client.set('a', '1')
      await cluster.stop('n3')
      cluster.stage = to
      await cluster.start('n3')
      const told = (node: NodeId, own: number, theirs: number) =>
        cluster.event(
          (event) =>
            event.event === 'stage_mismatch' && event.node === node && event.own === own && event.theirs === theirs,
        )
      await Promise.all([told('n3', to, from), told('n1', from, to)])
      await client.set('a', '2')
      await cluster.stop('n3')
      cluster.stage = from
      await cluster.start('n3')
      await until(client, cluster.address('n3'), ({ leader }) => leader !== null)
      t.equal(await client.get('a'), '2', 'and it goes on where it was')
    },
  )
