/** The client of a stage as rules, and what its shell sees of it. Part of the doors, see `contracts.ts`. */

import type { Answer, Command, Outcome } from './requests.js'

/** What a client is made with. Times are milliseconds. */
export interface ClientOptions {
  /** Where nodes listen for clients, `host:port`, tried in order. */
  readonly addresses: readonly string[]
  readonly deadlineMs: number
  readonly maxRedirects: number
  /** The pause after a failed connection; doubled at each further failure, up to the cap. */
  readonly backoffMs: number
  readonly backoffCapMs: number
  /** How long one address may be silent before the next is tried beside it, as happy eyeballs do (RFC 8305). */
  readonly attemptMs: number
}

/** What is left out is as the rules have it. */
export type SomeClientOptions = Pick<ClientOptions, 'addresses'> & Partial<ClientOptions>

export interface CallOptions {
  readonly readOnly: boolean
  readonly deadlineMs?: number | undefined
  /** Ask this node and no other. */
  readonly at?: string | undefined
}

/** A request as it leaves: the command, and the number by which its answer is known. */
export type NumberedCommand = { readonly id: number } & Command

/** What a client has decided; its shell carries it out. */
export interface ClientEffects {
  connect: string[]
  send: { address: string; message: NumberedCommand }[]
  settle: { id: number; outcome: Outcome }[]
}

/** The part of a client's state that its shell sees. */
export interface ClientState {
  /** When `elapsed` next has something to do, in the client's time; infinite while all is still. */
  readonly wakeAt: number
  /** The address at which the next call is asked. */
  readonly preferred: string
  /** What is under way, by the number of the call. */
  readonly calls: ReadonlyMap<number, { readonly sent: boolean }>
}

/**
 * The rules of a stage's client: pure, as those of its nodes are. A shell tells them what happens, and takes what they
 * decide. They are methods, so that the rules of a stage may see more of the state than the shell does.
 */
export interface ClientRules<C extends ClientState = ClientState> {
  /** A fresh client. */
  state(options: SomeClientOptions): C
  /** A question. @returns the number under which `settle` will name its outcome */
  call(client: C, command: Command, options: CallOptions): number
  /** An answer has come from this address; `id` is what stood in it. */
  answered(client: C, address: string, id: unknown, answer: Answer): void
  /** A connection stands. */
  connected(client: C, address: string): void
  /** A connection broke, or could not be made. */
  disconnected(client: C, address: string, reason: string): void
  /** Time has passed; `now` is in milliseconds since some fixed moment. */
  elapsed(client: C, now: number): void
  /** Everything decided since the last take. */
  take(client: C): ClientEffects
}
