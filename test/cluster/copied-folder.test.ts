/** One folder on two machines: the node that listens where the configuration says counts, and the other one rests. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ndjson from 'ndjson'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import type { Member, Status } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { size } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { bare, main, RunningCluster } from '../helpers/running.js'

/** A node by itself; @returns a function that waits for an event of it */
function start(t: Test, { id, client, peer }: Member, folder: string, network: string) {
  const place = ['--peers', `${id}=${client}/${peer}`, '--data-dir', folder, '--network', network]
  const { cluster } = JSON.parse(readFileSync(join(folder, 'IDENTITY'), 'utf8')) as { cluster: string }
  const child = bare(process.execPath, [main, 'node', '8', '--id', id, ...place, '--cluster', cluster, '--json'])
  t.teardown(() => child.kill('SIGKILL'))
  const events: Happened[] = []
  const watchers = new Set<() => void>()
  child.stdout!.pipe(ndjson.parse()).on('data', (event: Happened) => {
    events.push(event)
    for (const watcher of watchers) watcher()
  })
  return async (name: string): Promise<Happened> => {
    for (;;) {
      const found = events.find(({ event }) => event === name)
      if (found) return found
      await new Promise<void>((resolve) => watchers.add(resolve))
    }
  }
}

for (const network of size(['tcp', 'udp'], ['tcp', 'grpc', 'udp']))
  t.test(
    `${network}: a copied folder that is started elsewhere is told, and rests until its double is gone`,
    async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
      t.teardown(() => rmSync(folder, { recursive: true, force: true }))
      const args = ['--nodes', '3', '--network', network, '--data-dir', folder]
      const cluster = await new RunningCluster(t, 8, args).ready()
      const client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
      t.teardown(() => client.close())
      await client.set('a', '1')
      await cluster.say('kill n3')
      cpSync(join(folder, 'n3'), join(folder, 'copy'), { recursive: true })
      await cluster.say('restart n3')
      const first = await client.call({ command: 'info' })
      if (first.outcome !== 'done') throw new Error(first.error.message)
      const { leader, term } = first.answer.info as Status
      const [elsewhere] = localMembers(1, '127.0.0.1', await freeBasePort(1, '127.0.0.1')) as [Member]
      const happens = start(t, { ...elsewhere, id: 'n3' }, join(folder, 'copy'), network)
      t.match(await happens('doubled'), { node: 'n3', address: cluster.node('n3').peer })
      const asked = await client.call({ command: 'info' }, { at: elsewhere.client })
      t.match(asked, { answer: { info: { double: cluster.node('n3').peer, advice: /copy/ } } })
      await client.set('a', '2')
      t.match(await client.call({ command: 'info' }, { at: cluster.node(leader!).client }), {
        answer: { info: { role: 'leader', term } },
      })
      await cluster.say('kill n3')
      t.match(await happens('double_gone'), { node: 'n3' }, 'its double is gone: it goes on')
      await client.set('a', '3')
    },
  )
