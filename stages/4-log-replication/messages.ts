import { type Entry, type Index, isPositive, type Message, type Term } from '../../src/contracts.js'
import type { Known, MessageFacts } from '../../src/stage.js'
import { isTerm } from './term.js'

/**
 * The leader to a follower: put these entries behind that entry, and know how far the cluster has committed (figure 2).
 */
export interface AppendEntries extends Message {
  readonly type: 'AppendEntries'
  readonly term: Term
  /** Numbers the leader's messages to this follower in this term; the answer bears the same number. */
  readonly sequence: number
  /** The entry before the first of {@link entries}: index and term, for the consistency check. */
  readonly prevLogIndex: Index
  readonly prevLogTerm: Term
  readonly leaderCommit: Index
  readonly entries: readonly Entry[]
}

/** A follower to the leader: up to here, my log is yours, and my disk has it. */
export interface AppendEntriesReply extends Message {
  readonly type: 'AppendEntriesReply'
  readonly term: Term
  readonly sequence: number
  readonly matchIndex: Index
}

/** A follower to the leader: I do not have that entry before. The hint is for walking back a term at a time (§5.3). */
export interface AppendEntriesConflict extends Message {
  readonly type: 'AppendEntriesConflict'
  readonly term: Term
  readonly sequence: number
  /** The `prevLogIndex` of the message that is refused. */
  readonly prevLogIndex: Index
  /** The term that the follower has at `prevLogIndex`; null if its log does not reach so far. */
  readonly conflictTerm: Term | null
  /**
   * The index of the follower's first entry of that term; or the index after its last entry, if its log does not reach
   * so far.
   */
  readonly conflictIndex: Index
}

export type ReplicationMessage = AppendEntries | AppendEntriesReply | AppendEntriesConflict

type Candidate = Readonly<Record<string, unknown>>

/** Checks whether a value from the wire is a whole number from 0 on. */
export function isNatural(candidate: unknown): candidate is number {
  return candidate === 0 || isPositive(candidate)
}

/**
 * Checks that entries follow each other without a gap, none of a later term than the message's, each with a payload
 * that the stage knows.
 */
function isAppendEntries(candidate: Candidate, { isPayload }: Known): boolean {
  const { term, sequence, prevLogIndex, prevLogTerm, leaderCommit, entries } = candidate
  if (!isTerm(term) || !isPositive(sequence)) return false
  if (!isNatural(prevLogIndex) || !isNatural(prevLogTerm) || !isNatural(leaderCommit)) return false
  if (!Array.isArray(entries) || (prevLogIndex === 0) !== (prevLogTerm === 0)) return false
  let before = { index: prevLogIndex, term: prevLogTerm }
  for (const entry of entries as Entry[]) {
    if (entry.index !== before.index + 1 || entry.term < before.term || entry.term > term) return false
    if (!entry.payload || !isPayload(entry.payload)) return false
    before = entry
  }
  return before.term <= term
}

function isConflict({ term, sequence, prevLogIndex, conflictTerm, conflictIndex }: Candidate): boolean {
  if (!isTerm(term) || !isPositive(sequence) || !isPositive(prevLogIndex)) return false
  if (conflictTerm !== null && !(isPositive(conflictTerm) && conflictTerm <= term)) return false
  return isPositive(conflictIndex) && conflictIndex <= prevLogIndex
}

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const replicationMessages = {
  AppendEntries: { kind: 'leads', check: isAppendEntries },
  AppendEntriesReply: {
    kind: 'answers',
    check: ({ term, sequence, matchIndex }) => isTerm(term) && isPositive(sequence) && isNatural(matchIndex),
  },
  AppendEntriesConflict: { kind: 'answers', check: isConflict },
} satisfies Record<string, MessageFacts>
