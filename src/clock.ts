import type { Clock, Random } from './contracts.js'

/** The machine's own time, in milliseconds since the process started. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
  soon(task) {
    setImmediate(task)
  },
}

/** Chance seeded by the operating system. */
export const systemRandom: Random = { next: () => Math.random() }
