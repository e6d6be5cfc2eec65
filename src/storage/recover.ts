import { type Entry, nothingRecovered, type PersistRecord, type Recovered } from '../contracts.js'

/**
 * What a node finds after these records: the last term and vote, and the entries that no truncation took back.
 *
 * @throws if the entries leave a gap, which no sequence of writes can
 */
export function recover(records: Iterable<PersistRecord>): Recovered {
  let { term, votedFor } = nothingRecovered
  const entries: Entry[] = []
  for (const record of records) {
    if (record.record === 'term') {
      term = record.term
      votedFor = record.votedFor
    } else if (record.record === 'truncate') {
      entries.length = Math.min(entries.length, record.from - 1)
    } else {
      const { index } = record.entry
      if (index !== entries.length + 1) throw new Error(`entry ${index} follows entry ${entries.length}`)
      entries.push(record.entry)
    }
  }
  return { term, votedFor, entries }
}
