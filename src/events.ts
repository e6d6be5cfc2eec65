/**
 * What can happen, as types. Each file that reports something declares its event here, by merging:
 * `declare module '../src/events.js' { interface EventDetails { … } }`. So a stage widens the union, and whoever tells
 * of events is told by the compiler which sentence is missing.
 */

import type { EntryId, Index, NodeId } from './ids.js'
import type { Message } from './messages.js'
import type { Answer, Command } from './requests.js'

/** Details of each event, by its name. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled by merging
export interface EventDetails {}

/** Details of what only a trace holds: every step of a node. */
export interface TraceDetails {
  request: { readonly request: number; readonly command: Command }
  receive: { readonly message: Message }
  send: { readonly message: Message }
  /** A command that is performed; or, of the cluster's own entries, what they hold. */
  apply: { readonly index: Index; readonly command?: Command; readonly own?: unknown }
  query: { readonly command: Command }
  restore: { readonly snapshot: EntryId }
  answer: { readonly request: number; readonly answer: Answer }
}

/** Where and when something happened: the shell adds both, `at` in milliseconds. */
type Place = { readonly node?: NodeId; readonly at?: number }

type Named<Details> = {
  [Name in keyof Details]: { readonly event: Name } & Readonly<Details[Name]> & Place
}[keyof Details]

/** Something that happened, for the REPL, for metrics and for traces. */
export type Event = Named<EventDetails>

/** One step of a node, for traces alone. */
export type TraceEvent = Named<TraceDetails>

/** What a trace holds. */
export type Traced = Event | TraceEvent
