import type { EntryId, Index, NodeId, Term } from '../ids.js'

/** The format in which traces are written, and those that are read: see README.md in this folder. */
export const traceFormat = 2
export const readableFormats: readonly unknown[] = [1, traceFormat]

/** An entry as a trace shows it: its place, and a few words on what it holds. */
export interface TracedEntry extends EntryId {
  readonly what: string
}

/** A record of a durable write, as a trace shows it. */
export type TracedRecord =
  | { readonly record: 'term'; readonly term: Term; readonly votedFor: NodeId | null }
  | { readonly record: 'truncate'; readonly from: Index }
  | ({ readonly record: 'entry' } & TracedEntry)
  | ({ readonly record: 'snapshot' } & EntryId)

/** Facts of a node at the end of a turn; a stage leaves out what it does not have. */
export interface NodeFacts {
  readonly role: string
  readonly leader: NodeId | null
  /** The last index that the state machine has performed. */
  readonly applied: Index
  readonly term?: Term | undefined
  readonly votedFor?: NodeId | null | undefined
  /** The index before the first entry of the log: a snapshot holds all up to it. */
  readonly edge?: Index | undefined
  readonly last?: Index | undefined
  readonly durable?: Index | undefined
  readonly commit?: Index | undefined
  /** Ticks of silence after which the node stands for election, drawn anew each time. */
  readonly timeout?: number | undefined
  readonly member?: string | undefined
  readonly voters?: readonly NodeId[] | undefined
  readonly outgoing?: readonly NodeId[] | undefined
  readonly learners?: readonly NodeId[] | undefined
}

/** The names of all facts, in the order in which a trace tells them. */
export const factNames = [
  ...(['role', 'leader', 'applied', 'term', 'votedFor', 'edge', 'last', 'durable', 'commit'] as const),
  ...(['timeout', 'member', 'voters', 'outgoing', 'learners'] as const),
] as const satisfies readonly (keyof NodeFacts)[]

declare module '../events.js' {
  interface TraceDetails {
    /** The first line of a trace. */
    trace: {
      readonly format: number
      readonly stage: number
      readonly tickMs: number
      readonly nodes: readonly NodeId[]
    }
    /** A turn has ended in which something changed. `silent` is the ticks of silence so far. */
    state: NodeFacts & { readonly silent?: number | undefined }
    /** The disk was read at a node's start: the last entries of the log, and where it begins. */
    recovered: {
      readonly term: Term
      readonly votedFor: NodeId | null
      readonly edge: Index
      readonly entries: readonly TracedEntry[]
    }
    /** A durable write has begun. */
    write: { readonly records: readonly TracedRecord[] }
    /** A durable write is done: the disk holds the log up to this entry. */
    synced: { readonly upTo: EntryId }
    /** Events that a live view left out because they were too many. */
    not_drawn: { readonly messages: number }
    /** A line of a script begins. */
    step: { readonly line: string }
    /** A line of a script did not go as the script expects: it is violated, or unavailable. */
    judged: { readonly line: string; readonly outcome: string; readonly mark: string; readonly expected: string }
    /** The clients' history was judged. */
    verdict: { readonly verdict: string; readonly key?: string; readonly explanation?: string }
    /** A guarantee was seen to break. */
    finding: { readonly guarantee: string; readonly what: string }
  }
}
