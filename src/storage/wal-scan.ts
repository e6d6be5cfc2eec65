/**
 * The scan of a write-ahead log. It reads from the first line of the first segment to the end, changes nothing, and
 * says how far the log can be trusted: up to the last closed batch with an unbroken chain of checksums. A batch is
 * begun only when the one before it is durable. So a crash leaves at most one batch unfinished; any trace of a later
 * batch proves damage.
 */
import { join } from 'node:path'
import type { Index, PersistRecord } from '../contracts.js'
import type { Files } from './files.js'
import { FolderError, type Identity } from './identity.js'
import { advance, edgeOf, gapBefore, type LogBounds, type LogStart, newLog } from './recover.js'
import {
  type BatchEnd,
  checksumText,
  featuresSegment,
  newline,
  parseLine,
  type SegmentHeader,
  segmentFormat,
  verifyLine,
} from './wal-line.js'
import { proofOfLaterBatch } from './wal-tail.js'

export const walFolder = 'wal'

export function segmentName(segment: number): string {
  return `${String(segment).padStart(12, '0')}.ndjson`
}

/** The numbers of the segments that a folder lists, in order; copies of cut parts are not among them. */
export function segmentNumbers(names: readonly string[]): number[] {
  const numbers = names.map((name) => Number(/^(\d{12})\.ndjson$/.exec(name)?.[1] ?? Number.NaN))
  return numbers.filter((number) => !Number.isNaN(number)).sort((a, b) => a - b)
}

/** The state of the log at some line of it. */
export interface LogState extends LogBounds {
  /** The number of the last batch. */
  readonly batch: number
  /** True if the last batch is empty: the log was closed. */
  readonly sealed: boolean
  /** The format of the last segment. */
  readonly format: number
  /** The checksum of the last line. */
  readonly checksum: number
}

export const emptyLog: LogState = { ...newLog, last: 0, batch: 0, sealed: true, format: segmentFormat, checksum: 0 }

/** Makes the header of a segment that is begun at this state of the log. */
export function headerOf({ cluster, node, incarnation }: Identity, segment: number, state: LogState): SegmentHeader {
  const { term, votedFor, last, batch, snapshots, commit, checksum } = state
  return {
    ...{ format: state.format, segment, cluster, node, incarnation },
    ...{ term, votedFor, first: last + 1, batch },
    ...(snapshots.length > 0 ? { snapshots } : {}),
    ...(commit > 0 ? { commit } : {}),
    previous: checksumText(checksum),
  }
}

/** The state of the log before a segment, by its header. @throws on a header that no log begins with */
function stateBefore(header: SegmentHeader): LogState {
  const { term, votedFor, first, batch, snapshots = [], commit = 0, previous } = header
  const last = first - 1
  const ofSnapshots = snapshots.flatMap(({ index, term }) => [index - 1, term - 1])
  const numbers = [term, last, batch, commit, last - commit, ...ofSnapshots]
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) throw new Error('it is no header')
  const checksum = Number.parseInt(previous, 16)
  const format = segmentFormat
  return { term, votedFor, first, snapshots, commit, last, batch, sealed: false, format, checksum }
}

/** A good batch, and the segment that holds it. */
export interface ScannedBatch {
  readonly number: number
  readonly segment: number
  readonly records: readonly PersistRecord[]
  /** The highest index known to be committed at its end; 0 while none is known. */
  readonly commit: Index
}

/** The end of the part that can be trusted: a segment, and the length of its good bytes. */
interface GoodEnd {
  /** The segment's number; 0 if not even the first segment's header can be trusted. */
  readonly segment: number
  readonly length: number
  /** The byte at which the last batch begins, or the header if the segment has no batch. */
  readonly lastBatchAt: number
}

/** The part of a log behind its good end. */
export interface Tail {
  /** `unfinished` is a write that a crash cut short: nothing of it was ever acknowledged. */
  readonly kind: 'unfinished' | 'damage'
  readonly what: string
  readonly segment: number
  /** The line in the segment, counted from 1. */
  readonly line: number
  readonly offset: number
}

/** The place at which a tail begins, for a person. */
export function placeOf(folder: string, { segment, line, offset }: Tail): string {
  return `${join(folder, walFolder, segmentName(segment))}, line ${line} (byte ${offset})`
}

export interface WalScan {
  readonly segments: readonly number[]
  /** The index that each segment's first entry takes, by the numbers of the segments that could be read. */
  readonly firsts: ReadonlyMap<number, Index>
  /** The state before the first segment, by its header: the segments before it were let go. */
  readonly start: LogStart
  readonly good: GoodEnd
  readonly state: LogState
  readonly tail: Tail | null
  /** The fault, in words, if no snapshot holds the entries before the first segment; null if there is none. */
  readonly gap: string | null
}

/** @param visit hears every good batch, in order */
export async function scanWal(
  files: Files,
  folder: string,
  identity: Identity,
  visit: (batch: ScannedBatch) => void,
): Promise<WalScan> {
  const hasWal = (await files.list(folder)).includes(walFolder)
  const segments = hasWal ? segmentNumbers(await files.list(join(folder, walFolder))) : []
  const scanner = new Scanner(identity, visit)
  const result = (tail: Tail | null): WalScan => {
    const { firsts, start, good, state } = scanner
    const gap = edgeOf(state) ? null : gapBefore(state)
    return { segments, firsts, start, good, state, tail, gap }
  }
  for (let segment = segments[0] ?? 1; segment <= (segments.at(-1) ?? 1); segment++) {
    const missing: Tail = { kind: 'damage', what: 'the file is missing', segment, line: 1, offset: 0 }
    if (!segments.includes(segment)) return result(missing)
    const bytes = await files.read(join(folder, walFolder, segmentName(segment)))
    const tail = scanner.scan(segment, bytes, segment === segments.at(-1))
    if (tail) return result(tail)
  }
  return result(null)
}

