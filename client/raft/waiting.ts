import type { EndingClock } from './clock.js'
import { RaftError, type RaftErrorCode } from './errors.js'

/** Bounds of a wait. */
interface Bounds {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds; none if it is not above 0, and without end if it is infinite. */
  readonly ms: number
  /** Makes the error of a wait that was too long: an error that nobody needs would cost more than the wait. */
  readonly late: () => RaftError
}

interface Wait {
  readonly deadline: number
  readonly late: () => RaftError
  fail(error: RaftError): void
}

/** Everybody who waits for a node: a wait ends with an answer, a deadline, a signal, or the node. */
export class Waiting {
  readonly #clock: EndingClock
  readonly #waits = new Set<Wait>()
  /** The time at which the next wait may be too long. One timer for all: a timer for each would cost more than the wait. */
  #wakeAt = Number.POSITIVE_INFINITY
  #stopTimer = () => {}
  /** Tasks for the moment when a signal is aborted, in one list for each signal. */
  readonly #signals = new Map<AbortSignal, Set<() => void>>()

  constructor(clock: EndingClock) {
    this.#clock = clock
  }

  /** Begins a wait. @param begin gets the function that ends it, and gives one that takes the question back */
  for<T>(begin: (settle: (value: T) => void) => () => void, { signal, ms, late }: Bounds): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let takeBack = () => {}
      const over = () => {
        this.#waits.delete(wait)
        stopListening()
        takeBack()
      }
      const fail = (error: RaftError) => {
        over()
        reject(error)
      }
      const stopListening = this.#whenAborted(signal, () => {
        fail(new RaftError('left', 'the signal was aborted', { cause: signal!.reason }))
      })
      const wait: Wait = { deadline: this.#clock.now() + Math.max(0, ms), late, fail }
      this.#waits.add(wait)
      if (wait.deadline < this.#wakeAt) this.#arm(wait.deadline)
      takeBack = begin((value) => {
        over()
        resolve(value)
      })
    })
  }

  #arm(at: number): void {
    this.#stopTimer()
    this.#wakeAt = at
    this.#stopTimer = this.#clock.after(at - this.#clock.now(), () => this.#wake())
  }

  /** Ends the waits that are too long. */
  #wake(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const { deadline, late, fail } of [...this.#waits]) {
      if (deadline <= now) fail(late())
      else next = Math.min(next, deadline)
    }
    if (next < this.#wakeAt) this.#arm(next)
  }

  /** Hears of a signal's end. Waits share one listener: a signal warns on the console when it has many. */
  #whenAborted(signal: AbortSignal | undefined, task: () => void): () => void {
    if (!signal) return () => {}
    const tasks = this.#signals.get(signal) ?? new Set()
    const abort = () => {
      for (const one of [...tasks]) one()
    }
    if (tasks.size === 0) {
      this.#signals.set(signal, tasks)
      signal.addEventListener('abort', abort, { once: true })
    }
    tasks.add(task)
    return () => {
      tasks.delete(task)
      if (tasks.size > 0) return
      this.#signals.delete(signal)
      signal.removeEventListener('abort', abort)
    }
  }

  /** Waits for some milliseconds. @throws RaftError if the signal or the node ends meanwhile: nothing is under way */
  async pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const isOver = new RaftError('timeout', 'the pause is over')
    try {
      await this.for<never>(() => () => {}, { signal, ms, late: () => isOver })
    } catch (error) {
      if (error === isOver) return
      const { code, message, cause } = error as RaftError
      throw new RaftError(code === 'left' ? (signal?.aborted ? 'aborted' : 'closed') : code, message, { cause })
    }
  }

  /** Ends all waits with an error. */
  endAll(code: RaftErrorCode, message: string, cause?: unknown): void {
    for (const { fail } of [...this.#waits]) fail(new RaftError(code, message, { cause }))
  }
}
