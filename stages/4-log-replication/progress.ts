import type { Index, Timing } from '../../src/contracts.js'
import type { Log } from './log.js'
import { isOverdue, newPace, noteAnswered, noteSent, type Pace } from './pace.js'

/** What the leader knows of one follower (figure 2: nextIndex, matchIndex), and what it has told it. */
export interface Progress {
  nextIndex: Index
  /** Up to here the follower's log is known to be the leader's, on the follower's disk. */
  matchIndex: Index
  /** The number of the last message. */
  sequence: number
  /** How much a message with entries may carry, and how long its answer is waited for. */
  readonly pace: Pace
  /** The message with entries that is under way, one at most: until its answer, what is new gathers for the next. */
  awaited: number | null
  /** The last entry sent, and the commit index that went with it. */
  sentUpTo: Index
  sentCommit: Index
}

export function newProgress(log: Log, { appendBytes, heartbeatTicks: leastTicks }: Timing): Progress {
  const leastBytes = Math.min(appendBytes, firstBatchBytes)
  const pace = newPace({ leastBytes, mostBytes: appendBytes, leastTicks })
  const sent = { sequence: 0, pace, awaited: null, sentUpTo: 0, sentCommit: 0 }
  return { nextIndex: log.last.index + 1, matchIndex: 0, ...sent }
}

/** Batches begin small, and grow with every answer that comes soon; one entry is sent whole, however long it is. */
const firstBatchBytes = 64 * 1024

/** What a progress goes by: the log, and the node's logical time. */
interface Sender {
  readonly log: Log
  readonly commitIndex: Index
  readonly ticks: number
  readonly timing: Timing
}

/**
 * Which of three states a follower is in: until its log was found to agree, the leader *probes* where that may be; then it
 * *replicates*; and a follower that needs what the log has let go waits for a *snapshot*.
 */
export function stateOf({ nextIndex, matchIndex }: Progress, { log }: Sender): 'probe' | 'replicate' | 'snapshot' {
  if (nextIndex < log.first) return 'snapshot'
  return matchIndex === nextIndex - 1 ? 'replicate' : 'probe'
}

/** The follower's log agrees with the leader's up to here, on the follower's disk; 0 of a node that is no follower. */
export const matchIndexOf = (progress: Progress | undefined): Index => progress?.matchIndex ?? 0

/** The number of the last message to the follower. */
export const lastSequenceOf = ({ sequence }: Progress) => sequence

/** Whether a follower's answer speaks of the place where the leader still believes it to be. */
export const isAt = ({ nextIndex }: Progress, prevLogIndex: Index) => prevLogIndex === nextIndex - 1

/** Where in the leader's log the next message to the follower begins: the entry before its first one. */
export const prevIndexOf = ({ nextIndex }: Progress, { log }: Sender): Index => Math.max(nextIndex, log.first) - 1

/** The entries for the next message: no more than the line has borne so far, one at least. */
export const entriesFor = ({ nextIndex, pace }: Progress, { log }: Sender) => log.batch(nextIndex, pace.bytes)

/** Whether a message with entries is under way, and the next one waits for its answer. */
export const isAwaiting = ({ awaited }: Progress) => awaited !== null

/** Whether the answer to the message under way is late by what the line was seen to take. */
export const isLate = (progress: Progress, node: Sender) => isAwaiting(progress) && isOverdue(progress.pace, node)

/** Whether the log has entries that were not sent yet; an answer may show that others are to be sent again. */
export const hasUnsent = ({ sentUpTo }: Progress, { log }: Sender) => log.last.index > sentUpTo

/** Whether the follower lacks entries, as far as the leader knows. */
export const isBehind = ({ nextIndex }: Progress, { log }: Sender) => nextIndex <= log.last.index

/** Whether more was committed than the follower was told with entries. */
export const lacksCommit = ({ sentCommit }: Progress, { commitIndex }: Sender) => sentCommit < commitIndex

/** The number of the next message to this follower. */
export function nextSequence(progress: Progress): number {
  return ++progress.sequence
}

/** The last message carried entries, so many of them: it is under way now. */
export function noteSentEntries(progress: Progress, node: Sender, count: number): void {
  noteSent(progress.pace, node, isAwaiting(progress))
  progress.awaited = progress.sequence
  progress.sentUpTo = progress.nextIndex - 1 + count
  progress.pace.isFull = hasUnsent(progress, node)
  progress.sentCommit = node.commitIndex
}

/**
 * The message under way has its answer, or a later one has, which means that it was lost. An answer to an earlier one,
 * late or repeated, frees nothing: each would set another message going, and those would be repeated again.
 */
export function noteAnswer(progress: Progress, node: Sender, sequence: number): void {
  if (!progress.awaited || sequence < progress.awaited) return
  if (sequence === progress.awaited) noteAnswered(progress.pace, node)
  progress.awaited = null
}

/** The follower's log is the leader's up to here. An old answer takes nothing back. */
export function noteMatch(progress: Progress, matchIndex: Index): void {
  progress.matchIndex = Math.max(progress.matchIndex, matchIndex)
  progress.nextIndex = Math.max(progress.nextIndex, matchIndex + 1)
}

/** The follower lacks what comes before: the next message begins further back. */
export function goBackTo(progress: Progress, index: Index): void {
  progress.nextIndex = index
}

/** Nothing that the follower has acknowledged counts any more. */
export function countNone(progress: Progress): void {
  progress.matchIndex = 0
}
