/** The client of a stage as rules, and what its shell sees of it. Part of the doors, see `contracts.ts`. */

import type { Answer, Command, Outcome } from './requests.js'

/** Settings of a client. Times are milliseconds. */
export interface ClientOptions {
  /** Addresses at which nodes listen for clients, `host:port`, tried in order. */
  readonly addresses: readonly string[]
  readonly deadlineMs: number
  readonly maxRedirects: number
  /** The pause after a failed connection; doubled at each further failure, up to the cap. */
  readonly backoffMs: number
  readonly backoffCapMs: number
  /**
   * Milliseconds for which one address may be silent before the next is tried beside it, as happy eyeballs do (RFC
   * 8305).
   */
  readonly attemptMs: number
  /** True if the client opens a session at its first write, and repeats writes whose outcome is open (stage 9). */
  readonly session?: boolean
  /**
   * The nodes that are asked for reads: the leader; any member, one after the other; or the member that answers soonest
   * (stage 9).
   */
  readonly reads?: ReadPolicy
}

export const readPolicies = ['leader', 'any', 'nearest'] as const
export type ReadPolicy = (typeof readPolicies)[number]

/** Settings of a client of which only the addresses must be given; the rules have values for the others. */
export type SomeClientOptions = Pick<ClientOptions, 'addresses'> & Partial<ClientOptions>

export interface CallOptions {
  readonly readOnly: boolean
  /** True for a command of the application's, false or left out for one of the node itself. */
  readonly ofApplication?: boolean
  /** False if the call is not to be a call of a session; true if left out. */
  readonly session?: boolean | undefined
  readonly deadlineMs?: number | undefined
  /** The address of the only node to ask; if left out, the client chooses. */
  readonly at?: string | undefined
}

/** A request as it leaves: the command, and the number by which its answer is known. */
export type NumberedCommand = { readonly id: number } & Command

/** Effects that a client's rules have decided; the shell carries them out. */
export interface ClientEffects {
  connect: string[]
  /** Addresses whose connections are to be ended; the shell reports their end by `disconnected`. */
  drop: string[]
  send: { address: string; message: NumberedCommand }[]
  settle: { id: number; outcome: Outcome }[]
}

/** The part of a client's state that its shell sees. */
export interface ClientState {
  /** The next moment at which `elapsed` has work, in the client's time; infinite while all is still. */
  readonly wakeAt: number
  /** The address at which the next call is asked. */
  readonly preferred: string
}

/**
 * The rules of a stage's client: pure, as those of its nodes are. A shell tells them what happens, and carries their
 * decisions out. They are methods, so that the rules of a stage may see more of the state than the shell does.
 */
export interface ClientRules<C extends ClientState = ClientState> {
  /** A fresh client. */
  state(options: SomeClientOptions): C
  /** A new call. @returns the number under which `settle` will name its outcome */
  call(client: C, command: Command, options: CallOptions): number
  /** An answer has come from this address; `id` is the id that stood in it. */
  answered(client: C, address: string, id: unknown, answer: Answer): void
  /** A connection stands. */
  connected(client: C, address: string): void
  /** A connection broke, or could not be made. */
  disconnected(client: C, address: string, reason: string): void
  /** Time has passed; `now` is in milliseconds since some fixed moment. */
  elapsed(client: C, now: number): void
  /** The client is closed: every call under way ends. Nothing is heard or sent any more. */
  closed(client: C): void
  /** Takes the effects decided since the last take. */
  take(client: C): ClientEffects
}
