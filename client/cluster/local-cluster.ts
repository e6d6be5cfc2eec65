import { randomUUID } from 'node:crypto'
import { clusterName } from '../../src/application.js'
import type { Event, Member, NodeId, ReadPolicy } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { appPortsAbove, hostedMembers, localMembers, metricsPortsAbove } from '../../src/network/local-members.js'
import { makeToken } from '../../src/network/token.js'
import { Cluster } from '../../src/server/cluster.js'
import { writableFolder } from '../../src/server/config.js'
import { DataFolder, type Kept } from '../../src/server/data-folder.js'
import type { Hosts } from '../../src/server/hosts/hosts.js'
import { type Quotas, quotasIn } from '../../src/server/quotas.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { Client } from '../client.js'
import { readsAndWrites } from '../commands-of.js'
import type { RunningCluster } from '../engine/cluster.js'
import { nodeColour } from '../text/colour.js'
import { freeBasePort } from './free-ports.js'
import { Membership, type MemberWords } from './membership.js'
import { clientName, clientTls, filesFor, ownAuthority, placesIn } from './tls-places.js'

export const defaultBasePort = 7000

export interface LocalClusterOptions extends Quotas {
  readonly stage: Stage
  /** The path of the script that a child process runs. */
  readonly entry: string
  readonly nodes: number
  readonly host: string
  /** Hosts for the nodes, one each; null if all run on this machine. */
  readonly hosts: Hosts | null
  /** The first port of the cluster; 0 finds free ports. */
  readonly basePort: number
  readonly network: NetworkName | undefined
  readonly log: LogKind
  readonly heartbeat: number
  readonly election: number
  readonly snapshotEntries: number
  readonly snapshotBytes: number
  readonly leaseReads: boolean
  /** The file of tokens; whoever asks must show one of them then. The client here has a token of its own. */
  readonly tokens: string | undefined
  readonly metricsOpen: boolean
  /** True for ports for gRPC: base+201 and following. */
  readonly appPorts: boolean
  readonly dataDir: string | undefined
  readonly trace: string | undefined
  /** True if each node serves metrics and health over HTTP: at base+301 and following, unless {@link metricsPort} is given. */
  readonly metrics: boolean
  /** The port for metrics of the first node, n1; the others follow. It implies {@link metrics}. */
  readonly metricsPort: number | undefined
  /** True if nodes and clients speak TLS, with certificates that are made in the data folder. */
  readonly tls: boolean
  /** The nodes that the client asks for reads. */
  readonly reads: ReadPolicy
  /** True if the client opens no session. */
  readonly noSession: boolean
  /** Options of another engine's processes, by their names; nodes of ours have none of them. */
  readonly etcdOption?: Readonly<Record<string, string>>
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
  /** The folder of the certificates; null if nobody speaks TLS. */
  readonly certs: string | null
  stop(): Promise<void>
}

/**
 * Starts a cluster of processes. @throws ConfigError if it cannot start, or if the data folder was used for something
 * else
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { stage, host, dataDir } = options
  const data = stage.keeps === 'nothing' && dataDir === undefined ? null : new DataFolder(dataDir)
  const own = options.tls && !data ? new DataFolder() : null
  const remove = () => {
    for (const folder of [data, own]) folder?.remove()
  }
  try {
    if (stage.keeps !== 'nothing') await data?.checkKind(options.log)
    const kept = await keptOrNew(options, data)
    const supervisor = options.tokens === undefined ? null : makeToken()
    const certificates = options.tls ? await certified((data ?? own)!, stage, kept) : null
    const access = accessOf(options, supervisor)
    const cluster = new Cluster({ ...clusterOptions(options, data, kept), access, ...certificates?.ofCluster })
    const membersChange = stage.members === 'changing'
    const isKept = membersChange && options.log !== 'memory'
    if (isKept) await data?.remember(kept)
    await cluster.start()
    const addresses = cluster.nodes().map((node) => node.client)
    const application = readsAndWrites(stage.application.commands)
    const client = new Client({
      addresses,
      reads: options.reads,
      session: !options.noSession,
      application,
      token: supervisor?.token,
      ...certificates?.ofClient,
    })
    const noted = isKept ? data : null
    const { basePort, cluster: name } = kept
    const above = portsAbove(options, basePort)
    const premises = { cluster, client, data: noted, host, basePort, name, above, ...certificates?.ofMembership }
    const membership = membersChange ? new Membership(premises) : null
    await membership?.remember()
    const stop = async () => {
      client.close()
      await cluster.stop()
      remove()
    }
    return { cluster, client, data, membership, certs: certificates?.path ?? null, stop }
  } catch (error) {
    remove()
    throw error
  }
}

/** Makes the certificates of a cluster, in its data folder. Those that are there, and last, are used again. */
async function certified(data: DataFolder, { application }: Stage, { cluster: named, nodes }: Kept) {
  const cluster = clusterName(application, named)
  const { AuthorityFolder, hostsOf } = await import('./authority.js')
  const path = ownAuthority(data.path)
  const folder = await AuthorityFolder.open(path, cluster)
  const certify = async (members: readonly Member[]) => {
    await folder.nodes(
      members.map(({ id }) => id),
      hostsOf(members),
    )
  }
  await certify(nodes)
  await folder.client()
  const places = placesIn(path)
  return {
    path,
    ofCluster: { tlsOf: (id: NodeId) => ({ ...filesFor(places, id), clientCertificates: true }) },
    ofClient: { tls: clientTls(places, [clientName], cluster) },
    ofMembership: { certify: (member: Member) => certify([member]) },
  }
}

