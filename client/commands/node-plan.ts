import { dirname, resolve } from 'node:path'
import type { Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { writableFolder } from '../../src/server/config.js'
import type { LogLevel } from '../../src/server/levels.js'
import { ProcessFolder } from '../../src/server/process-folder.js'
import { type Quotas, quotasIn } from '../../src/server/quotas.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { nodeNamed, readClusterFile } from '../cluster/cluster-file.js'
import { filesFor, ownPlaces, placesIn, type TlsPlaces } from '../cluster/tls-places.js'
import { onlyStage, type Served } from './served.js'

/** The arguments of `node`. */
export interface NodeArguments extends Quotas {
  stage: string | undefined
  config: string | undefined
  id: string | undefined
  peers: string | undefined
  network: NetworkName | undefined
  log: LogKind
  heartbeat: number
  election: number
  snapshotEntries: number
  snapshotBytes: number
  leaseReads: boolean
  logLevel: LogLevel
  tokens: string | undefined
  metricsOpen: boolean
  priority: number | undefined
  appPort: number | undefined
  metricsPort: number | undefined
  listen: string | undefined
  certs: string | undefined
  noClientCertificates: boolean
  cluster: string | undefined
  bootstrap: boolean
  dataDir: string | undefined
  trace: string | undefined
  json: boolean
  inBackground: boolean
}

/** A node that is about to be started. */
export interface NodePlan {
  readonly stage: Stage
  /** The node's configuration, which is checked when it starts. */
  readonly config: object
  readonly self: Member
  /** True if the founding of the cluster needs an operator's word. */
  readonly isFoundingUnconfirmed: boolean
  /** The folder of its process, where a file describes the cluster. */
  readonly folder: ProcessFolder | null
  readonly note: { readonly cluster: string; readonly config: string; readonly tokens: string | null }
}

/** Plans a node from the file that describes its cluster, or from flags. @throws ConfigError that says what is missing */
export function planNode(served: Served, args: NodeArguments): NodePlan {
  return args.config === undefined ? planFromFlags(served, args) : planFromFile(served, args, args.config)
}

function planFromFlags(served: Served, args: NodeArguments): NodePlan {
  const { id, peers, cluster = 'raft-roadmap', bootstrap, log, dataDir } = args
  if (served.namesStage && args.stage === undefined)
    throw new ConfigError('which stage? Its number, its name or "latest"; or --config')
  if (id === undefined || peers === undefined)
    throw new ConfigError(`--${id === undefined ? 'id' : 'peers'} is missing; or --config, for a file that says it`)
  const stage = served.stage(args.stage)
  if (bootstrap && stage.members === 'fixed') {
    throw new ConfigError(`--bootstrap: at stage ${stage.number} the members are fixed, and nobody founds anything`)
  }
  if (stage.keeps !== 'nothing' && log !== 'memory' && dataDir === undefined) {
    throw new ConfigError(`stage ${stage.number} keeps a log: --data-dir says in which folder, this node's own`)
  }
  const members = parsePeers(peers)
  const isAlone = members.length === 1
  return {
    stage,
    // A founder without other members needs an operator's word: the flag is also given after a loss of its disk.
    config: configOf(args, stage, { id, members, cluster, bootstrap: bootstrap && !isAlone, dataDir, tls: null }),
    self: members.find((member) => member.id === id) ?? members[0]!,
    isFoundingUnconfirmed: bootstrap && isAlone,
    folder: null,
    note: { cluster, config: '', tokens: null },
  }
}

/** The flags that say what the file says for all nodes alike: with both, one would be ignored. */
const ofTheFile = ['stage', 'peers', 'cluster', 'bootstrap'] as const

/**
 * Plans a node of a file. Where members change, the first node of the file founds the cluster with the others, when they
 * know of none; each other node is told itself alone.
 */
function planFromFile(served: Served, args: NodeArguments, path: string): NodePlan {
  const double = ofTheFile.find((name) => args[name] !== undefined && args[name] !== false)
  if (double) throw new ConfigError(`${double === 'stage' ? 'the stage' : `--${double}`} is in the file; leave it out`)
  const file = readClusterFile(path, onlyStage(served))
  if (args.id === undefined) throw new ConfigError(`--id is missing: which of the nodes in ${path} this is`)
  const node = nodeNamed(file, args.id)
  const { stage, cluster, nodes, dataDir } = file
  const isFounder = stage.members === 'changing' && nodes.length > 1 && nodes[0] === node
  const members = (stage.members === 'fixed' || isFounder ? nodes : [node]).map(plain)
  const folder = args.dataDir ?? (stage.keeps === 'nothing' ? undefined : node.folder)
  const { priority = node.priority, appPort = node.appPort ?? undefined } = args
  const { metricsPort = node.metricsPort ?? undefined, listen = node.listen ?? undefined } = args
  const own = { id: node.id, members, cluster, bootstrap: isFounder, dataDir: folder, tls: ownPlaces(file) }
  return {
    stage,
    config: configOf({ ...args, priority, appPort, metricsPort, listen }, stage, own),
    self: plain(node),
    isFoundingUnconfirmed: false,
    folder: new ProcessFolder(args.dataDir === undefined ? dataDir : dirname(args.dataDir), node.id),
    note: { cluster, config: file.path, tokens: args.tokens === undefined ? null : resolve(args.tokens) },
  }
}

const plain = ({ id, client, peer }: Member): Member => ({ id, client, peer })

interface Own {
  readonly id: string
  readonly members: readonly Member[]
  readonly cluster: string
  readonly bootstrap: boolean
  readonly dataDir: string | undefined
  /** The certificates that the file names, or that `up --tls` has made. */
  readonly tls: TlsPlaces | null
}

function configOf(args: NodeArguments, stage: Stage, { dataDir, tls, ...own }: Own): object {
  const { network, log, heartbeat, election, snapshotEntries, snapshotBytes, leaseReads, tokens, metricsOpen, trace } =
    args
  return {
    ...own,
    stage: stage.number,
    network: network ?? stage.network,
    log,
    heartbeatMs: heartbeat,
    electionMs: election,
    ...{ snapshotEntries, snapshotBytes, leaseReads, quotas: quotasIn(args) },
    tokens: tokens ?? null,
    metricsOpen,
    priority: args.priority ?? 0,
    appPort: args.appPort ?? null,
    metricsPort: args.metricsPort ?? null,
    listen: args.listen ?? null,
    dataDir: dataDir === undefined ? null : writableFolder(dataDir),
    tls: tlsOf(args, tls, own.id),
    trace: trace ?? null,
  }
}

/** Finds the certificate of a node; null if it is to speak plainly. @throws ConfigError if a flag would mean nothing */
function tlsOf({ certs, noClientCertificates }: NodeArguments, ofFile: TlsPlaces | null, id: string) {
  const places = certs === undefined ? ofFile : placesIn(certs)
  if (places) return { ...filesFor(places, id), ...(noClientCertificates && { clientCertificates: false }) }
  if (noClientCertificates) throw new ConfigError('--no-client-certificates goes with --certs, or with tls in the file')
  return null
}

/** Parses the option `--peers`. @throws ConfigError that shows its form */
export function parsePeers(text: string): Member[] {
  return text.split(',').map((part) => {
    const [, id, client, peer] = /^([^=]+)=([^/]+)\/(.+)$/.exec(part.trim()) ?? []
    if (id && client && peer) return { id, client, peer }
    throw new ConfigError(`--peers: ${JSON.stringify(part)} is not of the form n1=client-host:port/peer-host:port`)
  })
}
