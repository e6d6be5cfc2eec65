import {
  type Entry,
  type EntryId,
  type Index,
  type NodeId,
  type PersistRecord,
  type Term,
  theBeginning,
} from '../contracts.js'

/** The state at a log's beginning: where its first part was let go, the state to which that part led. */
export interface LogStart {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The index of the log's first entry. */
  readonly first: Index
  /** The newest first. */
  readonly snapshots: readonly EntryId[]
}

export const newLog: LogStart = { term: 0, votedFor: null, first: 1, snapshots: [] }

/** The state at a log's end, without the entries themselves. */
export interface LogBounds extends LogStart {
  /** The index of the log's last entry; of the entry before the next, if the log has none. */
  readonly last: Index
}

/** The contents of a log, as a node that starts finds them. */
export interface LogContents {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The entry before the first of {@link entries}. */
  readonly edge: EntryId
  readonly entries: readonly Entry[]
  /** The newest first, two at most. */
  readonly snapshots: readonly EntryId[]
}

/**
 * The snapshots that are kept once the log has a record of one: this snapshot, and the newest before it, unless the log
 * began anew. A record of a snapshot that was kept already takes back the newer ones, which could not be read any more;
 * a record of the beginning takes back all.
 */
function keptSnapshots(before: readonly EntryId[], snapshot: EntryId, last: Index): readonly EntryId[] {
  if (snapshot.index === 0) return []
  if (last < snapshot.index) return [snapshot]
  const oldest = before.at(-1)
  if (oldest && oldest.index > snapshot.index) return before
  return [snapshot, ...before.filter(({ index }) => index < snapshot.index).slice(0, 1)]
}

/** The entry before a log's first; null if no snapshot says what the missing entries there came to. */
export function edgeOf({ first, snapshots }: LogStart): EntryId | null {
  return first === 1 ? theBeginning : (snapshots.findLast(({ index }) => index >= first - 1) ?? null)
}

/** Says in words what a log without an edge lacks. */
export function gapBefore({ first }: LogStart): string {
  return `the log begins with entry ${first}, and no snapshot holds what came before`
}

/**
 * Moves a log's state on by one record. A log is kept from the older of two snapshots on, and from its beginning while
 * there is only one. Entries that a snapshot holds are not taken back.
 *
 * @throws on an entry that leaves a gap, which no sequence of writes does
 */
export function advance(
  state: { -readonly [Field in keyof LogBounds]: LogBounds[Field] },
  record: PersistRecord,
): void {
  if (record.record === 'entry') {
    const { index } = record.entry
    if (index !== state.last + 1) throw new Error(`entry ${index} follows entry ${state.last}`)
    state.last = index
  } else if (record.record === 'truncate') {
    state.last = Math.min(state.last, Math.max(record.from - 1, state.snapshots[0]?.index ?? 0))
    // What was taken back may have been let go of with the segments before this one; what follows is here.
    state.first = Math.min(state.first, state.last + 1)
  } else if (record.record === 'snapshot') {
    const { snapshot } = record
    const edge = state.last < snapshot.index ? snapshot : null
    state.snapshots = keptSnapshots(state.snapshots, snapshot, state.last)
    state.first = Math.max(state.first, (edge ?? state.snapshots[1] ?? theBeginning).index + 1)
    state.last = Math.max(state.last, snapshot.index)
  } else {
    state.term = record.term
    state.votedFor = record.votedFor
  }
}

/**
 * The state after a sequence of records: the last term and vote, the snapshots, and the entries that are still there.
 */
export class Records {
  readonly #state: { -readonly [Field in keyof LogBounds]: LogBounds[Field] }
  #entries: Entry[] = []

  constructor(start: LogStart = newLog) {
    this.#state = { ...start, last: start.first - 1 }
  }

  /** @throws if the entries would have a gap, which no sequence of writes leaves */
  add(records: Iterable<PersistRecord>): void {
    for (const record of records) this.#add(record)
  }

  get bounds(): LogBounds {
    return this.#state
  }

  get snapshots(): readonly EntryId[] {
    return this.#state.snapshots
  }

  at(index: Index): Entry | undefined {
    return this.#entries[index - this.#state.first]
  }

  /** @throws if the log does not begin where a snapshot ends */
  contents(): LogContents {
    const { term, votedFor, snapshots } = this.#state
    const edge = edgeOf(this.#state)
    if (!edge) throw new Error(gapBefore(this.#state))
    return { term, votedFor, edge, entries: this.entriesBehind(edge), snapshots }
  }

  entriesBehind({ index }: EntryId): readonly Entry[] {
    return this.#entries.slice(index + 1 - this.#state.first)
  }

  #add(record: PersistRecord): void {
    const { first } = this.#state
    advance(this.#state, record)
    if (record.record === 'entry') this.#entries.push(record.entry)
    else if (record.record === 'truncate') this.#entries.length = Math.max(0, this.#state.last - first + 1)
    else if (record.record === 'snapshot') this.#entries.splice(0, this.#state.first - first)
  }
}

/** The contents of a log after these records. @throws if they leave a gap */
export function recover(records: Iterable<PersistRecord>, start: LogStart = newLog): LogContents {
  const all = new Records(start)
  all.add(records)
  return all.contents()
}
