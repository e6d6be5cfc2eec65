import { accessSync, constants, mkdirSync } from 'node:fs'
import { z } from 'zod'
import { plainAddress } from '../address.js'
import { defaultTiming, limits, type Member, type Timing } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { quotasShape } from './quotas.js'
import {
  addressShape,
  defaultSettings,
  hostShape,
  nodeIdShape,
  portShape,
  priorityShape,
  settingShapes,
  tlsShape,
} from './settings.js'
import { tokenShape } from './token-shape.js'

/** The host that stands for every address of a machine. */
export const anyAddress = '0.0.0.0'

export const memberShape = z.strictObject({ id: nodeIdShape, client: addressShape, peer: addressShape })

const nodeConfig = z.strictObject({
  stage: z.int(),
  id: nodeIdShape,
  members: z.array(memberShape).min(1).max(limits.voters),
  network: settingShapes.network,
  /** The cluster's name, which all its nodes share; nodes of another cluster are refused. */
  cluster: z.string().min(1),
  /** The node's own folder for its log; null if the stage keeps nothing, or the log is in memory. */
  dataDir: z.string().nullable(),
  log: settingShapes.log,
  heartbeatMs: settingShapes.heartbeat,
  electionMs: settingShapes.election,
  snapshotEntries: settingShapes.snapshotEntries.default(defaultSettings.snapshotEntries),
  snapshotBytes: settingShapes.snapshotBytes.default(defaultSettings.snapshotBytes),
  /** True if this node founds the cluster, where members change: one node founds it, once. */
  bootstrap: z.boolean().default(false),
  leaseReads: settingShapes.leaseReads.default(defaultSettings.leaseReads),
  priority: priorityShape.default(0),
  /** Bounds that an operator has set on what clients make the node hold. */
  quotas: quotasShape,
  /** The port for the services of gRPC, at the host of the client address; null for no port of their own. */
  appPort: portShape.nullable().default(null),
  /** The port for metrics and health over HTTP, at the host of the client address; null for none. */
  metricsPort: portShape.nullable().default(null),
  /**
   * The host to listen at on every port, if it is another than those in the addresses that others are told; 0.0.0.0 is
   * every address of the machine.
   */
  listen: hostShape.nullable().default(null),
  /** The file of tokens; null if none are demanded. */
  tokens: settingShapes.tokens.nullable().default(null),
  metricsOpen: settingShapes.metricsOpen.default(defaultSettings.metricsOpen),
  /** The salted hash of the token with which the supervisor asks; null if there is none. */
  supervisor: tokenShape.nullable().default(null),
  /** The node's certificate; null for a node that speaks plainly. */
  tls: tlsShape.nullable().default(null),
  /** The file that gets a line of JSON for each event of the node; null for none. */
  trace: z.string().nullable(),
  /** True if the supervisor looks on: it then gets every step by a pipe of its own. */
  watched: z.boolean().default(false),
})

/** The two times that decide how fast a cluster notices that its leader is gone. */
export interface Pace {
  readonly heartbeatMs: number
  readonly electionMs: number
}

export const defaultPace: Pace = {
  heartbeatMs: defaultSettings.heartbeat,
  electionMs: defaultSettings.election,
}

/** The growth of a log, in entries and in bytes, after which a snapshot is due; and whether leaders take leases. */
export interface Choices extends Pick<Timing, 'snapshotEntries' | 'snapshotBytes'> {
  readonly leaseReads: boolean
}

/** The configuration of one node's process. */
export type NodeConfig = z.infer<typeof nodeConfig>

/** Checks a node's configuration once, before anything runs. @throws ConfigError that says what to change */
export function checkNodeConfig(candidate: unknown): NodeConfig {
  const checked = nodeConfig.safeParse(candidate)
  if (!checked.success) {
    const issue = checked.error.issues[0]!
    throw new ConfigError(`${issue.path.join('.')}: ${issue.message}`)
  }
  const config = checked.data
  checkMembers(config.members)
  checkPace(config)
  if (!config.members.some((member) => member.id === config.id)) {
    throw new ConfigError(`${config.id} is not among the members ${config.members.map(({ id }) => id).join(', ')}`)
  }
  return config
}

/** Checks that some heartbeats fit into an election time-out. @throws ConfigError if a single lost one would matter */
export function checkPace({ heartbeatMs, electionMs }: Pace): void {
  if (electionMs >= 3 * heartbeatMs) return
  throw new ConfigError(
    `an election after ${electionMs} ms of silence leaves no room for a lost heartbeat: ` +
      `make it at least 3 times the heartbeat's ${heartbeatMs} ms`,
  )
}

/**
 * The part of an election time-out for which a lease lasts: a voter's ticks may be a quarter faster than the leader's
 * clock.
 */
const leasePart = 0.8

/** Converts a node's timing to ticks. A tick has its usual length, unless heartbeats are more frequent. */
export function timingOf(config: Pace & Choices): Timing {
  const { heartbeatMs, electionMs, snapshotEntries, snapshotBytes, leaseReads } = config
  const tickMs = Math.min(defaultTiming.tickMs, heartbeatMs)
  const inTicks = (ms: number) => Math.max(1, Math.round(ms / tickMs))
  const requestTimeoutTicks = inTicks(defaultTiming.requestTimeoutTicks * defaultTiming.tickMs)
  const [heartbeatTicks, electionTicks] = [inTicks(heartbeatMs), inTicks(electionMs)]
  const sessionTicks = inTicks(defaultTiming.sessionTicks * defaultTiming.tickMs)
  const inTime = { tickMs, requestTimeoutTicks, heartbeatTicks, electionTicks, sessionTicks }
  const leaseMs = leaseReads ? Math.floor(leasePart * electionMs) : 0
  return { ...defaultTiming, ...inTime, leaseMs, snapshotEntries, snapshotBytes }
}

/** Checks that no name and no address is given to two nodes. @throws ConfigError that names both */
export function checkMembers(members: readonly Member[]): void {
  const seen = new Map<string, string>()
  for (const { id, client, peer } of members) {
    for (const [name, what] of [
      [id, `the name ${id}`],
      [plainAddress(client), `the address ${client}`],
      [plainAddress(peer), `the address ${peer}`],
    ] as const) {
      if (seen.has(name)) throw new ConfigError(`${what} is given twice (${seen.get(name)} and ${id})`)
      seen.set(name, id)
    }
  }
}

/** Makes a folder if it is missing, and checks that it can be written to. @throws ConfigError if not */
export function writableFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true })
    accessSync(path, constants.W_OK)
    return path
  } catch (error) {
    throw new ConfigError(`cannot write to the folder ${path}: ${(error as Error).message}`)
  }
}
