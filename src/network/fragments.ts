import { lengthBytes, type Parcel, pack, payloadBytes } from './datagrams.js'

/** The longest message, in bytes; so, too, what may wait for a peer, or be kept of it, give or take a message. */
export const messageBytes = 16 * 1024 * 1024
/** What keeping a piece costs besides its bytes: it counts, or a flood of tiny pieces would not be bounded. */
const keepingBytes = 128
/** As long as a message can be that travels whole: one fragment is never all of a message. */
const fragmentBytes = payloadBytes - lengthBytes
/** A message whose fragments have not come any further for so long has lost one, and is given up. */
const patienceMs = 2_000

/** Messages that wait to leave for one peer, in order, and are packed or cut only when they may leave. */
export class Outbox {
  #back: Buffer[] = []
  /** Last first, so that taking from it is cheap. */
  #front: Buffer[] = []
  #number = 0
  /** How many fragments of the first message have left. */
  #fragments = 0
  #held = 0

  get isFull(): boolean {
    return this.#held >= messageBytes
  }

  push(message: Uint8Array): void {
    this.#back.push(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
    this.#held += message.length + keepingBytes
  }

  /** What the next datagram carries, or null. */
  next(): Parcel | null {
    const first = this.#first()
    if (!first) return null
    if (first.length > fragmentBytes) return this.#fragment(first)
    const batch: Buffer[] = []
    let room = payloadBytes
    for (let next: Buffer | undefined = first; next && next.length + lengthBytes <= room; next = this.#first()) {
      room -= next.length + lengthBytes
      batch.push(next)
      this.#shift()
    }
    return { number: this.#nextNumber(), index: 0, count: 1, payload: pack(batch) }
  }

  #fragment(message: Buffer): Parcel {
    const count = Math.ceil(message.length / fragmentBytes)
    const index = this.#fragments++
    const payload = message.subarray(index * fragmentBytes, (index + 1) * fragmentBytes)
    const number = this.#number
    if (this.#fragments === count) {
      this.#fragments = 0
      this.#nextNumber()
      this.#shift()
    }
    return { number, index, count, payload }
  }

  #first(): Buffer | undefined {
    if (this.#front.length === 0) {
      this.#front = this.#back.reverse()
      this.#back = []
    }
    return this.#front.at(-1)
  }

  #shift(): void {
    this.#held -= this.#front.pop()!.length + keepingBytes
  }

  #nextNumber(): number {
    const number = this.#number
    this.#number = (number + 1) % 2 ** 32
    return number
  }
}

interface Unfinished {
  readonly count: number
  readonly pieces: Map<number, Buffer>
  bytes: number
  touchedAt: number
}

/** Puts one peer's fragments together. What is kept is bounded, in bytes and in time; what is oldest goes first. */
export class Reassembly {
  /** The one that has waited longest for its next fragment comes first. */
  readonly #unfinished = new Map<string, Unfinished>()
  #held = 0

  /** Bytes kept of unfinished messages, with what keeping them costs. */
  get held(): number {
    return this.#held
  }

  /** @returns the message of which this was the last fragment to come, or null */
  add({ session, number, index, count, payload }: Parcel & { session: number }, now: number): Buffer | null {
    this.expire(now)
    // An earlier process of this peer numbered its messages from 0 as well.
    const key = `${session}:${number}`
    const message = this.#unfinished.get(key) ?? { count, pieces: new Map(), bytes: 0, touchedAt: now }
    if (message.count !== count || message.pieces.has(index)) return null
    message.pieces.set(index, payload)
    message.touchedAt = now
    message.bytes += payload.length + keepingBytes
    this.#held += payload.length + keepingBytes
    this.#unfinished.delete(key)
    this.#unfinished.set(key, message)
    if (message.pieces.size === count) {
      this.#drop(key, message)
      return Buffer.concat(Array.from({ length: count }, (_, at) => message.pieces.get(at)!))
    }
    this.#makeRoom()
    return null
  }

  /** Gives up what has waited for too long. */
  expire(now: number): void {
    for (const [key, message] of this.#unfinished) {
      if (now - message.touchedAt <= patienceMs) return
      this.#drop(key, message)
    }
  }

  #makeRoom(): void {
    for (const [key, message] of this.#unfinished) {
      // Room for the longest message: its fragments cost more to keep than their bytes.
      if (this.#held <= 2 * messageBytes) return
      this.#drop(key, message)
    }
  }

  #drop(key: string, message: Unfinished): void {
    this.#unfinished.delete(key)
    this.#held -= message.bytes
  }
}
