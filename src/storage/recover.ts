import {
  type Entry,
  type EntryId,
  type Index,
  type NodeId,
  type Persist,
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
  /** The highest index that a batch's hint says is committed; 0 if no batch had a hint. */
  readonly commit: Index
}

export const newLog: LogStart = { term: 0, votedFor: null, first: 1, snapshots: [], commit: 0 }

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
  /** The last entry known to be committed, by hints and snapshots; 0 where nothing is known. */
  readonly commit: Index
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

type Changing = { -readonly [Field in keyof LogBounds]: LogBounds[Field] }

/**
 * Moves a log's state on by one record. A log is kept from the older of two snapshots on, and from its beginning while
 * there is only one. Entries that a snapshot holds are not taken back.
 *
 * @throws on an entry that leaves a gap, and if an entry known to be committed is taken back: no sequence of writes
 * does either
 */
export function advance(state: Changing, record: PersistRecord): void {
  if (record.record === 'entry') {
    const { index } = record.entry
    if (index !== state.last + 1) throw new Error(`entry ${index} follows entry ${state.last}`)
    state.last = index
  } else if (record.record === 'truncate') {
    const last = Math.min(state.last, Math.max(record.from - 1, state.snapshots[0]?.index ?? 0))
    if (last < state.commit) throw new Error(`entry ${last + 1} is known to be committed, and is taken back`)
    state.last = last
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
 * Notes a batch's hint of a commit, once the batch's records are in the log. A batch that knows less takes nothing
 * back: what was committed stays so.
 *
 * @throws on a hint beyond the log's end: a node knows a commit only of entries that it has
 */
export function noteCommit(state: Changing, commit: Index = 0): void {
  if (commit > state.last)
    throw new Error(`entry ${commit} is said to be committed, and entry ${state.last} is the last`)
  state.commit = Math.max(state.commit, commit)
}

/** The last entry known to be committed, by hints and by snapshots, which hold nothing else; 0 if nothing is known. */
export function knownCommit({ commit, snapshots }: LogStart): Index {
  return Math.max(commit, snapshots[0]?.index ?? 0)
}

/**
 * The state after a sequence of batches: the last term and vote, the snapshots, and the entries that are still there.
 */
export class Records {
  readonly #state: Changing
  #entries: Entry[] = []

  constructor(start: LogStart = newLog) {
    this.#state = { ...start, last: start.first - 1 }
  }

  /**
   * Adds records, of one batch or more, and the last batch's hint of a commit.
   *
   * @throws on what no sequence of writes leaves: a gap, or a hint that cannot be true
   */
  add(records: Iterable<PersistRecord>, commit?: Index): void {
    for (const record of records) this.#add(record)
    noteCommit(this.#state, commit)
  }

  /** Checks that a batch can be added. @throws if it cannot */
  check({ records, commit }: Persist): void {
    const state = { ...this.#state }
    for (const record of records) advance(state, record)
    noteCommit(state, commit)
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
    return { term, votedFor, edge, entries: this.entriesBehind(edge), commit: knownCommit(this.#state), snapshots }
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

/** The contents of a log after these batches. @throws if they leave a gap, or a hint cannot be true */
export function recover(batches: Iterable<Pick<Persist, 'records' | 'commit'>>): LogContents {
  const all = new Records()
  for (const { records, commit } of batches) all.add(records, commit)
  return all.contents()
}
