import type { Codec, Message } from '../../contracts.js'
import type { Direction } from '../../network/faults.js'
import type { SeededRandom } from './random.js'
import type { Timeline } from './timeline.js'

/** The weather of the network: delays in virtual milliseconds, and probabilities per message. */
export interface Weather {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  readonly loss: number
  readonly duplication: number
  /** The part of the messages that takes {@link straggleFactor} times as long, and arrives behind later ones. */
  readonly straggling: number
  readonly straggleFactor: number
}

/** The weather without faults: every message arrives once, soon, and in the order of sending. */
export const calm: Weather = { minDelayMs: 1, maxDelayMs: 1, loss: 0, duplication: 0, straggling: 0, straggleFactor: 1 }

/** The fate of a message: `lost` by chance, or `cut` because its link was cut. */
export type Fate = 'sent' | 'delivered' | 'lost' | 'cut' | 'duplicated'

/**
 * The network between simulated nodes. Messages go through the stage's codec, as on a real wire: a message that arrives
 * is a checked copy, and shares nothing with the message that was sent.
 */
export class SimulatedNetwork {
  readonly #timeline: Timeline
  readonly #random: SeededRandom
  readonly #codec: Codec
  readonly #deliver: (message: Message) => void
  readonly #witness: (fate: Fate, message: Message, bytes?: Uint8Array) => void
  readonly #cut = new Set<Direction>()
  weather: Weather = calm
  /** Number of messages on their way. */
  inFlight = 0

  constructor(
    timeline: Timeline,
    random: SeededRandom,
    codec: Codec,
    deliver: (message: Message) => void,
    witness: (fate: Fate, message: Message, bytes?: Uint8Array) => void,
  ) {
    this.#timeline = timeline
    this.#random = random
    this.#codec = codec
    this.#deliver = deliver
    this.#witness = witness
  }

  cut(direction: Direction): void {
    this.#cut.add(direction)
  }

  heal(): void {
    this.#cut.clear()
  }

  send(message: Message): void {
    const bytes = this.#codec.encode(message)
    this.#witness('sent', message, bytes)
    const { loss, duplication } = this.weather
    if (this.#isCut(message)) return this.#witness('cut', message)
    if (loss > 0 && this.#random.chance(loss)) return this.#witness('lost', message)
    this.#schedule(bytes)
    if (duplication > 0 && this.#random.chance(duplication)) {
      this.#witness('duplicated', message)
      this.#schedule(bytes)
    }
  }

  #isCut({ from, to }: Message): boolean {
    return this.#cut.size > 0 && this.#cut.has(`${from}>${to}`)
  }

  #schedule(bytes: Uint8Array): void {
    const { minDelayMs, maxDelayMs, straggling, straggleFactor } = this.weather
    const usual = minDelayMs + this.#random.next() * (maxDelayMs - minDelayMs)
    const delay = straggling > 0 && this.#random.chance(straggling) ? usual * straggleFactor : usual
    this.inFlight++
    this.#timeline.schedule(delay, () => {
      this.inFlight--
      const message = this.#codec.decode(bytes)
      if (this.#isCut(message)) return this.#witness('cut', message)
      this.#witness('delivered', message)
      this.#deliver(message)
    })
  }
}
