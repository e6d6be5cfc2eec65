import { isUtf8 } from 'node:buffer'
import { type Codec, type Entry, isObject, type Message, parseEntry } from '../contracts.js'
import type { Stage } from '../stage.js'
import { parseJson } from './framing.js'

/**
 * Peer messages as JSON. Entries follow behind, each on a line of its own, as the text that it is: it was written once,
 * and goes from here onto the receiver's disk as it came. What arrives is held against the stage's shapes before a
 * rule sees it.
 */
export function jsonCodec(stage: Stage): Codec {
  const lines = joined()
  return {
    encode(message) {
      const { entries } = message
      if (!entries?.length) return Buffer.from(JSON.stringify(message))
      return Buffer.concat([Buffer.from(JSON.stringify({ ...message, entries: [] })), lines(entries)])
    },
    decode(bytes) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const end = buffer.indexOf(newline)
      const parsed = parseJson(end === -1 ? buffer : buffer.subarray(0, end))
      if ('problem' in parsed) throw new Error(parsed.problem)
      return checkMessage(stage, withEntries(parsed.value, end === -1 ? null : buffer.subarray(end + 1)))
    },
  }
}

const newline = 0x0a

/** Entries as the lines that follow a message. A leader sends the same ones to everybody: they are put together once. */
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

function withEntries(fields: unknown, lines: Buffer | null): unknown {
  if (!isObject(fields) || !Array.isArray(fields.entries)) return fields
  if (fields.entries.length > 0) throw new Error('entries follow behind the message, each on a line of its own')
  if (lines === null) return fields
  if (!isUtf8(lines)) throw new Error('not UTF-8')
  return { ...fields, entries: lines.toString().split('\n').map(parseEntry) }
}

function checkMessage(stage: Stage, candidate: unknown): Message {
  if (!isObject(candidate)) throw new Error('a message is a JSON object')
  const { type, from, to } = candidate
  if (typeof type !== 'string' || typeof from !== 'string' || typeof to !== 'string') {
    throw new Error('a message has "type", "from" and "to"')
  }
  const check = Object.hasOwn(stage.wire, type) ? stage.wire[type] : undefined
  if (!check) throw new Error(`stage ${stage.number} has no message ${JSON.stringify(type.slice(0, 64))}`)
  if (!check(candidate)) throw new Error(`a ${type} whose fields are not of its shape`)
  return candidate as unknown as Message
}
