/** The settings and results of a node's calls, and its events. */
import type { Event } from '../../src/contracts.js'
import type { RaftError } from './errors.js'
import type { Peer } from './options.js'

/** Bounds of one call. */
export interface Patience {
  /** Ends the waiting. A command whose waiting ends so may be done all the same. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds that the call may take; 10,000 if it is left out. */
  readonly deadlineMs?: number | undefined
}

/** Settings of one call. */
export interface CallOptions extends Patience {
  /** False if only the leader may take the call: any other node refuses it, and names the leader. */
  readonly forward?: boolean
}

/** Settings of a read. */
export interface ReadOptions extends CallOptions {
  /** `linearizable` if it is left out; `stale` for what this node has, without asking the leader. */
  readonly consistency?: 'linearizable' | 'stale'
  /** The entry that the node must have performed before it answers: the index of a result gives read-your-writes. */
  readonly atLeast?: number
}

/** Settings of a change of members. */
export interface ChangeOptions extends CallOptions {
  /** True to make the change also if too few of the members are alive afterwards. */
  readonly force?: true
}

/** Settings for a node that is taken in. */
export interface AddOptions extends ChangeOptions {
  /** `voter` if it is left out; a `learner` stays one until it is promoted, and no write waits for it. */
  readonly role?: 'voter' | 'learner'
}

/** A command that was done: its result, and its place in the log. */
export interface Proposed<R> {
  readonly result: R
  readonly index: number
  readonly term: number
}

/** The outcome of a command. `refused` is certainly not done; `unknown` may have been done, or may still be. */
export type ProposeOutcome<R> =
  | ({ readonly outcome: 'done' } & Proposed<R>)
  | { readonly outcome: 'refused' | 'unknown'; readonly error: RaftError }

/** A member of the cluster. A learner gets the log, and has no vote. */
export interface ClusterMember extends Peer {
  readonly role: 'voter' | 'learner'
}

/** A snapshot that is durable at this node. */
export interface SnapshotTaken {
  /** Its last entry. */
  readonly index: number
  readonly term: number
  /** Bytes of its file. */
  readonly bytes: number
}

/** Events of a node, with their arguments. */
export interface RaftEvents {
  /** Another node leads, as far as this one knows; null while none does. */
  leader: [leader: string | null, term: number]
  role: [role: string, term: number]
  /** The names of the voters, and of the learners, have changed. */
  members: [voters: readonly string[], learners: readonly string[]]
  /** A snapshot is durable; it holds all entries up to this one. */
  snapshot: [index: number, term: number]
  /** The rules or the network report something; for a log file. */
  notice: [event: Event]
  /** The node has failed, and is closed. */
  fatal: [error: Error]
}

export const usualDeadlineMs = 10_000
