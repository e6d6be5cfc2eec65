import type { LogKind, NetworkName } from '../../src/stage.js'
import { latest } from '../../stages/index.js'
import type { EchoReply } from './echo.js'
import type { LoadShape } from './load.js'

/**
 * What a cluster can be measured against: a bare server, the limit for a durable log in Node, the yardstick of the
 * field; and the same cluster once more, while its nodes write traces, or while somebody watches them as a page does.
 */
export const contenderNames = ['echo', 'ideal', 'etcd', 'traced', 'watched'] as const
export type ContenderName = (typeof contenderNames)[number]

/** One thing to measure: a cluster of a stage under a load, against others under the same load. */
export interface Profile {
  readonly stage: number
  readonly nodes: number
  /** What the nodes speak over. */
  readonly network: NetworkName
  /** The store of each node's log, where a stage keeps one. */
  readonly log: LogKind
  readonly load: LoadShape
  readonly against: readonly ContenderName[]
  readonly echo: EchoReply
  readonly warmUpSeconds: number
  readonly seconds: number
  /** How many times each is measured, in turns. */
  readonly rounds: number
}

/** What a load is unless an option says otherwise. */
export const defaultLoad = {
  clients: 64,
  pipeline: 1,
  valueBytes: 256,
  reads: 0,
  keys: 1000,
  readPolicy: 'leader',
} as const

/** A client has a connection to itself, as far as this many go. */
export const defaultMaxConnections = 100

/**
 * Seconds of load before anything is counted: functions get compiled meanwhile. At one client that takes thousands of
 * operations, and so some seconds.
 */
export const warmUpSeconds = 5

export function profile(
  stage: number,
  nodes: number,
  network: NetworkName,
  load: Partial<LoadShape>,
  rest: Omit<Profile, 'stage' | 'nodes' | 'network' | 'load' | 'warmUpSeconds'>,
): Profile {
  const whole = { ...defaultLoad, ...load }
  const connections = load.connections ?? Math.min(whole.clients, defaultMaxConnections)
  return { stage, nodes, network, load: { ...whole, connections }, warmUpSeconds, ...rest }
}

/**
 * What runs when nothing in particular is asked for: the price of stage 0 over a bare echo server, and the newest stage
 * from one client to many. About three minutes with the defaults.
 */
export function standardProfiles(seconds: number, rounds: number | undefined, echo: EchoReply): Profile[] {
  const against: readonly ContenderName[] = ['echo']
  const log = 'file'
  const alone = [0, 1].map((reads) =>
    profile(0, 1, 'tcp', { reads }, { seconds, rounds: rounds ?? 3, against, echo, log }),
  )
  const replicated = [1, 16, 64, 256].map((clients) =>
    profile(latest.number, 5, latest.network, { clients }, { seconds, rounds: rounds ?? 1, against, echo, log }),
  )
  return [...alone, ...replicated]
}
