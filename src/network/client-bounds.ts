import { connectionLimits } from './connection-limits.js'
import type { Tally } from './tally.js'

const MiB = 1024 * 1024

/** Bounds on what clients can make a node hold. Each port takes the usual bounds unless a test passes others. */
export interface ClientBounds {
  /** Client connections open at the same time. */
  readonly connections: number
  /** Bytes of requests that have not arrived whole, over all connections together. */
  readonly unfinishedBytes: number
  /** Bytes of one client's requests that are asked and not answered yet. */
  readonly askedBytes: number
  /** Bytes of all clients' requests that are asked and not answered yet. */
  readonly allAskedBytes: number
  /** Bytes of answers that one client has not taken yet; past this bound its next request waits. */
  readonly answerBytes: number
  /** Bytes of answers that one client has not taken yet; past this bound a large answer becomes a refusal. */
  readonly mostAnswerBytes: number
  /**
   * Bytes of answers that all clients together have not taken yet; past this bound the client with most of them is
   * dropped.
   */
  readonly allAnswerBytes: number
  /** Requests of one client that wait for their answers. */
  readonly requests: number
  /** Milliseconds that a request may take to arrive, and that a client may take nothing of its answers. */
  readonly slowestMs: number
  /** Milliseconds between two looks for clients slower than `slowestMs`. */
  readonly sweepMs: number
  /** Milliseconds after which a connection without requests may be closed to make room for a newcomer. */
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

/** Counts of bytes held for all clients of a port, each kind of bytes with its own limit. */
export interface ClientTallies {
  readonly unfinished: Tally
  readonly asked: Tally
  readonly answers: Tally
}
