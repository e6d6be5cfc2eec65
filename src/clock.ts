import type { Clock, Random } from './contracts.js'

/** A timer of Node holds no more milliseconds, some 24.8 days: with more it fires at once, again and again. */
export const longestTimerMs = 2 ** 31 - 1

/** The machine's own time, in milliseconds since the process started. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, Math.min(ms, longestTimerMs))
    return () => clearTimeout(timer)
  },
  soon(task) {
    setImmediate(task)
  },
}

/** Chance seeded by the operating system. */
export const systemRandom: Random = { next: () => Math.random() }
