import type { Entry } from '../../src/contracts.js'
import type { Replica } from './replica.js'

/** Entries that may wait in a leader for a majority. */
const maxEntries = 65_536

/** Bytes of entries that may wait in a leader, in both forms in which it holds them: the text and the command. */
const maxBytes = 128 * 1024 * 1024

/**
 * A log without a quorum must not grow for ever: past a bound, the leader refuses new requests, for certain. The bound
 * is on the memory held, not only on the number of requests. One request fits where nothing waits, whatever its size.
 *
 * @returns a text that names the bound that was reached, or null
 */
export function overload(node: Replica): string | null {
  if (node.log.last.index - node.commitIndex >= maxEntries) return `${maxEntries} entries are waiting for a majority`
  if (measure(node) < maxBytes) return null
  return `entries of ${maxBytes / 1024 / 1024} MiB are waiting for a majority, or to be performed`
}

/** Counts each entry when it comes and when it has been performed, and all of them anew when an office begins. */
function measure(node: Replica): number {
  const { backlog, log, term, applied } = node
  if (backlog.term !== term || backlog.from < log.first - 1 || backlog.upTo > log.last.index) {
    const from = Math.max(applied, log.first - 1)
    Object.assign(backlog, { term, from, upTo: from, bytes: 0 })
  }
  while (backlog.upTo < log.last.index) backlog.bytes += memoryOfEntry(log.at(++backlog.upTo)!)
  while (backlog.from < applied) backlog.bytes -= memoryOfEntry(log.at(++backlog.from)!)
  return backlog.bytes
}

/**
 * Bytes that an entry takes in memory, estimated: two for each character of its text, as much for the command, and 512
 * for the objects.
 */
export function memoryOfEntry({ text }: Entry): number {
  return 4 * text.length + 512
}
