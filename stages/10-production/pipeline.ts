import type { Entry } from '../../src/contracts.js'
import { noteAnswered, noteSent } from '../4-log-replication/pace.js'
import { continueAt, isBehind, noteMatch, type Progress, stateOf } from '../4-log-replication/progress.js'
import { trackFollower } from '../4-log-replication/replica.js'
import type { ProductionNode } from './production-node.js'

/** A message with entries that is under way. */
interface Sent {
  readonly sequence: number
  readonly bytes: number
  /** The tick at which it left. */
  readonly at: number
}

/**
 * The progress of a follower to which several messages with entries may be under way. While the leader replicates,
 * `nextIndex` is optimistic: it moves when entries leave, not when they are answered (thesis §10.2.1).
 */
export interface Pipeline extends Progress {
  /** True until the follower has confirmed that its log is the leader's up to `nextIndex`. */
  isProbing: boolean
  /** The messages under way, in the order in which they left. */
  readonly inFlight: Sent[]
  /** Answers to messages up to this number say nothing new about the messages under way. */
  settled: number
}

export function trackPipeline(node: ProductionNode): Pipeline {
  return { ...trackFollower(node), isProbing: true, inFlight: [], settled: 0 }
}

/** Messages to one follower that may be under way at most, however far it is. */
const mostMessages = 64

/**
 * Bytes of entries that may leave for a follower now; none if the number is not positive. A leader that probes has one
 * message under way. One that replicates has one more for each tick that an answer takes: a near follower gets large
 * batches, and a far one is not waited for. Together the messages have as many bytes as the line has borne so far.
 */
export function roomFor(progress: Pipeline, node: ProductionNode): number {
  const { isProbing, inFlight, pace } = progress
  if (stateOf(progress, node) === 'snapshot') return 0
  if (inFlight.length === 0) return pace.bytes
  if (isProbing || inFlight.length > Math.min(pace.wayTicks, mostMessages)) return 0
  return pace.bytes - inFlight.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Notes that a message with entries has left. The next one goes on behind them, unless the leader still probes. */
export function noteLeft(progress: Pipeline, node: ProductionNode, entries: readonly Entry[]): void {
  const { sequence, inFlight, pace, isProbing } = progress
  const bytes = entries.reduce((sum, { text }) => sum + text.length, 0)
  inFlight.push({ sequence, bytes, at: node.ticks })
  noteSent(pace, node, false)
  if (!isProbing) continueAt(progress, entries.at(-1)!.index + 1)
  pace.isFull = isBehind(progress, node)
}

/**
 * Notes that the follower has the leader's log up to an index. The message with this number has arrived, and all that
 * left before it: otherwise the follower would have refused it.
 */
export function noteArrived(progress: Pipeline, node: ProductionNode, sequence: number, matchIndex: number): void {
  noteMatch(progress, matchIndex)
  if (sequence <= progress.settled) return
  progress.settled = sequence
  progress.isProbing = false
  const { inFlight, pace } = progress
  while (inFlight.length > 0 && inFlight[0]!.sequence <= sequence) {
    const sent = inFlight.shift()!
    if (sent.sequence < sequence) continue
    pace.sentAt = sent.at
    noteAnswered(pace, node)
  }
}

/**
 * The leader goes back to an index, and all that is under way is void: the follower refuses it as well. Those refusals
 * say nothing new. If each of them took the leader back once more, the same entries would leave again and again.
 */
export function goBack(progress: Pipeline, node: ProductionNode, index: number): void {
  const { inFlight, isProbing, pace } = progress
  if (!isProbing && inFlight.length > 0) noteSent(pace, node, true)
  inFlight.length = 0
  progress.isProbing = true
  progress.settled = progress.sequence
  continueAt(progress, index)
}
