import { keyName, type RequestShape, type RequestWriter, writeKey } from '../requests.js'
import { flags, frame, frameHeaderBytes, frameTypes, maxFrameBytes, requestHeaders, writeStream } from './http2.js'

/** gRPC puts a byte (not compressed) and the length before each message. */
const messagePrefixBytes = 5
/** The longest value that goes with its key into one frame. */
export const maxValueBytes = maxFrameBytes - 64

/** One request, whole but for its stream and its key: a frame of headers and one of data. */
interface Template {
  readonly bytes: Buffer
  readonly dataAt: number
  readonly keyAt: number
}

/** Makes `Put` and `Range` requests of etcd's `KV` service, as copies of two prepared ones: an id is a stream's number. */
export class EtcdRequests implements RequestWriter {
  readonly #put: Template
  readonly #range: Template
  readonly maxBytes: number

  constructor({ valueBytes }: RequestShape) {
    const key = keyName(0)
    this.#put = template('Put', Buffer.concat([field(1, key), field(2, 'v'.repeat(valueBytes))]))
    // Nothing but a key: a range of one, and linearizable unless it is said otherwise.
    this.#range = template('Range', field(1, key))
    this.maxBytes = Math.max(this.#put.bytes.length, this.#range.bytes.length)
  }

  writeSet(into: Buffer, at: number, id: number, key: number): number {
    return copy(this.#put, into, at, id, key)
  }

  writeGet(into: Buffer, at: number, id: number, key: number): number {
    return copy(this.#range, into, at, id, key)
  }
}

function template(method: string, message: Buffer): Template {
  const prefix = Buffer.alloc(messagePrefixBytes)
  prefix.writeUInt32BE(message.length, 1)
  const headers = frame(frameTypes.headers, flags.endHeaders, 0, requestHeaders(`/etcdserverpb.KV/${method}`))
  const data = frame(frameTypes.data, flags.endStream, 0, Buffer.concat([prefix, message]))
  const bytes = Buffer.concat([headers, data])
  return { bytes, dataAt: headers.length, keyAt: bytes.indexOf(keyName(0), headers.length + frameHeaderBytes) }
}

/** A field of bytes in protobuf: number and kind, length, bytes. */
function field(number: number, value: string): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(value.length), Buffer.from(value, 'latin1')])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.of(...bytes, rest)
}

function copy({ bytes, dataAt, keyAt }: Template, into: Buffer, at: number, stream: number, key: number): number {
  bytes.copy(into, at)
  writeStream(into, at, stream)
  writeStream(into, at + dataAt, stream)
  writeKey(into, at + keyAt, key)
  return at + bytes.length
}
