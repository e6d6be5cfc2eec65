import type { EntryId, Index, Term } from './ids.js'
import type { Message } from './messages.js'

/**
 * The first line of a snapshot (§7): its last entry, and the facts that the nodes themselves must remember of the
 * entries up to there.
 */
export interface SnapshotHeader extends EntryId {
  readonly [fact: string]: unknown
}

/** A snapshot that is durable and was verified. Equal states make equal bytes, so the hash is that of the state. */
export interface Snapshot extends SnapshotHeader {
  /** Bytes of the snapshot's file. */
  readonly bytes: number
  /** The SHA-256 of everything before the file's last line, in hex. */
  readonly sha256: string
}

/** A message with a piece of a snapshot's file. The rules name the piece, and the shell puts its bytes in. */
export interface Chunk extends Message {
  /** The index of the snapshot's last entry (figure 13). */
  readonly lastIncludedIndex: Index
  /** The term of the snapshot's last entry. */
  readonly lastIncludedTerm: Term
  /** Bytes of the whole file, as in {@link Snapshot}. */
  readonly bytes: number
  /** The SHA-256 of the whole file, as in {@link Snapshot}. */
  readonly sha256: string
  /** The byte of the file at which the piece begins. */
  readonly offset: number
  readonly data: Uint8Array
}

/** The result of keeping a chunk. */
export interface Kept {
  readonly chunk: Chunk
  /**
   * Bytes of the chunk's file that are there now, counted from its start; null if the disk had no room for the chunk.
   */
  readonly bytes: number | null
}

/** A chunk to be sent, and the most bytes that are to be read into it. */
export interface Piece {
  readonly chunk: Chunk
  readonly length: number
}
