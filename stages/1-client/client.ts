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
  /** Asked again it does no harm, so a broken connection need not end it. */
  readonly readOnly: boolean
  /** In the client's time, milliseconds. */
  readonly deadline: number
  /** Asked of this node only: no redirect is followed. */
  readonly pinned: boolean
  /** Where it was sent, or will be once connected. */
  address: string
  sent: boolean
  /** Where it has been since it was first sent on, and what came of it there: bounded, or two nodes could keep it going. */
  path: string[]
  /** It is not sent before this moment, and was refused for this reason so far: nothing has been done yet. */
  notBefore: number
  refusal: Failure | null
}

/** One connection. `waiting` means that it failed and is left alone until `retryAt`. */
export interface Link {
  state: 'connecting' | 'open' | 'waiting'
  failures: number
  retryAt: number
  /** When it was begun, of one that is `connecting`. */
  readonly since?: number
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
  /** The latest moment it was told of, in milliseconds; never read from a clock. */
  now: number
  /** When `elapsed` next has something to do: a deadline, or a connection to try again. Infinite while all is still. */
  wakeAt: number
  nextId: number
  /** Where nodes listen, as far as it is known: at first what {@link options} say. */
  addresses: readonly string[]
  /** Where calls go that are not pinned: the leader, once a redirect has named it. */
  preferred: string
  readonly calls: Map<number, Call>
  readonly links: Map<string, Link>
  effects: ClientEffects
}

export function client(given: SomeClientOptions): Client {
  const options = { ...defaultClientOptions, ...given }
  const effects = { connect: [], send: [], settle: [] }
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

/** Sees to it that {@link Client.wakeAt} is not after this moment. */
export function wake(client: Client, moment: number): void {
  client.wakeAt = Math.min(client.wakeAt, moment)
}

/** Whether an address has swallowed a first packet: it is neither there nor not there, and nobody should wait for it. */
export function isSilent({ options, now }: Client, link: Link | undefined): boolean {
  return link?.state === 'connecting' && now >= (link.since ?? now) + options.attemptMs
}

/** Everything decided since the last take. */
export function take(client: Client): ClientEffects {
  const effects = client.effects
  client.effects = { connect: [], send: [], settle: [] }
  return effects
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
