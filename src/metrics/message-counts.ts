import type { Codec, Traced } from '../contracts.js'
import { countedCodec } from './around.js'

/** Messages of one type, since the node's start. */
interface Count {
  /** Messages that the rules have sent. */
  asked: number
  /** Messages that left, and their bytes. */
  left: number
  bytes: number
  received: number
  /** Messages that were lost here: there was no link, or too much waited for it. */
  undelivered: number
}

/** Counts of messages by type. A type is the stage's own: what strangers send counts nowhere. */
export class MessageCounts {
  readonly #counts = new Map<string, Count>()

  /** @param types the types of the stage's messages */
  constructor(types: readonly string[]) {
    for (const type of types) this.#counts.set(type, { asked: 0, left: 0, bytes: 0, received: 0, undelivered: 0 })
  }

  hear(event: Traced): void {
    if (event.event === 'send') this.#of(event.message.type, (count) => count.asked++)
    if (event.event === 'receive') this.#of(event.message.type, (count) => count.received++)
  }

  around(codec: Codec): Codec {
    return countedCodec(codec, (type, bytes) =>
      this.#of(type, (count) => {
        count.left++
        count.bytes += bytes
      }),
    )
  }

  #of(type: string, change: (count: Count) => void): void {
    const count = this.#counts.get(type)
    if (count) change(count)
  }

  /** Reads the counts; none is ever lower than before. A message that is delayed on purpose counts as undelivered. */
  read(): ReadonlyMap<string, Readonly<Count>> {
    for (const count of this.#counts.values()) count.undelivered = Math.max(count.undelivered, count.asked - count.left)
    return this.#counts
  }
}
