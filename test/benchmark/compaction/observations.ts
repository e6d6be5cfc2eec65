import type { NodeId } from '../../../src/contracts.js'
import type { Portion } from './loader.js'

/** What was seen of one node while something was done. */
export interface Seen {
  longestPauseMs: number
  longestCollectionMs: number
  residentBytes: number
}

/** A part of the run, and what was seen in it. */
export interface Phase {
  readonly name: string
  readonly since: number
  seconds: number
  readonly nodes: Map<NodeId, Seen>
  /** What came back to the clients; null where there was no load. */
  load: Portion | null
  /** The longest log that a node had on disk, snapshots not counted. */
  logBytes: number
}

/** A snapshot that a node took by itself. */
export interface Taken {
  readonly node: NodeId
  readonly index: number
  readonly bytes: number
  /** From the first byte to the record in the log; null where the file system does not tell when a file was made. */
  readonly ms: number | null
  readonly phase: string
}

export const nothingSeen = (): Seen => ({ longestPauseMs: 0, longestCollectionMs: 0, residentBytes: 0 })

export function newPhase(name: string): Phase {
  return { name, since: performance.now(), seconds: 0, nodes: new Map(), load: null, logBytes: 0 }
}

export function note(phase: Phase, node: NodeId, seen: Seen): void {
  const before = phase.nodes.get(node) ?? nothingSeen()
  phase.nodes.set(node, {
    longestPauseMs: Math.max(before.longestPauseMs, seen.longestPauseMs),
    longestCollectionMs: Math.max(before.longestCollectionMs, seen.longestCollectionMs),
    residentBytes: Math.max(before.residentBytes, seen.residentBytes),
  })
}
