/**
 * Events, as types. Each file that reports an event declares it here, by merging: `declare module '../src/events.js' {
 * interface EventDetails { … } }`. So a stage widens the union, and the compiler names each event for which the client
 * has no sentence.
 */

import type { EntryId, Index, NodeId } from './ids.js'
import type { Message } from './messages.js'
import type { Answer, Command } from './requests.js'

/** Details of each event, by its name. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by merging
export interface EventDetails {}

/** Details of the steps that only a trace holds: every step of a node. */
export interface TraceDetails {
  request: {
    readonly request: number
    readonly command: Command
    readonly envelope?: Readonly<Record<string, unknown>>
  }
  receive: { readonly message: Message }
  send: { readonly message: Message }
  /** A command that is performed; `own` is the payload where nothing reaches the state machine. */
  apply: { readonly index: Index; readonly command?: Command; readonly own?: unknown }
  query: { readonly command: Command }
  restore: { readonly snapshot: EntryId }
  answer: { readonly request: number; readonly answer: Answer }
}

/** The node of an event, and its time: the shell adds both, `at` in milliseconds. */
type Place = { readonly node?: NodeId; readonly at?: number }

type Named<Details> = {
  [Name in keyof Details]: { readonly event: Name } & Readonly<Details[Name]> & Place
}[keyof Details]

/** An event, for the REPL, for metrics and for traces. */
export type Event = Named<EventDetails>

/** One step of a node, for traces alone. */
export type TraceEvent = Named<TraceDetails>

/** A line of a trace: an event, or a step of a node. */
export type Traced = Event | TraceEvent
