import type { Timing } from '../../src/contracts.js'

/** The bounds of a pace: bytes in one message, and the least ticks that its answer is waited for. */
interface PaceBounds {
  readonly leastBytes: number
  readonly mostBytes: number
  readonly leastTicks: number
}

/**
 * The pace at which the leader speaks to one follower: bytes in one message, and ticks that the answer is waited for.
 * Lines and disks differ a thousandfold, so both are learnt from the answers (as RFC 6298 has it for TCP).
 */
export interface Pace extends PaceBounds {
  /** Bytes in one message at most. */
  bytes: number
  /** Ticks without an answer after which the message under way counts as lost. */
  patienceTicks: number
  /** Ticks that an answer takes on this line, as far as known: a busy node takes longer now and then. */
  wayTicks: number
  /** The tick at which the message under way last left, counted from the node's start. */
  sentAt: number
  /** Copies of the message that followed the first. */
  copies: number
  /** True if more was to be sent than the last message could carry. */
  isFull: boolean
}

/** The node's logical time, by which a pace is measured. */
interface Timed {
  readonly ticks: number
  readonly timing: Timing
}

/** A new pace begins slowly: the first messages find out how much the line bears. */
export function newPace(bounds: PaceBounds): Pace {
  const { leastBytes: bytes, leastTicks: patienceTicks } = bounds
  return { ...bounds, bytes, patienceTicks, wayTicks: 0, sentAt: 0, copies: 0, isFull: false }
}

export function isOverdue({ sentAt, patienceTicks }: Pace, { ticks }: Timed): boolean {
  return ticks - sentAt >= patienceTicks
}

/**
 * Notes that a message leaves, for the first time or as a copy. Each copy doubles the wait for an answer, and halves
 * the next message.
 */
export function noteSent(pace: Pace, node: Timed, isCopy: boolean): void {
  pace.sentAt = node.ticks
  pace.copies = isCopy ? pace.copies + 1 : 0
  if (!isCopy) return
  waitLonger(pace, node.timing.electionTicks)
  shrink(pace)
}

/**
 * Learns from the time that an answer took. A message that fills the line for longer than an election time-out holds up
 * the heartbeat behind it, and the follower would stand for election each time: so messages get smaller before that.
 * The way there and back fills no line, and does not count.
 */
export function noteAnswered(pace: Pace, { ticks, timing }: Timed): void {
  // Of several copies, nobody can tell which one was answered: that says nothing of the line.
  if (pace.copies > 0) return
  const took = ticks - pace.sentAt
  pace.patienceTicks = Math.max(pace.leastTicks, 2 * took)
  noteWay(pace, took)
  const filled = took - Math.min(pace.wayTicks, timing.electionTicks / longestWay)
  if (filled > timing.electionTicks / 2) shrink(pace)
  else if (pace.isFull && filled <= timing.electionTicks / 4) pace.bytes = Math.min(pace.mostBytes, pace.bytes * 2)
}

/** Answers that a line must delay before the line counts as longer: fewer may be a busy node's. */
const slowness = 32
/** Ways of more than this part of an election time-out count as this part: a line that is always full looks long. */
const longestWay = 8

/** The least ticks that answers take tell how long the line is; they are forgotten slowly. */
function noteWay(pace: Pace, ticks: number): void {
  pace.wayTicks = Math.min(ticks, pace.wayTicks + ticks / slowness)
}

/** Notes the answer to a copy that was not needed: nothing was lost, but the line is slower than expected. */
export function noteNeedless(pace: Pace, { timing }: Timed): void {
  waitLonger(pace, 8 * timing.electionTicks)
}

function waitLonger(pace: Pace, mostTicks: number): void {
  pace.patienceTicks = Math.max(pace.patienceTicks, Math.min(2 * pace.patienceTicks, mostTicks))
}

function shrink(pace: Pace): void {
  pace.bytes = Math.max(pace.leastBytes, Math.floor(pace.bytes / 2))
}
