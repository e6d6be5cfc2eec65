import { isUtf8 } from 'node:buffer'
import { limits } from '../contracts.js'

/**
 * A decoder turns a stream of bytes into messages. TCP may deliver one request in many pieces, or many requests in one
 * piece. A decoder is pushed every piece that arrives and gives whole messages when asked, so its reader can stop in
 * the middle of a packet.
 */
export interface Decoder {
  push(chunk: Buffer): void
  /** Gives the next whole message, or the problem with it; null until more bytes arrive. */
  next(): Decoded | null
  /** Bytes held: of a message that is not whole yet, and of whole messages not asked for. */
  readonly held: number
  /** Bytes of memory that the decoder keeps: buffers are longer than what is in them. */
  readonly capacity: number
}

/**
 * A message, or the problem that a message is too long. After a problem the next message cannot be found, and the
 * connection is of no more use.
 */
export type Decoded = { readonly bytes: Buffer } | { readonly problem: string }

const headerBytes = 4
const newline = 0x0a
const carriageReturn = 0x0d
/** The byte order mark: some editors and shells put it before a text to say that the text is UTF-8. */
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Decodes messages, each after its length in bytes as 4 bytes, big end first. An announced length is checked before a
 * byte of the message is kept.
 */
export class FrameDecoder implements Decoder {
  readonly #queue = new ByteQueue()
  /** Bytes of the longest message. A port may raise the limit once it knows the sender. */
  limit: number
  /** Bytes of the frame that has begun, header included; 0 if its length is not known yet. */
  #expected = 0

  constructor(limit: number = limits.messageBytes) {
    this.limit = limit
  }

  get held(): number {
    return this.#queue.length
  }

  get capacity(): number {
    return this.#queue.capacity
  }

  push(chunk: Buffer): void {
    this.#queue.push(chunk, this.#expected)
  }

  /** The first bytes of the next message's header, four at most. */
  get beginning(): Buffer {
    return this.#queue.peek(headerBytes)
  }

  next(): Decoded | null {
    if (this.#queue.length < headerBytes) return this.#wait(0)
    const length = this.#queue.peekUInt32()
    if (length > this.limit) {
      const problem = `a frame of ${length} bytes is announced; at most ${this.limit} are taken`
      return { problem }
    }
    if (this.#queue.length < headerBytes + length) return this.#wait(headerBytes + length)
    this.#queue.skip(headerBytes)
    return { bytes: this.#queue.take(length) }
  }

  #wait(expected: number): null {
    this.#expected = expected
    this.#queue.release()
    return null
  }
}

/**
 * Decodes messages that end with LF or CR LF, as `nc` and `telnet` send them. Empty lines and a byte order mark are
 * skipped.
 */
export class LineDecoder implements Decoder {
  readonly #queue = new ByteQueue()
  readonly #limit: number
  #isFirst = true
  /** Bytes at the queue's beginning that are known to hold no newline. */
  #searched = 0

  constructor(limit: number = limits.messageBytes) {
    this.#limit = limit
  }

  get held(): number {
    return this.#queue.length
  }

  get capacity(): number {
    return this.#queue.capacity
  }

  push(chunk: Buffer): void {
    this.#queue.push(chunk)
  }

  next(): Decoded | null {
    for (;;) {
      const end = this.#queue.indexOf(newline, this.#searched)
      const length = end === -1 ? this.#queue.length : end
      if (length > this.#limit) {
        return { problem: `a line is longer than ${this.#limit} bytes` }
      }
      this.#searched = end === -1 ? length : 0
      if (end === -1) {
        this.#queue.release()
        return null
      }
      const line = this.#queue.take(length)
      this.#queue.skip(1)
      const bytes = this.#plain(line.at(-1) === carriageReturn ? line.subarray(0, -1) : line)
      if (bytes.length > 0) return { bytes }
    }
  }

  /** Removes the byte order mark that may stand before the first line. */
  #plain(line: Buffer): Buffer {
    const isMarked = this.#isFirst && line.subarray(0, byteOrderMark.length).equals(byteOrderMark)
    this.#isFirst = false
    return isMarked ? line.subarray(byteOrderMark.length) : line
  }

  /** Gives the last line when the other side has ended without a newline: a person's `printf` often does. */
  rest(): Decoded | null {
    this.push(Buffer.from('\n'))
    return this.next()
  }
}

/** Encodes messages, each behind its length, in one buffer, so that one write to the socket carries them. */
export function encodeFrames(messages: readonly (string | Uint8Array)[]): Buffer {
  const lengths = messages.map((message) =>
    typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength,
  )
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerBytes + length, 0))
  let at = 0
  for (const [position, message] of messages.entries()) {
    at = frames.writeUInt32BE(lengths[position]!, at)
    if (typeof message === 'string') at += frames.write(message, at)
    else {
      frames.set(message, at)
      at += message.byteLength
    }
  }
  return frames
}

/** Parses bytes as JSON, or says what is wrong with them. */
export function parseJson(bytes: Buffer): { value: unknown } | { problem: string } {
  if (!isUtf8(bytes)) return { problem: 'not UTF-8' }
  try {
    return { value: JSON.parse(bytes.toString()) }
  } catch (error) {
    return { problem: `not JSON: ${(error as Error).message}` }
  }
}

const empty = Buffer.alloc(0)

/**
 * A queue of bytes in the order in which they came. A chunk that is used up whole is read where it lies, not copied.
 */
class ByteQueue {
  #bytes: Buffer = empty
  #start = 0
  #end = 0
  /** True if the buffer belongs to this queue and can be written to; a chunk from the socket is only lent. */
  #owned = false

  get length(): number {
    return this.#end - this.#start
  }

  /**
   * Bytes of memory that the queue keeps in use. A chunk is a piece of a larger buffer, and keeps all of that buffer.
   */
  get capacity(): number {
    if (this.length === 0) return 0
    return this.#owned ? this.#bytes.length : this.#bytes.buffer.byteLength
  }

  /** Releases an empty buffer: the next bytes may be long in coming. */
  release(): void {
    if (this.length > 0) return
    this.#bytes = empty
    this.#start = 0
    this.#end = 0
    this.#owned = false
  }

  /** Appends a chunk. @param expected bytes that the queue must hold before a message can be taken; 0 if not known */
  push(chunk: Buffer, expected = 0): void {
    if (this.length === 0) {
      this.#bytes = chunk
      this.#start = 0
      this.#end = chunk.length
      this.#owned = false
      return
    }
    if (!this.#owned || this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length, expected)
    chunk.copy(this.#bytes, this.#end)
    this.#end += chunk.length
  }

  /** Grows the buffer. Doubling keeps the cost of bytes that come one at a time in proportion to their number. */
  #grow(by: number, expected: number): void {
    const needed = this.length + by
    const grown = Buffer.allocUnsafe(expected > needed ? Math.min(expected, needed * 2) : needed * 2)
    this.#bytes.copy(grown, 0, this.#start, this.#end)
    this.#end = this.length
    this.#start = 0
    this.#bytes = grown
    this.#owned = true
  }

  peek(count: number): Buffer {
    return this.#bytes.subarray(this.#start, Math.min(this.#start + count, this.#end))
  }

  peekUInt32(): number {
    return this.#bytes.readUInt32BE(this.#start)
  }

  indexOf(byte: number, from: number): number {
    return this.#bytes.subarray(this.#start, this.#end).indexOf(byte, from)
  }

  skip(count: number): void {
    this.#start += count
  }

  /** Takes the next bytes, as a view that is good until the next push. */
  take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#start + count)
    this.#start += count
    return taken
  }
}
