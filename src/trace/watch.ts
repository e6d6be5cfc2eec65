import type { Clock, Entry, LogStore, Payload, PersistRecord, Status, Traced } from '../contracts.js'
import type { Doors } from '../node.js'
import { beginning, shortened } from '../text.js'
import { factNames, type NodeFacts, type TracedEntry, type TracedRecord } from './events.js'
import { isSameFact } from './text.js'

/** Characters of an entry's contents that a trace shows. */
const wordsLength = 48
/** Entries of a log that a trace shows when a node starts. */
const recoveredEntries = 200

/** A listener to the steps of a node. */
export interface Tracer {
  readonly tell: (event: Traced) => void
  /** True if requests, and what is performed, are to be told as well. */
  readonly hearsRequests: boolean
  /** Milliseconds for which a state waits for a later one; 0 tells one for each turn. */
  readonly stateMs: number
  /** Chooses the records of a write that are told; none of them if there is no room for the write. */
  readonly choose: (records: readonly PersistRecord[]) => readonly PersistRecord[]
}

/** Makes a listener that hears everything. */
export function hearsAll(tell: (event: Traced) => void): Tracer {
  return { tell, hearsRequests: true, stateMs: 0, choose: (records) => records }
}

/** Watches the end of each turn, and reports what a node is when something has changed. */
export class StateWatch {
  readonly #tracer: Tracer
  readonly #clock: Pick<Clock, 'after'>
  readonly #statusOf: () => Status
  #last: NodeFacts | null = null
  #waits = false
  #isSkipped = false

  constructor(tracer: Tracer, clock: Pick<Clock, 'after'>, statusOf: () => Status) {
    this.#tracer = tracer
    this.#clock = clock
    this.#statusOf = statusOf
  }

  /** Looks at the node at the end of a turn; tells if it is another than last time. */
  turned(): void {
    if (this.#waits) {
      this.#isSkipped = true
      return
    }
    this.#look()
    const { stateMs } = this.#tracer
    if (stateMs === 0) return
    this.#waits = true
    this.#clock.after(stateMs, () => {
      this.#waits = false
      if (this.#isSkipped) this.#look()
      this.#isSkipped = false
    })
  }

  #look(): void {
    const status = this.#statusOf()
    const facts = factsOf(status)
    const last = this.#last
    if (last && factNames.every((name) => isSameFact(last[name], facts[name]))) return
    this.#last = facts
    this.#tracer.tell({ event: 'state', ...facts, silent: status.silentTicks })
  }
}

/** Makes the doors by which a node tells its steps. */
export function doorsOf({ tell, hearsRequests }: Tracer): Pick<Doors, 'trace' | 'traceRequest'> {
  return hearsRequests ? { trace: tell, traceRequest: tell } : { trace: tell }
}

/** Picks the facts that a trace tells from a node's status. */
export function factsOf(status: Status): NodeFacts {
  const { role, leader, applied, term, votedFor, durable, commit, log } = status
  const { electionTimeoutTicks: timeout, member, voters, outgoing, learners } = status
  const edge = log && log.first - 1
  const ofLog = { term, votedFor, edge, last: log?.last, durable, commit, timeout }
  return { role, leader, applied, ...ofLog, member, voters, outgoing, learners }
}

/**
 * Puts a watcher in front of a store for logs. It reports what is read at the start, and each write when it begins and
 * when it is done. The store's own promises go through, so that nothing happens later than without a watcher.
 */
export function watchedLog(store: LogStore, { tell, choose }: Tracer): LogStore {
  return {
    snapshots: store.snapshots,
    open() {
      const opened = store.open()
      opened.then(
        ({ term, votedFor, edge, entries }) => {
          const shown = entries.slice(-recoveredEntries).map(tracedEntry)
          tell({ event: 'recovered', term, votedFor, edge: edge.index, entries: shown })
        },
        () => {},
      )
      return opened
    },
    write(batch) {
      const records = choose(batch.records)
      if (records.length > 0) tell({ event: 'write', records: records.map(tracedRecord) })
      const { index, term } = batch.upTo
      const written = store.write(batch)
      written.then(
        () => tell({ event: 'synced', upTo: { index, term } }),
        () => {},
      )
      return written
    },
    close: () => store.close(),
  }
}

function tracedRecord(record: PersistRecord): TracedRecord {
  if (record.record === 'entry') {
    const { index, term, payload } = record.entry
    return { record: 'entry', index, term, what: payload ? wordsOf(payload) : '' }
  }
  if (record.record === 'snapshot') {
    const { index, term } = record.snapshot
    return { record: 'snapshot', index, term }
  }
  return record
}

function tracedEntry({ index, term, payload }: Entry): TracedEntry {
  return { index, term, what: payload ? wordsOf(payload) : '' }
}

/** Describes a payload in a few words, whatever the application is. */
function wordsOf(payload: Payload): string {
  if (payload.kind !== 'command') return payload.kind
  const { command } = payload
  if (command instanceof Uint8Array) return `${command.length} bytes`
  if (typeof command !== 'object' || command === null) return shortened(String(command), wordsLength)
  let [words, length] = ['', -1]
  for (const part of Object.values(command)) {
    const word = typeof part === 'object' ? JSON.stringify(part) : String(part)
    if (words.length <= wordsLength) words += `${length < 0 ? '' : ' '}${word}`
    length += word.length + 1
  }
  // A text of ASCII alone takes half the room in memory, and is written faster.
  return length <= wordsLength ? words : `${beginning(words, wordsLength)}... (${length} characters)`
}
