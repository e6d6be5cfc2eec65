import {
  type Entry,
  type EntryId,
  type Index,
  type NodeId,
  type PersistRecord,
  type Term,
  theBeginning,
} from '../contracts.js'

/** What is known where a log begins: of one whose first part was let go, what that part came to. */
export interface LogStart {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The index of its first entry. */
  readonly first: Index
  /** The newest first. */
  readonly snapshots: readonly EntryId[]
}

export const newLog: LogStart = { term: 0, votedFor: null, first: 1, snapshots: [] }

/** What a log comes to. */
export interface LogContents {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The entry before the first of {@link entries}. */
  readonly edge: EntryId
  readonly entries: readonly Entry[]
  /** The newest first, two at most. */
  readonly snapshots: readonly EntryId[]
}

/** The snapshots that are kept once there is another: that one, and the newest before it, unless the log began anew. */
export function keptSnapshots(before: readonly EntryId[], snapshot: EntryId, last: Index): EntryId[] {
  return last < snapshot.index ? [snapshot] : [snapshot, ...before.slice(0, 1)]
}

/** What a sequence of records comes to: the last term and vote, and the entries that no truncation took back. */
export class Records {
  #term: Term
  #votedFor: NodeId | null
  #first: Index
  #entries: Entry[] = []
  #snapshots: readonly EntryId[]

  constructor({ term, votedFor, first, snapshots } = newLog) {
    this.#term = term
    this.#votedFor = votedFor
    this.#first = first
    this.#snapshots = snapshots
  }

  /** @throws if the entries would have a gap, which no sequence of writes leaves */
  add(records: Iterable<PersistRecord>): void {
    for (const record of records) this.#add(record)
  }

  get last(): Index {
    return this.#first + this.#entries.length - 1
  }

  get snapshots(): readonly EntryId[] {
    return this.#snapshots
  }

  at(index: Index): Entry | undefined {
    return this.#entries[index - this.#first]
  }

  /** @throws if the log does not begin where a snapshot ends */
  contents(): LogContents {
    const edge = this.#edge()
    const entries = this.#entries.slice(edge.index + 1 - this.#first)
    return { term: this.#term, votedFor: this.#votedFor, edge, entries, snapshots: this.#snapshots }
  }

  /** The log is kept from the older of two snapshots on, and from its beginning while there is only one. */
  #edge(): EntryId {
    const [newest, older] = this.#snapshots
    const edge = older ?? (this.#first === 1 ? theBeginning : newest)
    if (edge && edge.index >= this.#first - 1) return edge
    throw new Error(`the log begins with entry ${this.#first}, and no snapshot holds what came before`)
  }

  #add(record: PersistRecord): void {
    if (record.record === 'term') {
      this.#term = record.term
      this.#votedFor = record.votedFor
    } else if (record.record === 'truncate') {
      this.#entries.length = Math.max(0, Math.min(this.#entries.length, record.from - this.#first))
    } else if (record.record === 'snapshot') {
      this.#addSnapshot(record.snapshot)
    } else {
      const { index } = record.entry
      if (index !== this.last + 1) throw new Error(`entry ${index} follows entry ${this.last}`)
      this.#entries.push(record.entry)
    }
  }

  #addSnapshot(snapshot: EntryId): void {
    this.#snapshots = keptSnapshots(this.#snapshots, snapshot, this.last)
    if (this.last >= snapshot.index) return
    this.#first = snapshot.index + 1
    this.#entries = []
  }
}

/** What a node finds after these records. @throws if they leave a gap */
export function recover(records: Iterable<PersistRecord>): LogContents {
  const all = new Records()
  all.add(records)
  return all.contents()
}
