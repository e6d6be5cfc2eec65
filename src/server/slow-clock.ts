import type { Clock } from '../contracts.js'

/** A clock whose waits can be made longer, so that a person can follow what a node does. It tells the time as it is. */
export class SlowClock implements Clock {
  readonly #clock: Clock
  #factor = 1
  readonly soon: Clock['soon']
  readonly now: Clock['now']

  constructor(clock: Clock) {
    this.#clock = clock
    this.soon = clock.soon
    this.now = clock.now
  }

  /** Makes each wait that begins from now on so many times longer; 1 is its usual length. */
  slow(factor: number): void {
    this.#factor = factor
  }

  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms * this.#factor, task)
  }
}
