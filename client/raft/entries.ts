import { type Entry, type EntryId, type Index, parseEntry } from '../../src/contracts.js'
import type { Codec } from './codec.js'
import { commandsIn } from './encoding.js'
import { RaftError } from './errors.js'
import type { Committed } from './machine.js'

/** Settings of `entries`. */
export interface EntriesOptions {
  /** The index of the first entry; the first that the log still has if it is left out. */
  readonly from?: number | undefined
  /** The index of the last entry; the last that is committed at present if it is left out, unless `follow` is true. */
  readonly to?: number | undefined
  /** True to wait for entries that are not committed yet. */
  readonly follow?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A log, as far as its reader needs it. */
export interface ReadableLog {
  readonly first: Index
  readonly commit: Index
  /** The place of the last committed entry; index and term 0 where there is none. */
  readonly end: EntryId
  /** The entries from one index to another, both included. */
  entries(from: Index, to: Index): readonly Entry[]
  /** Resolves when more may be committed. @throws RaftError if the node or the signal has ended */
  more(): Promise<void>
}

/** Entries that are taken from the log at once. */
const batchEntries = 256

/**
 * Reads the commands that are committed, in the order of the log. The reader sets the pace. Entries of the cluster's own
 * are left out, so the indexes have gaps.
 *
 * @throws RaftError `compacted` if the log does not have the next entry any more
 */
export async function* committed<C>(
  log: ReadableLog,
  codec: Codec<C>,
  { from, to, follow = false }: EntriesOptions,
): AsyncGenerator<Committed<C>, void> {
  const end = to ?? (follow ? Number.POSITIVE_INFINITY : log.commit)
  for (let next = from ?? log.first; next <= end; ) {
    if (next < log.first)
      throw new RaftError('compacted', `entry ${next} is in a snapshot; the log begins with entry ${log.first}`)
    if (next > log.commit) {
      if (!follow) return
      await log.more()
      continue
    }
    const upTo = Math.min(end, log.commit, next + batchEntries - 1)
    for (const { text } of log.entries(next, upTo)) {
      // The state machine may have changed the command that it was given; the text is as it was.
      const { index, term, payload } = parseEntry(text)
      if (payload?.kind !== 'command') continue
      for (const command of commandsIn(codec, payload.command)) yield { index, term, command }
    }
    next = upTo + 1
  }
}
