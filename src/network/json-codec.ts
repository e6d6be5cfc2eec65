import { isUtf8 } from 'node:buffer'
import { type Codec, type Entry, isObject, type Message, parseEntry } from '../contracts.js'
import type { Stage } from '../stage.js'
import { checkShape, harmlessBytes, parseStranger } from './json-shape.js'

/**
 * Creates the codec that writes peer messages as JSON, each on one line. Entries follow behind, one a line. An entry's
 * text was written once, and goes from here to the receiver's disk unchanged. Bytes of a snapshot follow as they are,
 * and the line says how many: `"data": 262144`. A decoded message is checked against the stage's shapes before a rule
 * sees it.
 */
export function jsonCodec(stage: Stage): Codec {
  const lines = joined()
  return {
    encode(message) {
      const { entries, data } = message
      if (data) return Buffer.concat([Buffer.from(`${JSON.stringify({ ...message, data: data.length })}\n`), data])
      if (!entries?.length) return Buffer.from(JSON.stringify(message))
      return Buffer.concat([Buffer.from(JSON.stringify({ ...message, entries: [] })), lines(entries)])
    },
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const end = buffer.indexOf(newline)
      const parsed = parseStranger(end === -1 ? buffer : buffer.subarray(0, end))
      if ('problem' in parsed) throw new Error(parsed.problem)
      return checkMessage(stage, withRest(parsed.value, end === -1 ? null : buffer.subarray(end + 1)))
    },
  }
}

const newline = 0x0a
/** Bytes of the shortest entry: its index, its term and what it holds have names. */
const shortestEntryBytes = `{"index":1,"term":1,"json":0}`.length

/**
 * Joins entries to the lines that follow a message. A leader sends the same entries to every follower, so they are
 * joined once.
 */
function joined(): (entries: readonly Entry[]) => Buffer {
  let [first, last]: (Entry | undefined)[] = []
  let lines = Buffer.alloc(0)
  return (entries) => {
    if (entries[0] === first && entries.at(-1) === last) return lines
    first = entries[0]
    last = entries.at(-1)
    lines = Buffer.from(`\n${entries.map(({ text }) => text).join('\n')}`)
    return lines
  }
}

/**
 * Adds entries or data to a message's fields. @param rest the bytes behind the first line; null if there was no newline
 */
function withRest(fields: unknown, rest: Buffer | null): unknown {
  if (!isObject(fields)) return fields
  const { entries, data } = fields
  if (entries !== undefined && data !== undefined) throw new Error('a message has entries or data, not both')
  if (data !== undefined) return { ...fields, data: dataOf(data, rest) }
  if (Array.isArray(entries)) return { ...fields, entries: entriesOf(entries, rest) }
  if (rest?.length) throw new Error(`${rest.length} bytes follow a message that has neither entries nor data`)
  return fields
}

function entriesOf(entries: readonly unknown[], lines: Buffer | null): Entry[] {
  if (entries.length > 0) throw new Error('entries follow behind the message, each on a line of its own')
  if (lines === null) return []
  checkLines(lines)
  if (!isUtf8(lines)) throw new Error('not UTF-8')
  return lines.toString().split('\n').map(parseEntry)
}

/** Refuses lines that are no entries and would cost much to parse. @throws Error that says so */
function checkLines(lines: Buffer): void {
  for (let from = 0; from <= lines.length; ) {
    const newlineAt = lines.indexOf(newline, from)
    const end = newlineAt === -1 ? lines.length : newlineAt
    if (end - from < shortestEntryBytes) throw new Error('a line that follows the message is too short for an entry')
    if (end - from > harmlessBytes) checkShape(lines.subarray(from, end))
    from = end + 1
  }
}

/** Copies the bytes of a snapshot's piece: the buffer that was read is only lent. */
function dataOf(length: unknown, bytes: Buffer | null): Uint8Array {
  if (length === bytes?.length) return Buffer.from(bytes!)
  const count = bytes === null ? 'nothing follows' : `${bytes.length} follow`
  throw new Error(`${JSON.stringify(length)?.slice(0, 64)} bytes of data are announced; ${count}`)
}

/** Checks that a message carries its sender's identity: the disk's incarnation and the cluster's origin. */
export function isIdentified({ incarnation, origin }: Readonly<Record<string, unknown>>): boolean {
  const isName = (candidate: unknown) => typeof candidate === 'string' && candidate.length <= identityLength
  return isName(incarnation) && incarnation !== '' && isName(origin)
}

const identityLength = 64

function checkMessage(stage: Stage, candidate: unknown): Message {
  if (!isObject(candidate)) throw new Error('a message is a JSON object')
  const { type, from, to } = candidate
  if (typeof type !== 'string' || typeof from !== 'string' || typeof to !== 'string') {
    throw new Error('a message has "type", "from" and "to"')
  }
  if (stage.isIdentified && !isIdentified(candidate)) throw new Error('a message has "incarnation" and "origin"')
  const facts = Object.hasOwn(stage.messages, type) ? stage.messages[type] : undefined
  if (!facts) throw new Error(`stage ${stage.number} has no message ${JSON.stringify(type.slice(0, 64))}`)
  if (!facts.check(candidate)) throw new Error(`a ${type} whose fields are not of its shape`)
  return candidate as unknown as Message
}
