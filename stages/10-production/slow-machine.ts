import type { Index } from '../../src/contracts.js'
import { memoryOfEntry } from '../4-log-replication/backlog.js'
import type { AppendEntries } from '../4-log-replication/messages.js'
import { appendBehindEdge } from '../7-log-compaction/edge.js'
import type { ProductionNode } from './production-node.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** The state machine is far behind the log: a follower takes no more entries until it has caught up with half. */
    machine_behind: { bytes: number; mostBytes: number }
    machine_in_time: { bytes: number }
  }
}

/** Bytes of memory that committed entries may take before the state machine, unless a test has another bound. */
const usualBytes = 128 * 1024 * 1024

/**
 * A follower whose state machine is far behind takes no more entries: they would wait in its memory, without an end.
 * Such a message counts as lost, so its entries come again. All other messages are heard: the leader stays heard, and
 * stays in office. Where a majority is so slow, nothing more is committed, and the leader refuses what is too much.
 */
export function appendIfInTime(node: ProductionNode, message: AppendEntries): void {
  if (message.entries.length === 0 || !node.unapplied.isTooMuch) appendBehindEdge(node, message)
}

/** Ends a turn: counts the entries that are handed to the state machine in it. */
export function countHanded(node: ProductionNode): void {
  const { unapplied, effects, log } = node
  const last = effects.apply.at(-1)
  if (!last) return
  const bytes = effects.apply.reduce((sum, { index }) => sum + memoryOfEntry(log.at(index)!), 0)
  unapplied.turns.push({ upTo: last.index, bytes })
  unapplied.bytes += bytes
  judge(node)
}

/** The state machine has performed entries. Those of a turn count until it has performed the last of them. */
export function countApplied(node: ProductionNode, upTo: Index): void {
  const { unapplied } = node
  const { turns } = unapplied
  const done = turns.findIndex((turn) => turn.upTo > upTo)
  for (const { bytes } of turns.splice(0, done < 0 ? turns.length : done)) unapplied.bytes -= bytes
  judge(node)
}

/** Decides whether it is too much; at the edge it would flicker, so half of it has to be performed first. */
function judge({ unapplied, timing, effects }: ProductionNode): void {
  const mostBytes = timing.unappliedBytes ?? usualBytes
  const { bytes, isTooMuch } = unapplied
  if (!isTooMuch && bytes >= mostBytes) {
    unapplied.isTooMuch = true
    effects.events.push({ event: 'machine_behind', bytes, mostBytes })
  } else if (isTooMuch && bytes <= mostBytes / 2) {
    unapplied.isTooMuch = false
    effects.events.push({ event: 'machine_in_time', bytes })
  }
}
