import type { Failure, Index, SomeClientOptions } from '../../src/contracts.js'
import { type Call, type Client, client } from '../1-client/client.js'

/** A write as a call of a session. */
export interface Numbered {
  readonly session: Index
  readonly sequence: number
  /**
   * Copies of the call that were sent, and that no node has refused. While there are any, only an answer of the session
   * tells the outcome: a node that refuses another copy knows nothing of the first.
   */
  open: number
}

/**
 * The client's session: it is opened at the first write. `unavailable`: the cluster is of an earlier stage, or has as
 * many sessions as it may have; writes go without one until this moment.
 */
type SessionState =
  | { readonly state: 'none' }
  | { readonly state: 'unavailable'; readonly until: number }
  | { readonly state: 'opening'; readonly call: number }
  | { readonly state: 'open'; readonly name: Index }

/** A client that repeats what it may repeat, and spreads its reads. */
export interface SessionClient extends Client {
  session: SessionState
  /** The number of the session's next call. */
  nextSequence: number
  /** Writes that wait for a session, or for a place among its calls, in order. */
  held: Call[]
  /** Calls of sessions under way, by the calls' ids, in the order of their numbers. */
  readonly numbered: Map<number, Numbered>
  /** Reads under way, by the calls' ids. */
  readonly reads: Set<number>
  /** The last moment at which each call was sent, by the calls' ids. */
  readonly sentAt: Map<number, number>
  /** Milliseconds from question to answer at each address, averaged. */
  readonly delays: Map<string, number>
  /** The address that gave each of the latest page tokens: only that node can go on from there. */
  readonly pages: Map<string, string>
  /** The addresses of learners that stay: they answer reads, and take no part in anything else. */
  readers: readonly string[]
  /** Counts reads, so that each goes to another node than the one before. */
  readsSoFar: number
}

export function sessionClient(options: SomeClientOptions): SessionClient {
  return {
    ...client({ session: true, reads: 'leader', ...options }),
    session: { state: 'none' },
    nextSequence: 1,
    held: [],
    numbered: new Map(),
    reads: new Set(),
    sentAt: new Map(),
    delays: new Map(),
    pages: new Map(),
    readers: [],
    readsSoFar: 0,
  }
}

/** A call is held back until a session can number it. */
export function hold({ numbered }: SessionClient, one: Call): void {
  numbered.delete(one.id)
  one.sent = false
  one.repeatable = false
  one.notBefore = Number.POSITIVE_INFINITY
}

/** Checks whether no session can be had at present: then writes go without one. */
export function isUnavailable(client: SessionClient): boolean {
  const { session, now } = client
  if (session.state !== 'unavailable') return false
  if (session.until <= now) client.session = { state: 'none' }
  return session.until > now
}

/** Finds the number of a call under way; undefined if it has none. */
export function numberOf({ numbered }: SessionClient, { id }: Call): Numbered | undefined {
  return numbered.get(id)
}

const ofOneCopy: ReadonlySet<string> = new Set([
  'not_leader',
  'no_leader',
  'overloaded',
  'store_full',
  'disk_full',
  'shutting_down',
  'unreachable',
  'unauthenticated',
  'permission_denied',
])

/** Checks whether an error is the refusal of a node that has not performed this copy of a call, and knows of no other. */
export function refusesOneCopy({ code }: Failure): boolean {
  return ofOneCopy.has(code)
}
