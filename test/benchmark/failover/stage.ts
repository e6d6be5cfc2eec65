import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from '../../../client/client.js'
import { freeBasePort } from '../../../client/cluster/free-ports.js'
import type { NodeId } from '../../../src/contracts.js'
import { localMembers } from '../../../src/network/local-members.js'
import { Cluster } from '../../../src/server/cluster.js'
import type { Pace } from '../../../src/server/config.js'
import { latest } from '../../../stages/index.js'
import { dataFolder, removeFolder } from '../data-folder.js'
import type { Subject } from './subject.js'

const host = '127.0.0.1'
const pollMs = 20
const deadlineMs = 60_000

/** A cluster of the newest stage, and a client of the library with its own settings. */
export async function startStage(nodes: number, pace: Pace): Promise<Subject> {
  const members = localMembers(nodes, host, await freeBasePort(nodes, host))
  const folder = dataFolder()
  const cluster = new Cluster({
    stage: latest.number,
    entry: fileURLToPath(new URL('../../../client/node-entry.js', import.meta.url)),
    members,
    isFounded: false,
    network: latest.network,
    cluster: `failover-${randomUUID().slice(0, 8)}`,
    log: 'file',
    pace,
    dataDir: folder,
    traceDir: null,
    onEvent: () => {},
    onStderr: (node, text) => console.error(`${node} ${text.trimEnd()}`),
  })
  await cluster.start()
  const client = new Client({ addresses: members.map((member) => member.client), deadlineMs })
  let leader = await agreed(cluster, nodes)
  let killed: Promise<unknown> = Promise.resolve()
  return {
    kill() {
      killed = cluster.faults.kill(leader)
    },
    write: (value) => client.set('k', value),
    async revive() {
      await killed
      await cluster.faults.restart(leader)
      leader = await agreed(cluster, nodes)
    },
    async stop() {
      client.close()
      await cluster.stop()
      removeFolder(folder)
    },
  }
}

/** Waits until all nodes follow one leader, and have all that it has committed. */
async function agreed(cluster: Cluster, nodes: number): Promise<NodeId> {
  for (;;) {
    const statuses = await cluster.statuses()
    const leader = statuses.find(({ role }) => role === 'leader')
    const isFollowed = ({ leader: followed, applied }: (typeof statuses)[number]) =>
      followed === leader?.id && applied === leader?.applied
    if (leader && statuses.length === nodes && statuses.every(isFollowed)) return leader.id
    await delay(pollMs)
  }
}
