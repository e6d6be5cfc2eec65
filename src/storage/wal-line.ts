/**
 * One line of the write-ahead log: eight hex digits of CRC-32, a space, JSON. The checksum covers the JSON's bytes and
 * starts from the line before it, so that lost, swapped and foreign lines show. An entry is the very text that travels
 * to the peers.
 */
import { crc32 } from 'node:zlib'
import {
  type EntryId,
  type Index,
  isObject,
  isPositive,
  type NodeId,
  needsFeatures,
  type PersistRecord,
  parseEntry,
  type Term,
} from '../contracts.js'

/** The header of a segment, its first line: enough to go on without the segments before it. */
export interface SegmentHeader {
  /** The format of the segment ({@link segmentFormat}); the first format has no such field. */
  readonly format?: number
  readonly segment: number
  readonly cluster: string
  readonly node: NodeId
  readonly incarnation: string
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The index that the next entry takes. */
  readonly first: Index
  /** The number of the last batch before this segment. */
  readonly batch: number
  /** The recorded snapshots, the newest first; left out while there is none. */
  readonly snapshots?: readonly EntryId[]
  /** The highest index known to be committed before this segment; left out while none is known. */
  readonly commit?: Index
  /** The checksum of the line before this one, the last of the segment before, in hex; zeros at the start. */
  readonly previous: string
}

/**
 * The format of a segment. The first two had the numbers of their texts ({@link textFormat}); the third has hints of
 * commits, and the texts of the second.
 */
export const segmentFormat = 3

/**
 * The format of a segment since features are switched on ({@link needsFeatures}): the first entry that does so begins a
 * new one. The release before reads all segments up to there, and refuses this one.
 */
export const featuresSegment = 4

/** The least format of a segment that can hold these records. */
export function formatFor(records: readonly PersistRecord[]): number {
  const isNew = records.some((record) => record.record === 'entry' && needsFeatures(record.entry))
  return isNew ? featuresSegment : segmentFormat
}

/** The line that closes a batch: the lines before it were made durable together. */
export interface BatchEnd {
  readonly end: number
  /** The index of the log's last entry. */
  readonly last: Index
  /** The highest index known to be committed; left out while none is known. It never falls. */
  readonly commit?: Index
}

export type Line =
  | { readonly kind: 'header'; readonly header: SegmentHeader }
  | { readonly kind: 'record'; readonly record: PersistRecord }
  | { readonly kind: 'end'; readonly end: BatchEnd }

/** @throws if it is none of ours, or of a version that knows more */
export function parseLine(text: string): Line {
  if (text.startsWith('{"index":')) return { kind: 'record', record: { record: 'entry', entry: parseEntry(text) } }
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed)) throw new Error('not a record')
  if ('index' in parsed) return { kind: 'record', record: { record: 'entry', entry: parseEntry(text) } }
  if (isPositive(parsed.end)) return { kind: 'end', end: parsed as never }
  if (isPositive(parsed.truncate)) return { kind: 'record', record: { record: 'truncate', from: parsed.truncate } }
  if (isSnapshot(parsed))
    return { kind: 'record', record: { record: 'snapshot', snapshot: { index: parsed.snapshot, term: parsed.term } } }
  if (isPositive(parsed.segment)) return { kind: 'header', header: parsed as never }
  if (typeof parsed.term === 'number' && 'votedFor' in parsed) {
    const { term, votedFor } = parsed
    return { kind: 'record', record: { record: 'term', term, votedFor: votedFor as NodeId | null } }
  }
  throw new Error('a record of an unknown kind')
}

/** Checks for a record of a snapshot; index and term 0 mean the beginning, and take all snapshots back. */
function isSnapshot(parsed: Record<string, unknown>): parsed is { snapshot: Index; term: Term } {
  const { snapshot, term } = parsed
  return (isPositive(snapshot) && isPositive(term)) || (snapshot === 0 && term === 0)
}

function textOf(record: PersistRecord): string {
  if (record.record === 'entry') return record.entry.text
  if (record.record === 'snapshot')
    return JSON.stringify({ snapshot: record.snapshot.index, term: record.snapshot.term })
  if (record.record === 'truncate') return `{"truncate":${record.from}}`
  return JSON.stringify({ term: record.term, votedFor: record.votedFor })
}

export const newline = 10
const space = 32
const checksumDigits = 8
/** Bytes before a line's JSON: the checksum, and a space. */
const prefixBytes = checksumDigits + 1

export function checksumText(checksum: number): string {
  return checksum.toString(16).padStart(checksumDigits, '0')
}

const hexDigits = Buffer.from('0123456789abcdef')
const firstBytes = 64 * 1024
/** Bytes up to which a buffer is kept for the next batch. */
const keptBytes = 4 * 1024 * 1024

/** Encodes a batch as the bytes of its lines; its buffer is used again and again. */
export class LineEncoder {
  /** The checksum of the last line, from which the next line's checksum starts. */
  checksum: number
  #buffer = Buffer.allocUnsafe(firstBytes)
  #length = 0

  constructor(checksum: number) {
    this.checksum = checksum
  }

  /** @throws on a text that would be two lines */
  add(text: string): void {
    if (text.includes('\n')) throw new Error('a record with a line break in its text cannot be a line')
    // No character takes more than three bytes.
    this.#reserve(prefixBytes + text.length * 3 + 1)
    const buffer = this.#buffer
    const start = this.#length + prefixBytes
    const end = start + buffer.write(text, start)
    const checksum = crc32(buffer.subarray(start, end), this.checksum)
    for (let digit = 0; digit < checksumDigits; digit++) {
      buffer[this.#length + digit] = hexDigits[(checksum >>> (28 - 4 * digit)) & 15]!
    }
    buffer[start - 1] = space
    buffer[end] = newline
    this.checksum = checksum
    this.#length = end + 1
  }

  addRecord(record: PersistRecord): void {
    this.add(textOf(record))
  }

  addEnd({ end, last, commit = 0 }: BatchEnd): void {
    this.add(`{"end":${end},"last":${last}${commit > 0 ? `,"commit":${commit}` : ''}}`)
  }

  /** Takes the lines added since the last call; the bytes are good until the next {@link add}. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#length)
    this.#length = 0
    return bytes
  }

  #reserve(bytes: number): void {
    if (this.#length === 0 && this.#buffer.length > keptBytes) this.#buffer = Buffer.allocUnsafe(firstBytes)
    const needed = this.#length + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

/**
 * Checks that a line is whole and follows a line with this checksum. @returns its text and checksum; null if it does
 * not
 */
export function verifyLine(line: Buffer, previous: number): { text: string; checksum: number } | null {
  if (line.length < prefixBytes || line[checksumDigits] !== space) return null
  const written = line.toString('latin1', 0, checksumDigits)
  if (!/^[0-9a-f]{8}$/.test(written)) return null
  const checksum = crc32(line.subarray(prefixBytes), previous)
  if (checksum !== Number.parseInt(written, 16)) return null
  return { text: line.toString('utf8', prefixBytes), checksum }
}
