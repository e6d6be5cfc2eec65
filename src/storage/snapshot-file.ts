/**
 * A snapshot's file has the header as a line of JSON, the lines of the body, and a last line with the SHA-256 of all
 * before. All of it can be read with `less` and `jq`. The node reads it in pieces, and never as a whole.
 */
import { createHash, type Hash } from 'node:crypto'
import { type Chunk, type EntryId, isObject, isPositive, type Snapshot } from '../contracts.js'
import type { OpenFile } from './files.js'
import { newline } from './wal-line.js'

/** The folder of snapshots in a node's folder. */
export const snapshotFolder = 'snap'

export function snapshotName({ index, term }: EntryId): string {
  return `${String(index).padStart(12, '0')}-${term}.ndjson`
}

/**
 * The name of a file that another node is sending, as long as it is not whole. @returns null if no valid name can be
 * made
 */
export function partName({ lastIncludedIndex: index, lastIncludedTerm: term, sha256 }: Chunk): string | null {
  const isSafe = isPositive(index) && isPositive(term) && /^[0-9a-f]{64}$/.test(sha256)
  return isSafe ? `${String(index).padStart(12, '0')}-${term}-${sha256}.part` : null
}

/** The index with which a name begins. @returns null if it is no name of a snapshot, or of a part of one */
export function indexIn(name: string): number | null {
  const [, index] = /^(\d{12,})-\d+(?:\.ndjson|-[0-9a-f]{64}\.part)$/.exec(name) ?? []
  return index === undefined ? null : Number(index)
}

/** Checks for the name of another node's file that is not whole yet. */
export const isPart = (name: string) => indexIn(name) !== null && name.endsWith('.part')

/** Checks for the name of a file of this node's own that was not written to its end. */
export const isUnfinished = (name: string) => /^\d{12,}-\d+\.ndjson\.part$/.test(name)

export const newHash = () => createHash('sha256')

export function lastLine(sha256: string): Buffer {
  return Buffer.from(`${JSON.stringify({ sha256 })}\n`)
}

const lastLineBytes = lastLine('0'.repeat(64)).length

/**
 * The bytes of a chunk that go behind the `held` bytes; null if the chunk does not join them, or brings nothing new.
 */
export function newIn({ offset, data, bytes }: Chunk, held: number): Uint8Array | null {
  const end = offset + data.length
  return offset <= held && end > held && end <= bytes ? data.subarray(held - offset) : null
}

const pieceBytes = 128 * 1024

/** Reads the bytes under the hash, piece by piece, and adds them to it. */
export async function* pieces(file: OpenFile, end: number, hash: Hash): AsyncGenerator<Buffer> {
  for (let position = 0; position < end; ) {
    const piece = await file.read(position, Math.min(pieceBytes, end - position))
    if (piece.length === 0) return
    hash.update(piece)
    position += piece.length
    yield piece
  }
}

const changed = 'its content is not what its last line has the hash of'

/** Reads a whole file. @returns what is wrong with it if it is not this entry's snapshot, as it was written */
export async function examine(file: OpenFile, { index, term }: EntryId): Promise<Snapshot | string> {
  const bytes = await file.size()
  const end = bytes - lastLineBytes
  const foot = end > 0 ? await file.read(end, lastLineBytes) : Buffer.alloc(0)
  const [, sha256] = /^\{"sha256":"([0-9a-f]{64})"\}\n$/.exec(foot.toString('latin1')) ?? []
  if (sha256 === undefined) return 'its last line, with the hash of all before it, is not there'
  const hash = newHash()
  const head: Buffer[] = []
  let hasHead = false
  for await (const piece of pieces(file, end, hash)) {
    if (!hasHead) head.push(piece)
    hasHead ||= piece.includes(newline)
  }
  if (hash.digest('hex') !== sha256) return changed
  const header = headerIn(Buffer.concat(head))
  if (!header) return 'its first line is not a header'
  if (header.index !== index || header.term !== term)
    return `it is the snapshot of entry ${header.index} of term ${header.term}`
  return { ...header, bytes, sha256 }
}

function headerIn(head: Buffer): EntryId | null {
  try {
    const header: unknown = JSON.parse(head.toString('utf8', 0, head.indexOf(newline)))
    return isObject(header) && isPositive(header.index) && isPositive(header.term) ? (header as never) : null
  } catch {
    return null
  }
}

/** Yields the lines between the first and the last. @throws after the last of them if the hash does not fit */
export async function* bodyOf(file: OpenFile, { bytes, sha256 }: Snapshot, path: string): AsyncGenerator<string> {
  const hash = newHash()
  let isBehindHead = false
  const wrong = () => new Error(`${path}: ${changed}`)
  for await (const lines of wholeLines(pieces(file, bytes - lastLineBytes, hash), wrong)) {
    const from = isBehindHead ? 0 : lines.indexOf(newline) + 1
    isBehindHead = true
    if (lines.length > from) yield lines.toString('utf8', from)
  }
  if (hash.digest('hex') !== sha256) throw wrong()
}

/** Joins pieces of bytes to whole lines, many at a time. @param cutOff makes the error for a last line without its end */
export async function* wholeLines(all: AsyncIterable<Buffer>, cutOff: () => Error): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  for await (const piece of all) {
    const to = piece.lastIndexOf(newline) + 1
    if (to > 0) yield rest.length > 0 ? Buffer.concat([...rest, piece.subarray(0, to)]) : piece.subarray(0, to)
    if (to > 0) rest = []
    if (to < piece.length) rest.push(piece.subarray(to))
  }
  if (rest.length > 0) throw cutOff()
}

/** Characters of text that one write carries, about. */
const sliceCharacters = 256 * 1024
/** Slices after which the file is synced: a log beside it then never waits for a whole snapshot. */
const slicesPerSync = 32

/**
 * Writes a whole file of lines and makes it durable, a slice at a time.
 *
 * @param beforeSlice may refuse to go on @param footer makes the last line
 */
export async function writeSnapshot(
  file: OpenFile,
  header: Readonly<Record<string, unknown>>,
  body: AsyncIterable<string>,
  beforeSlice: (bytes: number) => Promise<void>,
  footer: (sha256: string, bytes: number) => Buffer = lastLine,
): Promise<{ bytes: number; sha256: string }> {
  const hash = newHash()
  let [bytes, slices] = [0, 0]
  const write = async (text: string) => {
    await beforeSlice(bytes)
    const slice = Buffer.from(text)
    hash.update(slice)
    await file.write(slice, bytes)
    bytes += slice.length
    if (++slices % slicesPerSync === 0) await file.sync()
  }
  let waiting = [`${JSON.stringify(header)}\n`]
  let characters = 0
  for await (const lines of body) {
    waiting.push(lines)
    characters += lines.length
    if (characters < sliceCharacters) continue
    await write(waiting.join(''))
    waiting = []
    characters = 0
  }
  await write(waiting.join(''))
  const sha256 = hash.digest('hex')
  const last = footer(sha256, bytes)
  await file.write(last, bytes)
  await file.sync()
  return { bytes: bytes + last.length, sha256 }
}
