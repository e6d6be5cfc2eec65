/** etcd as an engine: the same prompt, client, faults and verdicts, over nodes of others. */
import { ConfigError } from '../../../src/errors.js'
import { hostedMembers, localMembers } from '../../../src/network/local-members.js'
import { DataFolder } from '../../../src/server/data-folder.js'
import { defaultSettings } from '../../../src/server/settings.js'
import { freeBasePort } from '../../cluster/free-ports.js'
import { defaultBasePort, type LocalCluster, type LocalClusterOptions } from '../../cluster/local-cluster.js'
import { colour, nodeColour } from '../../text/colour.js'
import type { Engine } from '../engine.js'
import { etcdClient } from './client.js'
import { EtcdCluster } from './cluster.js'
import { etcdCommands } from './commands.js'
import { EtcdMembership } from './membership.js'
import { requireEtcd } from './program.js'

type Options = Omit<LocalClusterOptions, 'stage' | 'entry'>

/** The engine of etcd. */
export const etcd: Engine = {
  commands: etcdCommands,
  get facts() {
    return { engine: `etcd ${requireEtcd()}` }
  },
  prompt: 'etcd',
  get title() {
    return [
      colour.bold(`etcd ${requireEtcd()}`) + colour.dim(' · five processes of another system, under the same words'),
    ]
  },
  tries: () => 'set a 1 · get a · status · add n6 · kill leader',
  besides: (host, port) => `etcdctl --endpoints ${host}:${port} get a`,
  start: startEtcd,
  answering: ({ client, cluster, membership }) => ({
    client,
    addresses: cluster.nodes().map((node) => node.client),
    shapes: etcdCommands,
    cluster,
    ...(membership && { membership }),
    withoutLogs: 'those of etcd are its own, and `etcdctl` and its kin read them',
  }),
}

async function startEtcd(options: Options): Promise<LocalCluster> {
  requireEtcd()
  refuseOthers(options)
  const { nodes, host, hosts, basePort: wanted, dataDir, onEvent, onStderr, reads } = options
  const data = new DataFolder(dataDir)
  try {
    // On hosts, every port is free.
    const basePort = wanted || (hosts ? defaultBasePort : await freeBasePort(nodes, host))
    const members = hosts ? hostedMembers(nodes, basePort) : localMembers(nodes, host, basePort)
    const complain = (node: string, text: string) => onStderr(`${nodeColour(node.padEnd(3))} ${text}`)
    const cluster = new EtcdCluster({
      ...{ members, hosts, dataDir: data.path, more: { ...paceOf(options), ...options.etcdOption } },
      ...{ onEvent, onStderr: complain },
    })
    await cluster.start()
    const client = etcdClient({ addresses: members.map(({ client }) => client), reads })
    const membership = new EtcdMembership({ cluster, client, data, host, basePort })
    const stop = async () => {
      client.close()
      await cluster.stop()
      data.remove()
    }
    return { cluster, client, data, membership, certs: null, stop }
  } catch (error) {
    data.remove()
    throw error
  }
}

/** The times of etcd, where a person has asked for others than ours; otherwise etcd has its own. */
function paceOf({ heartbeat, election }: Options): Readonly<Record<string, string>> {
  return {
    ...(heartbeat !== defaultSettings.heartbeat && { 'heartbeat-interval': String(heartbeat) }),
    ...(election !== defaultSettings.election && { 'election-timeout': String(election) }),
  }
}

/** Refuses options that mean something to our nodes alone. @throws ConfigError that names the first of them */
function refuseOthers({ network, log, leaseReads, appPorts, metrics, trace, onTrace, tls, tokens }: Options): void {
  const given = {
    '--network': network !== undefined,
    '--log': log !== 'file',
    '--lease-reads': leaseReads,
    '--app-ports': appPorts,
    '--metrics': metrics,
    '--trace': trace !== undefined,
    '--tls': tls,
    '--tokens': tokens !== undefined,
    '--ui': onTrace !== undefined,
  }
  const name = Object.entries(given).find(([, isGiven]) => isGiven)?.[0]
  if (name) throw new ConfigError(`${name} is for nodes of ours; etcd has none of it`)
}
