import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { etcdClient } from '../../client/engine/etcd/client.js'
import { EtcdCluster } from '../../client/engine/etcd/cluster.js'
import { etcdIsMissing, installedEtcd } from '../../client/engine/etcd/program.js'
import type { Event } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'

/** The options of a test that needs etcd: it says that it did not run where there is none. */
export const etcdOnly = { skip: installedEtcd() === null ? etcdIsMissing : false } as const

const host = '127.0.0.1'

/** A cluster of etcd in a folder of its own, and a client of it; both end with the test. */
export interface TestedEtcd {
  readonly cluster: EtcdCluster
  readonly addresses: readonly string[]
  readonly client: Client
  readonly events: readonly Event[]
}

export async function startEtcd(t: Test, nodes: number): Promise<TestedEtcd> {
  const dataDir = mkdtempSync(join(tmpdir(), 'raft-roadmap-etcd-'))
  const members = localMembers(nodes, host, await freeBasePort(nodes, host))
  const events: Event[] = []
  const cluster = new EtcdCluster({ members, dataDir, onEvent: (event) => events.push(event), onStderr: () => {} })
  const addresses = members.map(({ client }) => client)
  const client = etcdClient({ addresses, deadlineMs: 20_000 })
  t.teardown(async () => {
    client.close()
    await cluster.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })
  await cluster.start()
  return { cluster, addresses, client, events }
}
