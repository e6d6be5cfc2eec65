import type { Timing } from '../../src/contracts.js'

/** The bounds of a pace: bytes in one message, and how long its answer is waited for at least, in ticks. */
interface PaceBounds {
  readonly leastBytes: number
  readonly mostBytes: number
  readonly leastTicks: number
}

/**
 * How fast one follower is spoken to: how much one message may carry, and how long its answer is waited for. Lines and
 * disks differ a thousandfold, so both are learnt from the answers (as RFC 6298 has it for TCP).
 */
export interface Pace extends PaceBounds {
  /** Bytes in one message at most. */
  bytes: number
  /** After so many ticks without an answer, the message under way counts as lost. */
  patienceTicks: number
  /** When it last left, in ticks since the start; and how many copies of it followed the first. */
  sentAt: number
  copies: number
  /** Whether more was to be sent than it could carry. */
  isFull: boolean
}

/** What a pace goes by: the node's logical time. */
interface Timed {
  readonly ticks: number
  readonly timing: Timing
}

/** A pace begins slowly: the first messages are to find out what the line bears. */
export function newPace(bounds: PaceBounds): Pace {
  const { leastBytes: bytes, leastTicks: patienceTicks } = bounds
  return { ...bounds, bytes, patienceTicks, sentAt: 0, copies: 0, isFull: false }
}

export function isOverdue({ sentAt, patienceTicks }: Pace, { ticks }: Timed): boolean {
  return ticks - sentAt >= patienceTicks
}

/** Notes that a message leaves, for the first time or again: each copy makes the next one wait longer, and smaller. */
export function noteSent(pace: Pace, node: Timed, isCopy: boolean): void {
  pace.sentAt = node.ticks
  pace.copies = isCopy ? pace.copies + 1 : 0
  if (!isCopy) return
  waitLonger(pace, node.timing.electionTicks)
  shrink(pace)
}

/**
 * Learns from how long an answer took. A message that fills the line for longer than a follower bears silence holds up
 * the heartbeat behind it, and that follower would stand for election each time: so messages get smaller in time.
 */
export function noteAnswered(pace: Pace, { ticks, timing }: Timed): void {
  // Of several copies, nobody can tell which one was answered: that says nothing of the line.
  if (pace.copies > 0) return
  const took = ticks - pace.sentAt
  pace.patienceTicks = Math.max(pace.leastTicks, 2 * took)
  if (took > timing.electionTicks / 2) shrink(pace)
  else if (pace.isFull && took <= timing.electionTicks / 4) pace.bytes = Math.min(pace.mostBytes, pace.bytes * 2)
}

/** Notes the answer to a copy that was not needed: nothing was lost, the line is slower than it was taken for. */
export function noteNeedless(pace: Pace, { timing }: Timed): void {
  waitLonger(pace, 8 * timing.electionTicks)
}

function waitLonger(pace: Pace, mostTicks: number): void {
  pace.patienceTicks = Math.max(pace.patienceTicks, Math.min(2 * pace.patienceTicks, mostTicks))
}

function shrink(pace: Pace): void {
  pace.bytes = Math.max(pace.leastBytes, Math.floor(pace.bytes / 2))
}
