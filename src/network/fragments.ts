import { lengthBytes, type Parcel, pack, payloadBytes } from './datagrams.js'
import { Tally } from './tally.js'

/**
 * Bytes of the longest message. It also bounds what waits for a peer and what is kept of a peer, give or take a
 * message.
 */
export const messageBytes = 16 * 1024 * 1024
/**
 * Bytes of memory that a kept piece costs besides its payload; without them, a flood of tiny pieces would not be
 * bounded.
 */
const keepingBytes = 512
/** Bytes of a fragment, as many as the longest message that travels whole: a message in fragments has at least two. */
const fragmentBytes = payloadBytes - lengthBytes
/** Milliseconds after which an unfinished message is given up, if no further fragment came: one fragment was lost. */
const patienceMs = 2_000

/** Messages that wait to leave for one peer, in order. They are packed or cut only when they may leave. */
export class Outbox {
  #back: Buffer[] = []
  /** The next messages to leave, the last of them first, so that taking one is cheap. */
  #front: Buffer[] = []
  #number = 0
  /** Fragments of the first message that have left already. */
  #fragments = 0
  #held = 0

  get isFull(): boolean {
    return this.#held >= messageBytes
  }

  push(message: Uint8Array): void {
    this.#back.push(Buffer.from(message.buffer, message.byteOffset, message.byteLength))
    this.#held += message.length + keepingBytes
  }

  /** Takes the content of the next datagram out of the box; null if the box is empty. */
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
  /** Fragments that have come; with each one the message goes to the end of the queue. */
  touches: number
}

/** Creates the tally of fragments that all guests together may make a node keep. */
export function guestFragments(): Tally {
  return new Tally(3 * messageBytes)
}

/**
 * Puts one peer's fragments together. Kept fragments are bounded in bytes and in time; the oldest message goes first.
 * Fragments of guests are also bounded for all guests together, because anybody can be a guest.
 */
export class Reassembly {
  readonly #guests: Tally
  readonly #share
  /** Unfinished messages; the message that has waited longest for its next fragment comes first. */
  readonly #unfinished = new Map<string, Unfinished>()
  #held = 0
  /**
   * An iterator that passes each message once. A search from the beginning would pass all deleted entries each time.
   */
  #order = this.#unfinished.entries()
  #oldest: { readonly key: string; readonly message: Unfinished; readonly touches: number } | null = null

  constructor(guests: Tally = guestFragments()) {
    this.#guests = guests
    this.#share = guests.share()
  }

  /** Bytes of memory that unfinished messages take, overhead included. */
  get held(): number {
    return this.#held
  }

  /** Adds a fragment. @returns the message that this fragment completed, or null */
  add(
    { session, number, index, count, payload }: Parcel & { session: number },
    now: number,
    isGuest = false,
  ): Buffer | null {
    this.expire(now)
    // An earlier process of this peer numbered its messages from 0 as well.
    const key = `${session}:${number}`
    const message = this.#unfinished.get(key) ?? { count, pieces: new Map(), bytes: 0, touchedAt: now, touches: 0 }
    if (message.count !== count || message.pieces.has(index)) return null
    message.pieces.set(index, payload)
    message.touchedAt = now
    message.touches++
    message.bytes += payload.length + keepingBytes
    this.#held += payload.length + keepingBytes
    this.#unfinished.delete(key)
    this.#unfinished.set(key, message)
    if (message.pieces.size === count) {
      this.#drop(key, message)
      return Buffer.concat(Array.from({ length: count }, (_, at) => message.pieces.get(at)!))
    }
    this.#share.set(isGuest ? this.#held : 0)
    this.#makeRoom(isGuest)
    return null
  }

  /** Gives up all unfinished messages. */
  clear(): void {
    for (const [key, message] of this.#unfinished) this.#drop(key, message)
  }

  /** Gives up the messages that have waited for too long. */
  expire(now: number): void {
    for (let first = this.#first(); first && now - first.message.touchedAt > patienceMs; first = this.#first()) {
      this.#drop(first.key, first.message)
    }
  }

  /**
   * Gives up the oldest messages until the rest is within bounds. The bound is twice the longest message, because
   * fragments cost more memory than their payload.
   */
  #makeRoom(isGuest: boolean): void {
    while (this.#held > 2 * messageBytes || (isGuest && this.#guests.isOver)) {
      const first = this.#first()
      if (!first) return
      this.#drop(first.key, first.message)
    }
  }

  /** Finds the message that has waited longest for its next fragment. */
  #first(): { readonly key: string; readonly message: Unfinished } | null {
    while (this.#unfinished.size > 0) {
      const { key, message, touches } = this.#oldest ?? {}
      if (message && touches === message.touches && this.#unfinished.get(key!) === message) return this.#oldest
      const { value, done } = this.#order.next()
      if (done) this.#order = this.#unfinished.entries()
      this.#oldest = done ? null : { key: value[0], message: value[1], touches: value[1].touches }
    }
    return null
  }

  #drop(key: string, message: Unfinished): void {
    this.#unfinished.delete(key)
    this.#held -= message.bytes
    if (this.#share.bytes > 0) this.#share.set(this.#held)
  }
}
