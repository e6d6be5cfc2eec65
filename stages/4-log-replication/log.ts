import type { Entry, EntryId, Index, Payload, Term } from '../../src/contracts.js'

/**
 * The log holds entries without a gap, their terms never falling (§5.3). A sentinel stands before the first entry, so
 * that every entry has one before it and the consistency check needs no special case.
 */
export class Log {
  protected sentinel: EntryId
  protected entries: Entry[]

  constructor(sentinel: EntryId, entries: readonly Entry[]) {
    this.sentinel = sentinel
    this.entries = [...entries]
  }

  get first(): Index {
    return this.sentinel.index + 1
  }

  get last(): EntryId {
    return this.entries.at(-1) ?? this.sentinel
  }

  at(index: Index): Entry | undefined {
    return this.entries[index - this.first]
  }

  /**
   * The term of the entry at an index, or of the sentinel there; undefined where the log has neither. Undefined is not
   * term 0.
   */
  termAt(index: Index): Term | undefined {
    return index === this.sentinel.index ? this.sentinel.term : this.at(index)?.term
  }

  /** The entries from an index on. */
  from(index: Index): Entry[] {
    return this.entries.slice(Math.max(0, index - this.first))
  }

  /** Entries from an index on, as many as fit into `bytes`, counted in characters of text; one in any case. */
  batch(index: Index, bytes: number): Entry[] {
    let end = index
    for (let held = 0; end <= this.last.index; end++) {
      held += this.at(end)!.text.length
      if (held > bytes && end > index) break
    }
    return this.entries.slice(index - this.first, end - this.first)
  }

  append(entry: Entry): void {
    const { index, term } = this.last
    if (entry.index !== index + 1 || entry.term < term) {
      throw new Error(`entry ${entry.index} of term ${entry.term} cannot follow entry ${index} of term ${term}`)
    }
    this.entries.push(entry)
  }

  /**
   * Takes the payload out of an entry that is about to be performed: from then on the log needs only the entry's text.
   *
   * @returns null if the payload was taken before, or the log has no entry there
   */
  takePayload(index: Index): Payload | null {
    const entry = this.at(index)
    if (!entry) return null
    this.entries[index - this.first] = { index, term: entry.term, payload: null, text: entry.text }
    return entry.payload
  }

  /** Takes back all entries from this index on. */
  truncate(from: Index): void {
    this.entries.length = from - this.first
  }

  /** The first index whose entry is of this term or a later one; one past the end if there is none. */
  firstOf(term: Term): Index {
    let [low, high] = [this.first, this.last.index + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.at(middle)!.term < term) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Invariants of replicated logs (figure 3), which hold after every step of every node. */
export const logInvariants = [
  'appliedNeverFalls',
  'commitNeverFalls',
  'termNeverFalls',
  'oneLeaderPerTerm',
  'leaderAppendsOnly',
  'logsMatch',
  'leadersAreComplete',
  'committedIsDurable',
  'stateMachinesAgree',
] as const
