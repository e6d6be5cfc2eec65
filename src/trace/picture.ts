import type { Index, NodeId } from '../ids.js'
import type { Message } from '../messages.js'
import type { Command, Outcome } from '../requests.js'
import type { NodeFacts, TracedEntry } from './events.js'

/** A node in a picture. */
export interface NodeView extends NodeFacts {
  readonly id: NodeId
  readonly condition: 'up' | 'paused' | 'dead'
  /** Entries that were seen on their way to the disk, in the order of their indexes; older ones are left out. */
  readonly cells: readonly TracedEntry[]
  /** The last index that is on the disk, and the last that was given to it. */
  readonly onDisk: Index
  readonly written: Index
  /** The moment at which the node's timer was set back. */
  readonly heardAt: number
}

/** A message in a picture, on its way or just ended. */
export interface Flight {
  readonly number: number
  readonly message: Message
  readonly sentAt: number
  readonly fate: 'flying' | 'arrived' | 'lost'
  /** The moment at which it arrived or was lost; null while it flies. */
  readonly endedAt: number | null
}

/** A client's call in a picture. */
export interface CallView {
  readonly number: number
  readonly client: string
  readonly command: Command
  readonly to: NodeId | null
  readonly askedAt: number
  readonly outcome: Outcome | null
  readonly endedAt: number | null
}

/** A cluster at one moment, as its trace tells it. */
export interface Picture {
  readonly at: number
  /** Events folded so far. */
  readonly events: number
  readonly tickMs: number
  /** Times that time passes slower than usual. */
  readonly slow: number
  readonly nodes: Readonly<Record<NodeId, NodeView>>
  /** Cut links, each as `n1>n2`. */
  readonly cuts: readonly string[]
  readonly flights: readonly Flight[]
  readonly calls: readonly CallView[]
  /** Messages that were left out of the picture so far. */
  readonly notDrawn: number
  /** The verdict on the clients' calls so far, and the number of calls that were judged. */
  readonly verdict: {
    readonly verdict: string
    readonly key?: string
    readonly explanation?: string
    readonly calls?: number
  } | null
  readonly findings: readonly { readonly guarantee: string; readonly what: string; readonly at: number }[]
}

/** The picture before the first event. */
export const noPicture: Picture = {
  at: 0,
  events: 0,
  tickMs: 10,
  slow: 1,
  nodes: {},
  cuts: [],
  flights: [],
  calls: [],
  notDrawn: 0,
  verdict: null,
  findings: [],
}
