import { randomUUID } from 'node:crypto'
import type { Event, Member, ReadPolicy } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { localMembers } from '../../src/network/local-members.js'
import { Cluster } from '../../src/server/cluster.js'
import { writableFolder } from '../../src/server/config.js'
import { DataFolder, type Kept } from '../../src/server/data-folder.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { Client } from '../client.js'
import { readsAndWrites } from '../commands-of.js'
import type { RunningCluster } from '../engine/cluster.js'
import { nodeColour } from '../text/colour.js'
import { freeBasePort } from './free-ports.js'
import { Membership, type MemberWords } from './membership.js'

export const defaultBasePort = 7000
/** The distance of a node's port for gRPC from its port for clients. */
const appPortsAbove = 200

export interface LocalClusterOptions {
  readonly stage: Stage
  /** The path of the script that a child process runs. */
  readonly entry: string
  readonly nodes: number
  readonly host: string
  /** The first port of the cluster; 0 finds free ports. */
  readonly basePort: number
  readonly network: NetworkName | undefined
  readonly log: LogKind
  readonly heartbeat: number
  readonly election: number
  readonly snapshotEntries: number
  readonly snapshotBytes: number
  readonly leaseReads: boolean
  /** True for ports for gRPC: base+201 and following. */
  readonly appPorts: boolean
  readonly dataDir: string | undefined
  readonly trace: string | undefined
  /** True if each node serves metrics and health over HTTP. */
  readonly metrics: boolean
  /** The nodes that the client asks for reads. */
  readonly reads: ReadPolicy
  /** True if the client opens no session. */
  readonly noSession: boolean
  readonly onEvent: (event: Event) => void
  /** Called with every step of each node, if somebody looks on. */
  readonly onTrace?: (event: Event) => void
  readonly onStderr: (text: string) => void
}

/** A cluster of processes that was started here, and a client of it. */
export interface LocalCluster {
  readonly cluster: RunningCluster
  readonly client: Client
  readonly data: DataFolder | null
  /** Adds and removes nodes; null where the members are fixed. */
  readonly membership: MemberWords | null
  stop(): Promise<void>
}

/**
 * Starts a cluster of processes. @throws ConfigError if it cannot start, or if the data folder was used for something
 * else
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { stage, host, dataDir } = options
  const data = stage.keeps === 'nothing' && dataDir === undefined ? null : new DataFolder(dataDir)
  try {
    if (stage.keeps !== 'nothing') await data?.checkKind(options.log)
    const kept = await keptOrNew(options, data)
    const cluster = new Cluster(clusterOptions(options, data, kept))
    const membersChange = stage.members === 'changing'
    const isKept = membersChange && options.log !== 'memory'
    if (isKept) await data?.remember(kept)
    await cluster.start()
    const addresses = cluster.nodes().map((node) => node.client)
    const application = readsAndWrites(stage.application.commands)
    const client = new Client({ addresses, reads: options.reads, session: !options.noSession, application })
    const noted = isKept ? data : null
    const premises = { cluster, client, data: noted, host, basePort: kept.basePort, name: kept.cluster }
    const membership = membersChange ? new Membership(premises) : null
    await membership?.remember()
    const stop = async () => {
      client.close()
      await cluster.stop()
      data?.remove()
    }
    return { cluster, client, data, membership, stop }
  } catch (error) {
    data?.remove()
    throw error
  }
}

/**
 * Reads the cluster that the data folder holds, or plans a new one. Where members change, a cluster keeps its members
 * and addresses, because they are in its logs.
 */
async function keptOrNew(options: LocalClusterOptions, data: DataFolder | null): Promise<Kept> {
  const { stage, nodes: count, host, basePort: wanted, log } = options
  const before = stage.members === 'changing' && log !== 'memory' ? await data?.recall() : null
  if (before) {
    if ([0, defaultBasePort, before.basePort].includes(wanted)) return before
    throw new ConfigError(
      `the nodes in ${data!.path} know each other under ports from ${before.basePort} on: leave --base-port out`,
    )
  }
  const basePort = wanted || (await freeBasePort(count, host, options.metrics))
  const cluster = (await data?.cluster()) ?? `local-${randomUUID().slice(0, 8)}`
  return { cluster, founded: false, basePort, nodes: localMembers(count, host, basePort) }
}

function clusterOptions(options: LocalClusterOptions, data: DataFolder | null, { cluster, founded, nodes }: Kept) {
  const { stage, entry, network, log, heartbeat, election, trace, onEvent, onTrace, onStderr } = options
  const { snapshotEntries, snapshotBytes, leaseReads, appPorts, metrics } = options
  return {
    stage: stage.number,
    entry,
    members: nodes as readonly Member[],
    isFounded: stage.members === 'changing' ? founded : null,
    network: network ?? stage.network,
    cluster,
    log,
    pace: { heartbeatMs: heartbeat, electionMs: election },
    choices: { snapshotEntries, snapshotBytes, leaseReads },
    appPortsAbove: appPorts ? appPortsAbove : undefined,
    dataDir: stage.keeps === 'nothing' ? null : (data?.path ?? null),
    traceDir: trace === undefined ? null : writableFolder(trace),
    metrics,
    onEvent,
    ...(onTrace && { onTrace }),
    onStderr: (node: string, text: string) =>
      onStderr(text.trimEnd().replaceAll(/^/gm, `${nodeColour(node.padEnd(3))} `)),
  }
}
