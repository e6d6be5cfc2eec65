import type { Ask, Clock, Codec, LogStore, Member, Network, NodeSettings, Random } from './contracts.js'
import type { Access } from './network/access.js'
import { Quota } from './network/client-quota.js'
import type { Schemas } from './network/grpc-protos.js'
import { type MakeNetwork, openNetwork } from './network/networks.js'
import type { NodeTls } from './network/tls.js'
import { type Doors, Node } from './node.js'
import { NodeLimits } from './node-limits.js'
import type { Quotas } from './server/quotas.js'
import type { LogKind, NetworkName, Stage } from './stage.js'
import { DiskRoom } from './storage/disk-room.js'
import { type Files, realFiles } from './storage/files.js'
import { openLogStore } from './storage/open-log-store.js'
import { doorsOf, StateWatch, type Tracer, watchedLog } from './trace/watch.js'

/** The parts of a node: its settings, and the world around it. */
export interface NodeParts extends Omit<NodeSettings, 'members'>, Pick<Doors, 'notice' | 'turned' | 'fatal'> {
  readonly members: readonly Member[]
  /** The cluster's name. */
  readonly cluster: string
  /** The tokens that clients over gRPC are asked for; left out if none are demanded. */
  readonly access?: Access | undefined
  /** The address to listen at for nodes, if it is another than the one that the members know. */
  readonly listen?: string | undefined
  readonly network: NetworkName | MakeNetwork
  /** The node's certificate, where nodes speak TLS with each other. */
  readonly tls?: NodeTls | undefined
  /** Puts something between the node and its network. */
  readonly around?: (network: Network) => Network
  /** Puts something between the node and the store of its log. */
  readonly aroundLog?: (log: LogStore) => LogStore
  /** Puts something between the node's log and its files, where it is kept in files. */
  readonly aroundFiles?: (files: Files) => Files
  /** Puts something around the codec of messages between nodes. */
  readonly aroundCodec?: (codec: Codec) => Codec
  /** The kind of store for the log, or a store; not used at the stages that keep nothing. */
  readonly log: LogKind | LogStore
  readonly dataDir: string | null
  readonly clock: Clock
  readonly random: Random
  /** Bounds on the store and the disk; the usual ones if it is left out. */
  readonly quotas?: Quotas
  /** Hears every step of the node; if it is left out, nothing is spent on it. */
  readonly tracer?: Tracer
  /** The `.proto` files for a node that speaks gRPC. */
  readonly schemas: Schemas
}

/** A node with its parts; it is to be started. */
export interface AssembledNode {
  readonly node: Node
  readonly ask: Ask
  /** Lets go of network and folder, for a node that has died: it did not come to {@link Node.stop}. */
  release(): Promise<void>
}

/**
 * Puts a node together: the stage's core and application, a network, and a store for the log.
 *
 * @throws ConfigError if the network or the store cannot be had with these parts
 */
export async function assembleNode(stage: Stage, parts: NodeParts): Promise<AssembledNode> {
  const { id: self, members, cluster, listen, timing, clock, random, notice, turned, fatal, tracer } = parts
  const quota = new Quota(parts.quotas ?? {}, clock, notice)
  const ask = quota.guard((candidate, answer) => node.ask(candidate, answer))
  const electionMs = timing.electionTicks * timing.tickMs
  const { aroundCodec, access, tls, bootstrap, priority = 0, features = [], about } = parts
  const release = { stage: stage.number, features }
  const site = { self, members, cluster, listen, electionMs, clock, random, notice, aroundCodec, release, access, tls }
  const wire = await openNetwork(parts.network, stage, site, ask, parts.schemas)
  const network = parts.around?.(wire) ?? wire
  const disk = diskOf(stage, parts)
  const limits = new NodeLimits(stage, parts.quotas ?? {}, disk)
  const store = logOf(stage, parts)
  const looked = store && (disk?.around(store) ?? store)
  const around = looked && (parts.aroundLog?.(looked) ?? looked)
  const log = around && tracer ? watchedLog(around, tracer) : around
  const states = tracer && new StateWatch(tracer, clock, () => node.status)
  const ended = () => {
    states?.turned()
    turned?.()
  }
  const node: Node = new Node(
    stage,
    {
      ...{ id: self, members, random, timing, bootstrap, priority, features, about },
      ...(stage.asksForRoom && { admission: limits }),
    },
    {
      ...{ network, machine: limits.machine, clock, notice, fatal },
      ...(log && { log }),
      ...(tracer && doorsOf(tracer)),
      ...((states || turned) && { turned: ended }),
    },
  )
  const letGo = async () => {
    await network.stop()
    await log?.close()
  }
  return { node, ask, release: letGo }
}

/** Makes the look at the node's disk; null if it keeps nothing there, or its rules ask for no room. */
function diskOf(stage: Stage, { log, dataDir, clock, notice, quotas = {}, aroundFiles }: NodeParts): DiskRoom | null {
  if (!stage.asksForRoom || dataDir === null || typeof log === 'object' || log === 'memory') return null
  const files = aroundFiles?.(realFiles) ?? realFiles
  return new DiskRoom({ files, folder: dataDir, reserve: quotas.diskReserve, clock, notice })
}

/** Makes the store of the node's log; null at the stages that keep nothing. @throws ConfigError if it needs a folder */
function logOf(
  stage: Stage,
  { log, dataDir, cluster, id: node, notice, fatal, aroundFiles }: NodeParts,
): LogStore | null {
  if (stage.keeps === 'nothing') return null
  return typeof log === 'object'
    ? log
    : openLogStore(log, dataDir, { cluster, node }, notice, fatal, aroundFiles?.(realFiles))
}
