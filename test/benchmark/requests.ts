import { headerBytes } from './frames.js'

/** What the requests of one measurement look like. */
export interface RequestShape {
  readonly valueBytes: number
  /** How many keys there are. */
  readonly keys: number
  readonly readPolicy: ReadPolicy
}

/**
 * Whom gets ask, and for what: the leader; every node, each client another one; or every node for what it has, however
 * old that is (stage 9 on). All but the last are linearizable.
 */
export const readPolicies = ['leader', 'any', 'stale'] as const
type ReadPolicy = (typeof readPolicies)[number]

/** Writes whole requests of one protocol into a buffer. Both return where the request ends. */
export interface RequestWriter {
  /** The length of the longest request. */
  readonly maxBytes: number
  writeSet(into: Buffer, at: number, id: number, key: number): number
  writeGet(into: Buffer, at: number, id: number, key: number): number
}

/** Numbers of a fixed width can be written over in place. */
const idDigits = 6
const keyDigits = 7
const digitZero = 48

/** Ids are told apart within one connection only, and all have {@link idDigits} digits. */
export const firstId = 10 ** (idDigits - 1)
export const maxKeys = 10 ** keyDigits

/** One framed request, whole but for its id and its key. */
interface Template {
  readonly bytes: Buffer
  readonly idAt: number
  readonly keyAt: number
}

/**
 * Makes framed requests. The JSON is written once; a request is a copy of it with two numbers overwritten, so that
 * the generator spends next to nothing on it and what is measured is the server.
 */
export class Requests implements RequestWriter {
  readonly #set: Template
  readonly #get: Template
  readonly maxBytes: number

  constructor({ valueBytes, readPolicy }: RequestShape) {
    const consistency = readPolicy === 'stale' ? 'stale' : undefined
    this.#set = template({ command: 'set', key: keyName(0), value: valueWith(valueBytes) })
    this.#get = template({ command: 'get', key: keyName(0), consistency })
    this.maxBytes = Math.max(this.#set.bytes.length, this.#get.bytes.length)
  }

  writeSet(into: Buffer, at: number, id: number, key: number): number {
    return copy(this.#set, into, at, id, key)
  }

  writeGet(into: Buffer, at: number, id: number, key: number): number {
    return copy(this.#get, into, at, id, key)
  }
}

export function keyName(key: number): string {
  return `k${String(key).padStart(keyDigits, '0')}`
}

export function valueWith(bytes: number): string {
  return 'v'.repeat(bytes)
}

function template(command: {
  command: string
  key: string
  value?: string
  consistency?: string | undefined
}): Template {
  const text = JSON.stringify({ id: firstId, ...command })
  const bytes = Buffer.alloc(headerBytes + text.length)
  bytes.writeUInt32BE(text.length)
  bytes.write(text, headerBytes, 'latin1')
  return { bytes, idAt: bytes.indexOf(String(firstId)), keyAt: bytes.indexOf(command.key) }
}

function copy({ bytes, idAt, keyAt }: Template, into: Buffer, at: number, id: number, key: number): number {
  bytes.copy(into, at)
  writeDigits(into, at + idAt, idDigits, id)
  writeKey(into, at + keyAt, key)
  return at + bytes.length
}

/** Writes a key over another, in place. @param at where the key begins */
export function writeKey(into: Buffer, at: number, key: number): void {
  writeDigits(into, at + 1, keyDigits, key)
}

function writeDigits(into: Buffer, at: number, digits: number, value: number): void {
  let rest = value
  for (let position = at + digits - 1; position >= at; position--) {
    const tens = Math.floor(rest / 10)
    into[position] = digitZero + rest - tens * 10
    rest = tens
  }
}
