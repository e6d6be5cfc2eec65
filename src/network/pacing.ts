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
