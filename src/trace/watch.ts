import type { Entry, LogStore, Payload, PersistRecord, Status, TraceEvent } from '../contracts.js'
import { shortened } from '../text.js'
import type { NodeFacts, TracedEntry, TracedRecord } from './events.js'

/** Characters of an entry's contents that a trace shows. */
const wordsLength = 48
/** Entries of a log that a trace shows when a node starts. */
const recoveredEntries = 200

/** Watches the end of each turn, and reports what a node is when something has changed. */
export class StateWatch {
  readonly #tell: (event: TraceEvent) => void
  #last = ''

  constructor(tell: (event: TraceEvent) => void) {
    this.#tell = tell
  }

  /** Looks at a node's status; tells if it is another than last time. */
  look(status: Status): void {
    const facts = factsOf(status)
    const now = JSON.stringify(facts)
    if (now === this.#last) return
    this.#last = now
    this.#tell({ event: 'state', ...facts, silent: status.silentTicks })
  }
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
export function watchedLog(store: LogStore, tell: (event: TraceEvent) => void): LogStore {
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
      tell({ event: 'write', records: batch.records.map(tracedRecord) })
      const written = store.write(batch)
      written.then(
        () => tell({ event: 'synced', upTo: batch.upTo }),
        () => {},
      )
      return written
    },
    close: () => store.close(),
  }
}

function tracedRecord(record: PersistRecord): TracedRecord {
  if (record.record === 'entry') return { record: 'entry', ...tracedEntry(record.entry) }
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
  const words = Object.values(command).map((part) => (typeof part === 'object' ? JSON.stringify(part) : String(part)))
  return shortened(words.join(' '), wordsLength)
}
