import type { Index, NodeId, RequestId, Result, Term } from '../../src/contracts.js'

/** A command that a node has passed on to the leader, and whose client waits here. */
interface OpenForward {
  readonly request: RequestId
  readonly withIndex: boolean
  /** The leader and the term to which the command was passed on. */
  readonly leader: NodeId
  readonly term: Term
  /** The tick at which it was passed on, and ticks after which nobody waits any more. */
  readonly since: number
  readonly patience: number
}

/** The commands that a node passes on. */
export interface Forwards {
  /** The number of the node's life. */
  readonly life: number
  /** The number of the last command that was passed on in this life. */
  last: number
  /** The commands without an answer, by number, in order. */
  readonly open: Map<number, OpenForward>
  /** The tick at which their leader was lost; null while it leads, as far as this node knows. */
  lostAt: number | null
}

/** A command that another node has passed on, and that this leader has taken. */
interface TakenForward {
  readonly from: NodeId
  readonly life: number
  readonly number: number
  index: Index
  /** The place of its answer, once the state machine performs it. */
  result: Result | null
}

/** The commands that other nodes pass on to a leader. */
export interface Taken {
  /** The term of {@link seen}. */
  term: Term
  /** The numbers that have come in this term, by sender and its life, from the first on that the sender waits for. */
  seen: Map<string, { floor: number; readonly numbers: Set<number> }>
  /** The commands without an answer, under the names that they have as requests here: numbers below 0. */
  readonly open: Map<RequestId, TakenForward>
  /** The commands that the state machine performs at present. */
  performing: RequestId[]
  /** The name of the last request. */
  last: RequestId
}

/** @param life the number of the node's life */
export function noForwards(life: number): { forwards: Forwards; taken: Taken } {
  return {
    forwards: { life, last: 0, open: new Map(), lostAt: null },
    taken: { term: 0, seen: new Map(), open: new Map(), performing: [], last: 0 },
  }
}
