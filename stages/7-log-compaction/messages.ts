import { type Chunk, type Index, isPositive, type Message, type Term } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import { isNatural } from '../4-log-replication/messages.js'
import { isTerm } from '../4-log-replication/term.js'
import type { ElectionMessage } from '../6-leader-election/messages.js'

/**
 * The leader to a follower that lacks entries that the log has let go: a piece of the snapshot that holds them (figure
 * 13).
 */
export interface InstallSnapshot extends Chunk {
  readonly type: 'InstallSnapshot'
  readonly term: Term
  /** Numbers the pieces of one transfer; a piece that is sent again keeps its number. */
  readonly sequence: number
}

/**
 * A follower to the leader: `held` bytes of the file are here. Or, once the snapshot is installed and on disk: my log
 * is yours up to `matchIndex`.
 */
export interface InstallSnapshotReply extends Message {
  readonly type: 'InstallSnapshotReply'
  readonly term: Term
  readonly sequence: number
  /** Bytes that the follower holds, from the start of the file. */
  readonly held: number
  /** The last index up to which the follower's log is the leader's; 0 until the snapshot is installed. */
  readonly matchIndex: Index
}

export type CompactionMessage = ElectionMessage | InstallSnapshot | InstallSnapshotReply

type Candidate = Readonly<Record<string, unknown>>

function isPiece(candidate: Candidate): boolean {
  const { term, sequence, lastIncludedIndex, lastIncludedTerm, bytes, sha256, offset, data } = candidate
  if (!isTerm(term) || !isPositive(sequence) || !isPositive(lastIncludedIndex)) return false
  if (!isPositive(lastIncludedTerm) || lastIncludedTerm > term || !isPositive(bytes) || !isNatural(offset)) return false
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return false
  return data instanceof Uint8Array && offset + data.length <= bytes
}

/**
 * Each message's kind, and the check of its fields when it comes from the wire. A deposed leader that sends a snapshot
 * is told the term by now, like one that sends entries (figure 13, 1): both messages are of the kind `leads`.
 */
export const compactionMessages = {
  InstallSnapshot: { kind: 'leads', check: isPiece },
  InstallSnapshotReply: {
    kind: 'answers',
    check: ({ term, sequence, held, matchIndex }) =>
      isTerm(term) && isPositive(sequence) && isNatural(held) && isNatural(matchIndex),
  },
} satisfies Record<string, MessageFacts>
