import { type Command, type Entry, type Index, isPositive, type Message, type Term } from '../../src/contracts.js'

/** The leader to a follower: put these entries behind that one, and know how far the cluster has committed (figure 2). */
export interface AppendEntries extends Message {
  readonly type: 'AppendEntries'
  readonly term: Term
  /** Numbers the leader's messages to this follower in this term; the answer bears it too, and so finds its question. */
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
  /** Of the message that is refused. */
  readonly prevLogIndex: Index
  /** The term that the follower has there instead; null if its log is too short to have any. */
  readonly conflictTerm: Term | null
  /** The follower's first entry of that term; or where its log ends, the index after. */
  readonly conflictIndex: Index
}

export type ReplicationMessage = AppendEntries | AppendEntriesReply | AppendEntriesConflict

type Candidate = Readonly<Record<string, unknown>>

/** Whether something that came over the wire can count from 0. */
export function isNatural(candidate: unknown): candidate is number {
  return candidate === 0 || isPositive(candidate)
}

/**
 * A check for AppendEntries whose entries hold nothing but commands of these names, for which there are operations.
 *
 * @param isOfShape for commands that hold more than texts and numbers
 */
export function appendEntriesOf(
  operations: Readonly<Record<string, unknown>>,
  isOfShape: Readonly<Record<string, (command: Command) => boolean>> = {},
) {
  const canBePerformed = (command: Command) => {
    if (Object.hasOwn(isOfShape, command.command)) return isOfShape[command.command]!(command)
    for (const field in command) if (typeof command[field] === 'object' && command[field] !== null) return false
    return Object.hasOwn(operations, command.command)
  }
  return ({ term, sequence, prevLogIndex, prevLogTerm, leaderCommit, entries }: Candidate): boolean => {
    if (!isPositive(term) || !isPositive(sequence)) return false
    if (!isNatural(prevLogIndex) || !isNatural(prevLogTerm) || !isNatural(leaderCommit)) return false
    if (!Array.isArray(entries) || (prevLogIndex === 0) !== (prevLogTerm === 0)) return false
    let before = { index: prevLogIndex, term: prevLogTerm }
    for (const entry of entries as Entry[]) {
      if (entry.index !== before.index + 1 || entry.term < before.term || entry.term > term) return false
      if (!entry.command || !canBePerformed(entry.command)) return false
      before = entry
    }
    return before.term <= term
  }
}

/** What the replies must hold when they come from the wire. */
export const replyWire = {
  AppendEntriesReply: ({ term, sequence, matchIndex }: Candidate) =>
    isPositive(term) && isPositive(sequence) && isNatural(matchIndex),
  AppendEntriesConflict({ term, sequence, prevLogIndex, conflictTerm, conflictIndex }: Candidate) {
    if (!isPositive(term) || !isPositive(sequence) || !isPositive(prevLogIndex)) return false
    if (conflictTerm !== null && !isPositive(conflictTerm)) return false
    return isPositive(conflictIndex) && conflictIndex <= prevLogIndex
  },
}
