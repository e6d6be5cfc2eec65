import type { Clock } from '../contracts.js'

/** A rate limit. */
export interface Pace {
  /** Amount let through per millisecond in the long run. */
  readonly perMs: number
  /** Amount let through at once after a rest. */
  readonly burst: number
}

/**
 * A token bucket limits a rate. Time fills the bucket. A taker that finds it not empty may take more than it holds, and
 * the next taker waits for the debt.
 */
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
    return this.#level <= 0
  }

  /** True after a rest: nothing was taken that has not been made up for. */
  get isFull(): boolean {
    return this.#level >= this.#pace.burst
  }

  get #level(): number {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#pace.burst, this.#tokens + (now - this.#filledAt) * this.#pace.perMs)
    this.#filledAt = now
    return this.#tokens
  }

  take(amount: number): void {
    this.#tokens -= amount
  }
}

/** The pace of events that a stranger can cause: twenty at once, one a second. A stranger can knock a million times. */
export const noticePace: Pace = { perMs: 1 / 1_000, burst: 20 }

/** Lets reports through at a pace. Others are counted, and the next report says how many were passed over. */
export class Paced {
  readonly #tokens: TokenBucket
  #unnoticed = 0

  constructor(pace: Pace, clock: Clock) {
    this.#tokens = new TokenBucket(pace, clock)
  }

  /**
   * Makes a report if the pace allows it. @param tell makes the report; it gets how many were passed over since the
   * last one
   */
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
