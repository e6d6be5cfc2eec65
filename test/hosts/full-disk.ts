/**
 * A node whose disk fills up, as a program that runs in a mount namespace of its own: the disk is a tmpfs, which goes
 * with the namespace. `test/cluster/full-disk.test.ts` starts it.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { exitCodes } from '../../src/server/exits.js'
import type { Happened } from '../helpers/happened.js'
import { RunningCluster } from '../helpers/running.js'

const [small, reserve, large] = ['24m', 8 * 1024 * 1024, '256m']
const value = 'v'.repeat(64 * 1024)
const patient = { deadlineMs: 60_000 }

/** Mounts a disk of this size in a folder; or makes it larger, if it is there. */
function mount(folder: string, options: string): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** Three nodes, of which n1 leads, on a small disk of its own; and what becomes of so many writes. */
async function started(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => {
    spawnSync('umount', ['--lazy', join(folder, 'n1')])
    rmSync(folder, { recursive: true })
  })
  mkdirSync(join(folder, 'n1'))
  mount(join(folder, 'n1'), `size=${small}`)
  const options = ['--nodes', '3', '--data-dir', folder, '--disk-reserve', String(reserve)]
  const cluster = await new RunningCluster(t, 10, options).ready()
  const client = new Client({ addresses: cluster.addresses() })
  t.teardown(() => client.close())
  t.match(await client.call({ command: 'transfer_leader', to: 'n1' }, patient), { outcome: 'done' })
  const acknowledged: string[] = []
  const refusals: unknown[] = []
  const write = async () => {
    const key = `k${acknowledged.length + refusals.length}`
    const outcome = await client.call({ command: 'set', key, value }, patient)
    if (outcome.outcome === 'done') acknowledged.push(key)
    else refusals.push(outcome)
  }
  return { folder: join(folder, 'n1'), cluster, client, acknowledged, refusals, write }
}

/** The keys that a client does not find at these nodes. */
async function missing(t: Test, addresses: readonly string[], keys: readonly string[]): Promise<string[]> {
  const client = new Client({ addresses })
  t.teardown(() => client.close())
  const isThere = async (key: string) => {
    const outcome = await client.call({ command: 'get', key }, patient)
    return outcome.outcome === 'done' && (outcome.answer as { value?: unknown }).value === value
  }
  const there = await Promise.all(keys.map(isThere))
  return keys.filter((_, at) => !there[at])
}

t.test('its node refuses, hands over, ends when the disk is full, and comes back when there is room', async (t) => {
  const { folder, cluster, client, acknowledged, refusals, write } = await started(t)
  const has = (name: string) => (happened: Happened) => happened.event === name && happened.node === 'n1'
  const happened = (name: string) => cluster.events.some(has(name))

  while (!happened('disk_low')) await write()
  t.ok(acknowledged.length > 50, `${acknowledged.length} writes before`)
  t.match(await client.call({ command: 'get', key: 'k0' }, patient), { outcome: 'done', answer: { value } })
  await cluster.event(has('handed_over'))
  const refused = refusals.length
  while (!happened('node_died')) await write()
  for (const refusal of refusals)
    t.match(refusal, { outcome: 'refused', error: { code: 'disk_full', definite: true } }, 'only while n1 led')
  t.equal(refusals.length, refused, 'another leader takes writes, whatever becomes of n1')
  t.match(cluster.events.find(has('node_died')), { code: exitCodes.diskFailed })
  t.match(cluster.events.find(has('disk_failed')), { message: /the disk is full; make room \(ENOSPC\)/ })

  t.match(await cluster.say('restart n1'), { event: 'refused' }, 'there is no room yet')
  mount(folder, `remount,size=${large}`)
  t.match(await cluster.say('restart n1'), { event: 'restarted' })
  t.same(await missing(t, [cluster.node('n1').client], acknowledged), [], 'nothing that was acknowledged is lost')
  await write()
  t.equal(refusals.length, refused)
})
