import { z } from 'zod'
import { wholeShape } from './shapes.js'

/** Bounds that an operator may set on what clients make a node hold. Each is optional. */
export const quotaShapes = {
  /** Bytes of keys and values that the store may hold (stage 10 on). Without it, there is no bound but the memory. */
  maxStoreBytes: wholeShape(1, 1_000_000_000_000),
  /** Free bytes of the disk below which a leader takes no writes (stage 10 on). */
  diskReserve: wholeShape(0, 1_000_000_000_000),
  /** Requests of one client, by connection and by session, that may wait for their answers; more are refused. */
  maxRequestsPerClient: wholeShape(1, 1_000_000),
  /** Requests of one client, by connection and by session, in a second; more are refused. */
  requestsPerSecond: wholeShape(1, 10_000_000),
} as const

/** The bounds that were set. */
export type Quotas = { readonly [Name in keyof typeof quotaShapes]?: number | undefined }

/** The shape of the bounds in a node's configuration. */
export const quotasShape = z.strictObject(quotaShapes).partial().default({})

/** Picks the bounds that were set. */
export function quotasIn(settings: Quotas): Quotas {
  const names = Object.keys(quotaShapes) as (keyof Quotas)[]
  return Object.fromEntries(names.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]])))
}
