import type { AnswerHandler, Dialogue } from '../connection.js'
import {
  flags,
  frame,
  frameHeaderBytes,
  frameTypes,
  initialWindow,
  payloadBytes,
  preface,
  windowUpdate,
} from './http2.js'

/** How much the server may send before it is given more; half of it used up, it is. */
const receiveWindow = 2 ** 30
const nothing = new Uint8Array(0)

/** A request in a stream of its own. */
interface Call {
  readonly slot: number
  answered: boolean
}

/**
 * One HTTP/2 connection to etcd. Headers are not decoded: a call that succeeds brings a message and one that fails
 * brings none, so the end of a stream without a message is an error.
 */
export class EtcdReplies implements Dialogue {
  readonly #handle: AnswerHandler
  readonly #write: (bytes: Buffer) => void
  readonly #maxRequestBytes: number
  readonly #calls = new Map<number, Call>()
  #rest: Buffer = Buffer.alloc(0)
  /** A client's streams have the odd numbers, each used once. */
  #nextStream = 1
  /** Bytes of messages that the server is still willing to take. */
  #sendWindow = initialWindow
  #received = 0

  constructor(handle: AnswerHandler, write: (bytes: Buffer) => void, maxRequestBytes: number) {
    this.#handle = handle
    this.#write = write
    this.#maxRequestBytes = maxRequestBytes
    write(Buffer.concat([preface, frame(frameTypes.settings, 0, 0, nothing), windowUpdate(receiveWindow)]))
  }

  get room(): number {
    return Math.floor(this.#sendWindow / this.#maxRequestBytes)
  }

  idFor(slot: number): number {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.#calls.set(stream, { slot, answered: false })
    return stream
  }

  /** Of the two frames of a request only the second, its data, uses up the window. */
  sent(bytes: Buffer, at: number): void {
    this.#sendWindow -= payloadBytes(bytes, at + frameHeaderBytes + payloadBytes(bytes, at))
  }

  push(chunk: Buffer): void {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + frameHeaderBytes <= input.length) {
      const end = at + frameHeaderBytes + payloadBytes(input, at)
      if (end > input.length) break
      this.#frame(
        input[at + 3]!,
        input[at + 4]!,
        input.readUInt32BE(at + 5),
        input.subarray(at + frameHeaderBytes, end),
      )
      at = end
    }
    this.#rest = Buffer.from(input.subarray(at))
  }

  #frame(type: number, flag: number, stream: number, payload: Buffer): void {
    if (type === frameTypes.data) this.#data(stream, payload.length)
    else if (type === frameTypes.resetStream) this.#ended(stream)
    else if (type === frameTypes.headers && flag & flags.endStream) this.#ended(stream)
    else if (type === frameTypes.windowUpdate && stream === 0) this.#sendWindow += payload.readUInt32BE()
    else if ((type === frameTypes.settings || type === frameTypes.ping) && !(flag & flags.acknowledged)) {
      this.#write(frame(type, flags.acknowledged, 0, type === frameTypes.ping ? payload : nothing))
    }
  }

  #data(stream: number, bytes: number): void {
    const call = this.#calls.get(stream)
    if (call && bytes > 0) call.answered = true
    this.#received += bytes
    if (this.#received < receiveWindow / 2) return
    this.#write(windowUpdate(this.#received))
    this.#received = 0
  }

  #ended(stream: number): void {
    const call = this.#calls.get(stream)
    if (!call) return
    this.#calls.delete(stream)
    this.#handle(call.slot, call.answered ? null : 'etcd_error')
  }
}
