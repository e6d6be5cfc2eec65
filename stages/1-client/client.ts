import {
  type ClientEffects,
  type ClientOptions,
  type Command,
  type ErrorCode,
  type Failure,
  failure,
  type Outcome,
  outcomeOf,
  type SomeClientOptions,
} from '../../src/contracts.js'

/** One question on its way to an answer. */
export interface Call {
  readonly id: number
  readonly command: Command
  /** True if it does no harm to ask again, as for a read: then a broken connection need not end the call. */
  repeatable: boolean
  /** Moment at which the call ends without an answer; in the client's time, milliseconds. */
  readonly deadline: number
  /** True if only the node at {@link address} may be asked: no redirect is followed. */
  readonly pinned: boolean
  /** The address to which the call was sent, or will be sent once connected. */
  address: string
  sent: boolean
  /**
   * Addresses at which the call was asked since the first redirect, and what came of it there. The client bounds their
   * number: two nodes that name each other could keep the call going for ever.
   */
  path: string[]
  /** The call is not sent before this moment, in the client's time. */
  notBefore: number
  /** The last refusal of the call: nothing has been done yet. Null if no node has refused it. */
  refusal: Failure | null
}

/**
 * One connection. `greeted` means that it stands, and that the node there has yet to say its first word: a system
 * accepts connections for a process that is stopped. `waiting` means that it failed and is left alone until `retryAt`.
 */
export interface Link {
  readonly state: 'connecting' | 'greeted' | 'open' | 'waiting'
  readonly failures: number
  readonly retryAt: number
  /** The moment since which the node owes a first word; while `connecting` or `greeted`. */
  readonly since?: number
  /** The moment of the node's last word; while `open`. */
  heardAt?: number
}

export const defaultClientOptions = {
  deadlineMs: 5_000,
  maxRedirects: 5,
  backoffMs: 25,
  backoffCapMs: 1_000,
  attemptMs: 250,
}

export interface Client {
  readonly options: ClientOptions
  /** The latest moment that the shell told, in milliseconds; the rules never read a clock. */
  now: number
  /**
   * The next moment at which `elapsed` has work: a deadline, or a connection to try again. Infinite while all is still.
   */
  wakeAt: number
  nextId: number
  /** Addresses at which nodes listen, as far as the client knows them; at first those of {@link options}. */
  addresses: readonly string[]
  /** The address for calls that are not pinned: the leader's, once a redirect has named it. */
  preferred: string
  readonly calls: Map<number, Call>
  readonly links: Map<string, Link>
  effects: ClientEffects
}

export function client(given: SomeClientOptions): Client {
  const options = { ...defaultClientOptions, ...given }
  const effects = { connect: [], drop: [], send: [], settle: [] }
  const { addresses } = options
  const nothing = { calls: new Map(), links: new Map(), effects }
  return {
    options,
    now: 0,
    wakeAt: Number.POSITIVE_INFINITY,
    nextId: 1,
    addresses,
    preferred: addresses[0]!,
    ...nothing,
  }
}

/** Brings {@link Client.wakeAt} forward to this moment, if it is later. */
export function wake(client: Client, moment: number): void {
  client.wakeAt = Math.min(client.wakeAt, moment)
}

/** Everything decided since the last take. A message whose call has ended since, or is held back, does not leave. */
export function take(client: Client): ClientEffects {
  const { send, ...effects } = client.effects
  client.effects = { connect: [], drop: [], send: [], settle: [] }
  return { ...effects, send: send.filter(({ message }) => client.calls.get(message.id)?.sent) }
}

/** Ends a call with an error; whether it is a refusal or an unknown outcome follows from the error. */
export function fail(client: Client, call: Call, error: Failure): void {
  settle(client, call, outcomeOf({ ok: false, error }))
}

export function failWith(client: Client, call: Call, code: ErrorCode, message: string): void {
  fail(client, call, failure(code, message).error)
}

export function settle(client: Client, call: Call, outcome: Outcome): void {
  client.calls.delete(call.id)
  client.effects.settle.push({ id: call.id, outcome })
}
