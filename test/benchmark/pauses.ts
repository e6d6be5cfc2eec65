import { createHistogram, PerformanceObserver } from 'node:perf_hooks'

const nanosecondsInMs = 1e6

/** How long the turns of the event loop took, and what part of that the garbage collector had. */
export interface Pauses {
  readonly turnMs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
  /** The longest time for which the collector held everything up. */
  readonly longestCollectionMs: number
}

/** Times every turn of this process's event loop, from now until it is asked what it saw. */
export class TurnWatch {
  readonly #turns = createHistogram()
  readonly #collector: PerformanceObserver
  #longestCollectionMs = 0
  #isOver = false

  constructor() {
    this.#collector = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries())
        this.#longestCollectionMs = Math.max(this.#longestCollectionMs, duration)
    })
    this.#collector.observe({ entryTypes: ['gc'] })
    this.#watch(performance.now())
  }

  /** Due in every turn, so the time between two of these is the length of one. */
  #watch(before: number): void {
    setImmediate(() => {
      const now = performance.now()
      this.#turns.record(Math.max(1, Math.round((now - before) * nanosecondsInMs)))
      if (!this.#isOver) this.#watch(now)
    })
  }

  async end(): Promise<Pauses> {
    // What the collector did last is reported a turn later.
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
    this.#isOver = true
    this.#collector.disconnect()
    const percentile = (percent: number) => this.#turns.percentile(percent) / nanosecondsInMs
    return {
      turnMs: {
        p50: percentile(50),
        p99: percentile(99),
        p999: percentile(99.9),
        max: this.#turns.max / nanosecondsInMs,
      },
      longestCollectionMs: this.#longestCollectionMs,
    }
  }
}