/**
 * Tells nodes which tokens count: those of the file, and one for the client here. Nodes are told a salted hash of that,
 * by which nobody can ask, and the client forgets the token when it ends.
 */
function accessOf({ tokens, metricsOpen }: LocalClusterOptions, own: ReturnType<typeof makeToken> | null) {
  if (tokens === undefined || own === null) return undefined
  const { token: _, ...kept } = own
  return { tokens, metricsOpen, supervisor: { ...kept, name: 'supervisor', role: 'admin' as const, prefixes: [] } }
}

/**
 * Reads the cluster that the data folder holds, or plans a new one. Where members change, a cluster keeps its members
 * and addresses, because they are in its logs.
 */
async function keptOrNew(options: LocalClusterOptions, data: DataFolder | null): Promise<Kept> {
  const { stage, nodes: count, host, hosts, basePort: wanted, log } = options
  const before = stage.members === 'changing' && log !== 'memory' ? await data?.recall() : null
  if (before) {
    if ([0, defaultBasePort, before.basePort].includes(wanted)) return before
    throw new ConfigError(
      `the nodes in ${data!.path} know each other under ports from ${before.basePort} on: leave --base-port out`,
    )
  }
  // On hosts, every port is free.
  const basePort = wanted || (hosts ? defaultBasePort : await freeBasePort(count, host, portsAbove(options, null)))
  const cluster = (await data?.cluster()) ?? `local-${randomUUID().slice(0, 8)}`
  const nodes = hosts ? hostedMembers(count, basePort) : localMembers(count, host, basePort)
  return { cluster, founded: false, basePort, nodes }
}

type Ports = Pick<LocalClusterOptions, 'appPorts' | 'metrics' | 'metricsPort'>

/** The distance of the ports for metrics from those for clients; undefined if there are none, or it is not known yet. */
function metricsAbove({ metrics, metricsPort }: Ports, basePort: number | null): number | undefined {
  if (metricsPort !== undefined) return basePort === null ? undefined : metricsPort - (basePort + 1)
  return metrics ? metricsPortsAbove : undefined
}

/** The distances of further ports. @param basePort null while it is looked for: a port that is named has no distance yet */
function portsAbove(options: Ports, basePort: number | null): number[] {
  const above = [options.appPorts ? appPortsAbove : undefined, metricsAbove(options, basePort)]
  return above.filter((distance) => distance !== undefined)
}

function clusterOptions(options: LocalClusterOptions, data: DataFolder | null, kept: Kept) {
  const { cluster, founded, nodes } = kept
  const { stage, entry, network, log, heartbeat, election, trace, onEvent, onTrace, onStderr } = options
  const { snapshotEntries, snapshotBytes, leaseReads, appPorts } = options
  return {
    stage: stage.number,
    entry,
    members: nodes as readonly Member[],
    isFounded: stage.members === 'changing' ? founded : null,
    network: network ?? stage.network,
    cluster,
    log,
    pace: { heartbeatMs: heartbeat, electionMs: election },
    quotas: quotasIn(options),
    choices: { snapshotEntries, snapshotBytes, leaseReads },
    hosts: options.hosts,
    appPortsAbove: appPorts ? appPortsAbove : undefined,
    dataDir: stage.keeps === 'nothing' ? null : (data?.path ?? null),
    traceDir: trace === undefined ? null : writableFolder(trace),
    metricsPortsAbove: metricsAbove(options, kept.basePort),
    onEvent,
    ...(onTrace && { onTrace }),
    onStderr: (node: string, text: string) =>
      onStderr(text.trimEnd().replaceAll(/^/gm, `${nodeColour(node.padEnd(3))} `)),
  }
}
