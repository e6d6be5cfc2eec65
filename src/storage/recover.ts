import { type Entry, type Index, nothingRecovered, type PersistRecord, type Recovered } from '../contracts.js'

/** What a sequence of records comes to: the last term and vote, and the entries that no truncation took back. */
export class Records {
  #term = nothingRecovered.term
  #votedFor = nothingRecovered.votedFor
  readonly #entries: Entry[] = []

  /** @throws if the entries would have a gap, which no sequence of writes leaves */
  add(records: Iterable<PersistRecord>): void {
    for (const record of records) this.#add(record)
  }

  at(index: Index): Entry | undefined {
    return this.#entries[index - 1]
  }

  recovered(): Recovered {
    return { term: this.#term, votedFor: this.#votedFor, entries: [...this.#entries] }
  }

  #add(record: PersistRecord): void {
    if (record.record === 'term') {
      this.#term = record.term
      this.#votedFor = record.votedFor
    } else if (record.record === 'truncate') {
      this.#entries.length = Math.min(this.#entries.length, record.from - 1)
    } else {
      const { index } = record.entry
      if (index !== this.#entries.length + 1) throw new Error(`entry ${index} follows entry ${this.#entries.length}`)
      this.#entries.push(record.entry)
    }
  }
}

/** What a node finds after these records. @throws if they leave a gap */
export function recover(records: Iterable<PersistRecord>): Recovered {
  const all = new Records()
  all.add(records)
  return all.recovered()
}
