import type { Entry, EntryId, Index, Payload, Term } from '../../src/contracts.js'

/**
 * The log: entries without a gap, terms never falling (§5.3). Before the first stands a sentinel, so
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

  /** The term of the entry there, 0 for the sentinel's; undefined where the log has nothing. Nothing is not term 0. */
  termAt(index: Index): Term | undefined {
    return index === this.sentinel.index ? this.sentinel.term : this.at(index)?.term
  }

  /** The entries from an index on. */
  from(index: Index): Entry[] {
    return this.entries.slice(Math.max(0, index - this.first))
  }

  /** As many entries from an index on as fit into so many bytes of text, and one in any case. */
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

  /** What the entry there holds, once: it is about to be performed, and the log needs no more of it than the text. */
  takePayload(index: Index): Payload | null {
    const entry = this.at(index)
    if (!entry) return null
    this.entries[index - this.first] = { index, term: entry.term, payload: null, text: entry.text }
    return entry.payload
  }

  /** Takes back everything from this index on. */
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