class Scanner {
  good: GoodEnd = { segment: 0, length: 0, lastBatchAt: 0 }
  /** The state at the good end. */
  state = emptyLog
  start: LogStart = newLog
  readonly firsts = new Map<number, Index>()
  readonly #identity: Identity
  readonly #visit: (batch: ScannedBatch) => void
  /** The state at the line just read, which may be inside a batch. */
  #now = emptyLog
  #records: PersistRecord[] = []

  constructor(identity: Identity, visit: (batch: ScannedBatch) => void) {
    this.#identity = identity
    this.#visit = visit
  }

  scan(segment: number, bytes: Buffer, isLast: boolean): Tail | null {
    let [line, offset] = [1, 0]
    const damage = (what: string): Tail => ({ kind: 'damage', what, segment, line, offset })
    const doubt = (what: string): Tail => {
      const proof = isLast ? this.#proof(segment, bytes) : 'a later segment was begun after it'
      return proof === null ? { ...damage(what), kind: 'unfinished' } : damage(`${what}, and ${proof}`)
    }
    for (; offset < bytes.length; line++) {
      const end = bytes.indexOf(newline, offset)
      if (end < 0) return doubt('the last line has no end')
      const whole = verifyLine(bytes.subarray(offset, end), line === 1 ? 0 : this.#now.checksum)
      if (!whole) return doubt('the checksum does not fit the line and the one before it')
      const wrong = this.#read(segment, line, end + 1, whole)
      if (wrong !== null) return damage(wrong)
      offset = end + 1
    }
    if (line === 1) return doubt('the segment is empty')
    return this.#records.length > 0 ? doubt('the last batch has no end') : null
  }

  /** Looks for a proof that the tail is no unfinished write. @returns the proof in words, or null */
  #proof(segment: number, bytes: Buffer): string | null {
    if (segment === this.good.segment) return proofOfLaterBatch(bytes.subarray(this.good.length), this.state.batch)
    if (this.good.segment === 0) return 'there is no log without it'
    const header = bytes.indexOf(newline)
    const more = header >= 0 && header + 1 < bytes.length
    return more || bytes.includes('{"end":') ? 'a batch was begun after it' : null
  }

  /** Takes a line whose checksum fits. @returns what is wrong with it nevertheless */
  #read(segment: number, line: number, end: number, { text, checksum }: { text: string; checksum: number }) {
    try {
      const parsed = parseLine(text)
      if (parsed.kind === 'header') checkFormat(parsed.header, segment)
      if ((line === 1) !== (parsed.kind === 'header')) throw new Error('a segment opens with its header, and has one')
      if (parsed.kind === 'header') this.#header(parsed.header, segment)
      else if (parsed.kind === 'record') this.#record(parsed.record)
      else this.#end(parsed.end)
      this.#now = { ...this.#now, checksum }
      if (parsed.kind !== 'record') this.#close(segment, end, parsed.kind === 'header')
      return null
    } catch (error) {
      if (error instanceof FolderError) throw error
      return `the line is whole but cannot be there: ${(error as Error).message}`
    }
  }

  #header(header: SegmentHeader, segment: number): void {
    // The segments before the first were let go: that one says itself what they came to.
    if (this.firsts.size === 0 && segment > 1) this.#now = stateBefore(header)
    if (this.firsts.size === 0) this.start = this.#now
    const { format = 1, ...written }: Readonly<Record<string, unknown>> = { ...header }
    const { format: _, ...expected }: Record<string, unknown> = { ...headerOf(this.#identity, segment, this.#now) }
    for (const name of Object.keys({ ...expected, ...written })) {
      const [found, value] = [JSON.stringify(written[name]), JSON.stringify(expected[name])]
      if (found !== value) throw new Error(`its ${name} is ${found}, not ${value}`)
    }
    this.#now = { ...this.#now, format: Number(format) }
    this.firsts.set(segment, header.first)
  }

  #record(record: PersistRecord): void {
    this.#now = after(this.#now, record)
    this.#records.push(record)
  }

  #end({ end, last, commit = 0 }: BatchEnd): void {
    const { batch, last: expected, commit: known } = this.#now
    if (end !== batch + 1) throw new Error(`batch ${end} follows batch ${batch}`)
    if (last !== expected) throw new Error(`it says that entry ${last} is the last, which is ${expected}`)
    if (!Number.isSafeInteger(commit) || commit < known || commit > last)
      throw new Error(`it says that ${commit} is the last committed entry, which is one from ${known} to ${last}`)
    this.#now = { ...this.#now, batch: end, commit, sealed: this.#records.length === 0 }
  }

  #close(segment: number, length: number, isHeader: boolean): void {
    this.state = this.#now
    this.good = { segment, length, lastBatchAt: isHeader ? 0 : this.good.length }
    if (isHeader) return
    const { batch: number, commit } = this.state
    this.#visit({ number, segment, records: this.#records, commit })
    this.#records = []
  }
}

/**
 * Checks the format of a segment.
 *
 * @throws FolderError if a later version wrote it: it is no damage, and nothing in the folder is to be changed
 */
function checkFormat({ format = 1 }: SegmentHeader, segment: number): void {
  if (format >= 1 && format <= featuresSegment) return
  throw new FolderError(
    `${join(walFolder, segmentName(segment))} is of format ${format}, which a later version wrote: run that version`,
  )
}

/** The log's state after one more record. @throws on an entry that leaves a gap */
function after(state: LogState, record: PersistRecord): LogState {
  const next = { ...state }
  advance(next, record)
  return next
}
