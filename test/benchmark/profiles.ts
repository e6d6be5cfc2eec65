import type { NetworkName } from '../../src/stage.js'
import { latest } from '../../stages/index.js'
import type { EchoReply } from './echo.js'
import type { LoadShape } from './load.js'

/** One thing to measure: a cluster of a stage under a load, against the echo server under the same load. */
export interface Profile {
  readonly stage: number
  readonly nodes: number
  /** What the nodes speak over. */
  readonly network: NetworkName
  readonly load: LoadShape
  readonly echo: EchoReply
  readonly warmUpSeconds: number
  readonly seconds: number
  /** How many times each of the two is measured, in turns. */
  readonly rounds: number
}

/** What a load is unless an option says otherwise. */
export const defaultLoad = { clients: 64, pipeline: 1, valueBytes: 256, reads: 0, keys: 1000 } as const

/** A client has a connection to itself, as far as this many go. */
export const defaultMaxConnections = 100

/** Connections warm up and functions get compiled before anything is counted. */
const warmUpSeconds = 1

export function profile(
  stage: number,
  nodes: number,
  network: NetworkName,
  load: Partial<LoadShape>,
  rest: { seconds: number; rounds: number; echo: EchoReply },
): Profile {
  const whole = { ...defaultLoad, ...load }
  const connections = load.connections ?? Math.min(whole.clients, defaultMaxConnections)
  return { stage, nodes, network, load: { ...whole, connections }, warmUpSeconds, ...rest }
}

/**
 * What runs when nothing in particular is asked for: the price of stage 0 over a bare echo server, and the newest stage
 * from one client to many. Under a minute and a half with the defaults.
 */
export function standardProfiles(seconds: number, rounds: number | undefined, echo: EchoReply): Profile[] {
  const alone = [0, 1].map((reads) => profile(0, 1, 'tcp', { reads }, { seconds, rounds: rounds ?? 3, echo }))
  const replicated = [1, 16, 64, 256].map((clients) =>
    profile(latest.number, 5, latest.network, { clients }, { seconds, rounds: rounds ?? 1, echo }),
  )
  return [...alone, ...replicated]
}
