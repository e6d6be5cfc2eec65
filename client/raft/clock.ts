import { systemClock } from '../../src/clock.js'
import type { Clock } from '../../src/contracts.js'

/** The machine's time, with timers that end with their node: a timer would keep the process alive. */
export class EndingClock implements Clock {
  readonly #timers = new Set<() => void>()
  readonly #clock: Clock
  #hasEnded = false

  /** @param clock the machine's, if it is left out */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now()
  }

  after(ms: number, task: () => void): () => void {
    if (this.#hasEnded) return () => {}
    const stop = () => {
      this.#timers.delete(stop)
      cancel()
    }
    const cancel = this.#clock.after(ms, () => {
      this.#timers.delete(stop)
      task()
    })
    this.#timers.add(stop)
    return stop
  }

  soon(task: () => void): void {
    this.#clock.soon(task)
  }

  /** Ends all timers, and those to come. */
  end(): void {
    this.#hasEnded = true
    for (const stop of [...this.#timers]) stop()
  }
}
