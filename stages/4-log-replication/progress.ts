import type { Index, Timing } from '../../src/contracts.js'
import type { Log } from './log.js'
import { isOverdue, newPace, noteAnswered, noteSent, type Pace } from './pace.js'

/** The leader's knowledge of one follower (figure 2: nextIndex, matchIndex), and of the messages that it sent there. */
export interface Progress {
  nextIndex: Index
  /** The last index up to which the follower's log is known to be the leader's, on the follower's disk. */
  matchIndex: Index
  /** The number of the last message to the follower. */
  sequence: number
  /** The bytes that a message with entries may carry, and the ticks that its answer is waited for. */
  readonly pace: Pace
  /**
   * The number of the message with entries that is under way, one at most; null if none is. New entries gather for the
   * next message.
   */
  awaited: number | null
  /** The index of the last entry sent. */
  sentUpTo: Index
  /** The commit index that the last message with entries bore. */
  sentCommit: Index
}

export function newProgress(log: Log, { appendBytes, heartbeatTicks: leastTicks }: Timing): Progress {
  const leastBytes = Math.min(appendBytes, firstBatchBytes)
  const pace = newPace({ leastBytes, mostBytes: appendBytes, leastTicks })
  const sent = { sequence: 0, pace, awaited: null, sentUpTo: 0, sentCommit: 0 }
  return { nextIndex: log.last.index + 1, matchIndex: 0, ...sent }
}

/**
 * Bytes of the first batches. Batches grow with every answer that comes soon; one entry is sent whole, however long it
 * is.
 */
const firstBatchBytes = 64 * 1024

/** The leader's log and logical time, by which a progress is measured. */
interface Sender {
  readonly log: Log
  readonly commitIndex: Index
  readonly ticks: number
  readonly timing: Timing
}

/**
 * The state of a follower, one of three. The leader *probes* until it has found where the two logs agree; then it
 * *replicates*. A follower that needs entries that the log has let go waits for a *snapshot*.
 */
export function stateOf({ nextIndex, matchIndex }: Progress, { log }: Sender): 'probe' | 'replicate' | 'snapshot' {
  if (nextIndex < log.first) return 'snapshot'
  return matchIndex === nextIndex - 1 ? 'replicate' : 'probe'
}

/**
 * The index up to which the follower's log agrees with the leader's, on the follower's disk; 0 for a node that is no
 * follower.
 */
export const matchIndexOf = (progress: Progress | undefined): Index => progress?.matchIndex ?? 0

/** The number of the last message to the follower. */
export const lastSequenceOf = ({ sequence }: Progress) => sequence

/**
 * Checks whether a follower's answer is about the entry before `nextIndex`, where the leader still believes it to be.
 */
export const isAt = ({ nextIndex }: Progress, prevLogIndex: Index) => prevLogIndex === nextIndex - 1

/** The index of the entry before the first of the next message. */
export const prevIndexOf = ({ nextIndex }: Progress, { log }: Sender): Index => Math.max(nextIndex, log.first) - 1

/** The entries for the next message: as many bytes as the line has borne so far, and one entry at least. */
export const entriesFor = ({ nextIndex, pace }: Progress, { log }: Sender, bytes = pace.bytes) =>
  log.batch(nextIndex, bytes)

/** True while a message with entries is under way; the next one waits for its answer. */
export const isAwaiting = ({ awaited }: Progress) => awaited !== null

/** True if the answer to the message under way is late, by the time that earlier answers took. */
export const isLate = (progress: Progress, node: Sender) => isAwaiting(progress) && isOverdue(progress.pace, node)

/** True if the log has entries that were not sent yet; an answer may show that others are to be sent again. */
export const hasUnsent = ({ sentUpTo }: Progress, { log }: Sender) => log.last.index > sentUpTo

/** True if the follower lacks entries, as far as the leader knows. */
export const isBehind = ({ nextIndex }: Progress, { log }: Sender) => nextIndex <= log.last.index

/** True if the leader has committed more than the last message with entries told the follower. */
export const lacksCommit = ({ sentCommit }: Progress, { commitIndex }: Sender) => sentCommit < commitIndex

/** The number of the next message to this follower. */
export function nextSequence(progress: Progress): number {
  return ++progress.sequence
}

/** Notes that the last message carried `count` entries, and is under way now. */
export function noteSentEntries(progress: Progress, node: Sender, count: number): void {
  noteSent(progress.pace, node, isAwaiting(progress))
  progress.awaited = progress.sequence
  progress.sentUpTo = progress.nextIndex - 1 + count
  progress.pace.isFull = hasUnsent(progress, node)
  progress.sentCommit = node.commitIndex
}

/**
 * Notes an answer. The message under way is answered, or was lost if a later one is answered. An answer to an earlier
 * message, late or repeated, frees nothing: each would set another message going, and that would be repeated again.
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

/** The next message begins at this index: further back, where the follower lacks the entry before. */
export function continueAt(progress: Progress, index: Index): void {
  progress.nextIndex = index
}

/** The follower's acknowledgements do not count any more. */
export function countNone(progress: Progress): void {
  progress.matchIndex = 0
}
