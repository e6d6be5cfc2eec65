import { longestTimerMs } from '../src/clock.js'

/** A socket or a timer, which keeps the process alive or does not. */
interface Handle {
  ref(): unknown
  unref(): unknown
}

/** Sockets and timers that keep the process alive only while somebody waits for something. */
export class Holding {
  readonly #handles = new Set<Handle>()
  #waiting = 0

  /** Adds a handle. @returns a function that forgets it */
  add(handle: Handle): () => void {
    if (this.#waiting === 0) handle.unref()
    this.#handles.add(handle)
    return () => void this.#handles.delete(handle)
  }

  /** Runs a task later. @returns a function that cancels it */
  after(ms: number, task: () => void): () => void {
    const timer = setTimeout(
      () => {
        forget()
        task()
      },
      Math.min(ms, longestTimerMs),
    )
    const forget = this.add(timer)
    return () => {
      clearTimeout(timer)
      forget()
    }
  }

  /** Begins a wait. @returns a function that ends it, to be called once */
  wait(): () => void {
    if (this.#waiting++ === 0) for (const handle of this.#handles) handle.ref()
    return () => {
      if (--this.#waiting === 0) for (const handle of this.#handles) handle.unref()
    }
  }
}
