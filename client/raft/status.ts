import type { Status } from '../../src/contracts.js'

/** The place of a node in its cluster, and how far it is. */
export interface NodeStatus {
  readonly id: string
  /** `starting`, `follower`, `candidate` or `leader`. */
  readonly role: string
  /** The leader that this node hears; itself if it leads; null if it knows of none. */
  readonly leader: string | null
  readonly term: number
  /** The index of the last entry that is committed, as far as this node knows. */
  readonly commit: number
  /** The index of the last entry that its state machine has performed. */
  readonly applied: number
  /** The indexes of the first entry that its log still has, and of the last one. */
  readonly log: { readonly first: number; readonly last: number }
  readonly snapshot: { readonly index: number; readonly term: number; readonly bytes: number } | null
  /** `voter`, `learner`, `no member`, `removed`, or `displaced` by another disk under its name. */
  readonly standing: string
  readonly voters: readonly string[]
  readonly learners: readonly string[]
}

/** Picks what a program needs from the status that the rules tell. */
export function statusOf(status: Status): NodeStatus {
  const { id, role, leader, applied, term = 0, commit = 0, log, snapshot, member, voters, learners } = status
  return {
    ...{ id, role, leader, applied, term, commit },
    log: { first: log?.first ?? 1, last: log?.last ?? 0 },
    snapshot: snapshot ? { index: snapshot.index, term: snapshot.term, bytes: snapshot.bytes } : null,
    standing: member ?? 'no member',
    voters: voters ?? [],
    learners: learners ?? [],
  }
}
