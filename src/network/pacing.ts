import type { Clock } from '../contracts.js'

/** How much is let through in the long run, and how much at once after a rest. */
export interface Pace {
  readonly perMs: number
  readonly burst: number
}

/** Lets so much through and no more. It fills with time; whoever finds it not empty may take more than there is, and the next waits for that too. */
export class TokenBucket {
  readonly #pace: Pace
  readonly #clock: Clock
  #tokens: number
  #filledAt: number

  constructor(pace: Pace, clock: Clock) {
    this.#pace = pace
    this.#clock = clock
    this.#tokens = pace.burst
    this.#filledAt = clock.now()
  }

  get isEmpty(): boolean {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#pace.burst, this.#tokens + (now - this.#filledAt) * this.#pace.perMs)
    this.#filledAt = now
    return this.#tokens <= 0
  }

  take(amount: number): void {
    this.#tokens -= amount
  }
}

/** Events that a stranger can cause: twenty at once, one a second. Anybody can knock a million times. */
export const noticePace: Pace = { perMs: 1 / 1_000, burst: 20 }

/** Reports are let through at a pace; the others are counted, and the next report says how many they were. */
export class Paced {
  readonly #tokens: TokenBucket
  #unnoticed = 0

  constructor(pace: Pace, clock: Clock) {
    this.#tokens = new TokenBucket(pace, clock)
  }

  /** @param tell makes the report; it gets how many were passed over since the last one, as a detail of an event */
  pass(tell: (more: { readonly unnoticed?: number }) => void): void {
    if (this.#tokens.isEmpty) {
      this.#unnoticed++
      return
    }
    this.#tokens.take(1)
    const more = this.#unnoticed > 0 ? { unnoticed: this.#unnoticed } : {}
    this.#unnoticed = 0
    tell(more)
  }
}
