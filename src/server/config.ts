import { accessSync, constants, mkdirSync } from 'node:fs'
import { z } from 'zod'
import { addressProblem, plainAddress } from '../address.js'
import { defaultTiming, isNodeId, limits, type Member, type Timing } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { logKinds, networkNames } from '../stage.js'

/** The shape of an address that other nodes, and clients, are told. */
const address = z.string().refine((text) => addressProblem(text) === null, {
  error: ({ input }) => `${JSON.stringify(input)} must be ${addressProblem(String(input))}`,
})
const memberId = z.string().refine(isNodeId, { error: 'a name is 1 to 32 letters, digits, - or _, and not __proto__' })

export const memberShape = z.strictObject({ id: memberId, client: address, peer: address })

const nodeConfig = z.strictObject({
  stage: z.int(),
  id: memberId,
  members: z.array(memberShape).min(1).max(limits.voters),
  /** The network that carries messages between nodes. */
  network: z.enum(networkNames),
  /** The cluster's name, which all its nodes share; nodes of another cluster are refused. */
  cluster: z.string().min(1),
  /** The node's own folder for its log; null if the stage keeps nothing, or the log is in memory. */
  dataDir: z.string().nullable(),
  /** The kind of store that keeps the log, at the stages that have one. */
  log: z.enum(logKinds),
  /** Milliseconds between the heartbeats of an idle leader. */
  heartbeatMs: z.int().min(1).max(60_000),
  /** Milliseconds of a leader's silence, at least, after which a follower begins an election. */
  electionMs: z.int().min(1).max(600_000),
  /** Entries of the log after which a snapshot is due (stage 7 on). */
  snapshotEntries: z.int().min(1).default(defaultTiming.snapshotEntries),
  /** Bytes of the log's entries after which a snapshot is due (stage 7 on). */
  snapshotBytes: z.int().min(1).default(defaultTiming.snapshotBytes),
  /** True if this node founds the cluster, where members change: one node founds it, once. */
  bootstrap: z.boolean().default(false),
  /** True if a leader may answer reads by a lease (stage 10 on): all nodes must have it, or none. */
  leaseReads: z.boolean().default(false),
  /** The preference for this node as leader (stage 10 on): the higher number goes first. */
  priority: z.int().min(0).max(1000).default(0),
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
  heartbeatMs: defaultTiming.heartbeatTicks * defaultTiming.tickMs,
  electionMs: defaultTiming.electionTicks * defaultTiming.tickMs,
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
  if (config.electionMs < 3 * config.heartbeatMs) {
    throw new ConfigError(
      `an election after ${config.electionMs} ms of silence leaves no room for a lost heartbeat: ` +
        `make it at least 3 times the heartbeat's ${config.heartbeatMs} ms`,
    )
  }
  if (!config.members.some((member) => member.id === config.id)) {
    throw new ConfigError(`${config.id} is not among the members ${config.members.map(({ id }) => id).join(', ')}`)
  }
  return config
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

function checkMembers(members: readonly Member[]): void {
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
