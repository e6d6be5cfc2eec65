import { connectionLimits } from './connection-limits.js'
import type { Tally } from './tally.js'

const MiB = 1024 * 1024

/** What clients may make a node hold. Each port takes these unless a test says otherwise. */
export interface ClientBounds {
  /** Connections at a time. */
  readonly connections: number
  /** Bytes of requests that have not arrived whole, over all connections. */
  readonly unfinishedBytes: number
  /** Bytes of requests that are asked and not answered: of one client, and over all. */
  readonly askedBytes: number
  readonly allAskedBytes: number
  /** Bytes of answers that one client has not taken: the next request waits, and past the second a large answer is refused. */
  readonly answerBytes: number
  readonly mostAnswerBytes: number
  /** Bytes of answers that no client has taken; past it, the client with most of them is dropped. */
  readonly allAnswerBytes: number
  /** Requests of one client that wait for their answers. */
  readonly requests: number
  /** How long a request may take to arrive, and how long a client may take nothing of its answers. */
  readonly slowestMs: number
  /** How often that is looked at. */
  readonly sweepMs: number
  /** A connection on which nothing was asked for so long makes room for a newcomer. */
  readonly idleMs: number
}

export function clientBounds(): ClientBounds {
  return {
    connections: connectionLimits().clients,
    unfinishedBytes: 64 * MiB,
    askedBytes: 16 * MiB,
    allAskedBytes: 128 * MiB,
    answerBytes: 8 * MiB,
    mostAnswerBytes: 32 * MiB,
    allAnswerBytes: 128 * MiB,
    requests: 1_024,
    slowestMs: 25_000,
    sweepMs: 2_500,
    idleMs: 60_000,
  }
}

/** What all clients of a port hold, each kind with its own limit. */
export interface ClientTallies {
  readonly unfinished: Tally
  readonly asked: Tally
  readonly answers: Tally
}
