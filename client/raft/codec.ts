import { RaftError } from './errors.js'

/**
 * The form of commands in the log and on the wire. Commands that are equal must have equal forms. An error of `encode`
 * refuses the command; an error of `decode` at a node stops that node.
 */
export interface Codec<T> {
  /** Encodes a value as plain JSON, or as bytes. */
  encode(value: T): unknown
  /** Decodes what {@link encode} gave; it gets a copy of its own. */
  decode(encoded: unknown): T
}

/** A codec for values that are plain JSON. What JSON would lose or change is refused, with the place where it stands. */
export function jsonCodec<T>(): Codec<T> {
  return { encode: (value) => value, decode: (encoded) => encoded as T }
}

/** A codec for commands that are bytes. */
export function bytesCodec(): Codec<Uint8Array> {
  return {
    encode(value) {
      if (value instanceof Uint8Array) return value
      throw new RaftError('bad_command', `a command of bytes is a Uint8Array, not ${nameOf(value)}`)
    },
    decode(encoded) {
      if (encoded instanceof Uint8Array) return encoded
      throw new Error('the log holds a command that is not bytes: another codec has written it')
    },
  }
}

/** Levels of nesting of a command at most: every node checks the shape of what others send. */
const mostLevels = 28
/** Values of a command at most, each element and each field counted. */
const mostParts = 3_500

/** A copy of a value that can be replicated, and the bytes that it takes at most. */
export interface Portable {
  readonly value: unknown
  readonly bytes: number
}

/**
 * Copies a value, so that nobody changes it on its way, and checks that JSON carries it unchanged. Bytes pass as they
 * are.
 *
 * @param name names the value in the error: `command`
 * @param isSent true for what other nodes are sent: they bound its shape
 * @throws RaftError `bad_command` that says which part is lost, and why
 */
export function portable(value: unknown, name: string, isSent = false): Portable {
  if (value instanceof Uint8Array) return { value: Uint8Array.from(value), bytes: Math.ceil((value.length * 4) / 3) }
  const copying = { bytes: 0, parts: isSent ? 0 : Number.NEGATIVE_INFINITY, name }
  const copied = copy(value, name, isSent ? 0 : Number.NEGATIVE_INFINITY, copying)
  return { value: copied, bytes: copying.bytes }
}

interface Copying {
  bytes: number
  parts: number
  readonly name: string
}

function copy(value: unknown, path: string, level: number, copying: Copying): unknown {
  if (++copying.parts > mostParts)
    refuse(copying.name, `has more than ${mostParts} parts: send it as bytes or as a text`)
  if (level > mostLevels) refuse(copying.name, `is nested more than ${mostLevels} deep`)
  // A number takes 24 bytes at most, and what stands around a value a few more.
  copying.bytes += typeof value === 'number' ? 32 : 8
  if (typeof value === 'string') return copyText(value, path, copying)
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : lost(value, path)
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return lost(value, path)
  if (Array.isArray(value)) return copyList(value, path, level, copying)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return lost(value, path)
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(path, 'has a field whose name is a symbol')
  // `fromEntries` makes a field of `__proto__`, as the JSON parser does.
  return Object.fromEntries(
    Object.entries(value).map(([field, part]) => {
      copyText(field, path, copying)
      return [field, copy(part, `${path}.${field.slice(0, 64)}`, level + 1, copying)]
    }),
  )
}

function copyText(text: string, path: string, copying: Copying): string {
  if (!text.isWellFormed()) refuse(path, 'holds half of a surrogate pair, which has no bytes in UTF-8')
  // A character takes six bytes at most: `\u0000`.
  copying.bytes += text.length < 1_024 ? 6 * text.length : Buffer.byteLength(JSON.stringify(text))
  return text
}

function copyList(list: readonly unknown[], path: string, level: number, copying: Copying): unknown[] {
  if (Object.keys(list).length !== list.length) refuse(path, 'is a list with gaps, or with fields')
  return list.map((part, at) => copy(part, `${path}[${at}]`, level + 1, copying))
}

function lost(value: unknown, path: string): never {
  return refuse(path, `is ${nameOf(value)}, which JSON does not carry: use another codec, or another form`)
}

function refuse(path: string, why: string): never {
  throw new RaftError('bad_command', `${path} ${why}`)
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const { name = '' } = (value.constructor ?? {}) as { name?: string }
  return name === '' ? 'an object of a class' : `a ${name}`
}
