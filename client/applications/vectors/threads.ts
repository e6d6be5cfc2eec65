/** Threads that measure distances beside the node's own thread, which goes on with heartbeats meanwhile. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Question, Rows } from './search.js'

/** A part of a search, for one thread. All memory in it is shared. */
export interface Part {
  readonly number: number
  readonly pieces: readonly Rows[]
  readonly question: Question
  readonly distances: Float64Array
}

/** Threads of a node at most: one core is left to the node. */
const mostThreads = 4

interface Thread {
  readonly worker: Worker
  /** The functions that end the parts under way, by their numbers. */
  readonly waiting: Map<number, (isDone: boolean) => void>
}

/** Threads that are started at the first search. They do not keep the process alive while they have nothing to do. */
export class SearchThreads {
  readonly #count: number
  #threads: Thread[] = []
  #parts = 0

  constructor(count: number = Math.min(mostThreads, Math.max(1, availableParallelism() - 1))) {
    this.#count = count
  }

  /** Measures the distance of every row. @returns null if a thread has ended: search without it then */
  async search(pieces: readonly Rows[], question: Question): Promise<Float64Array | null> {
    while (this.#threads.length < this.#count) this.#threads.push(this.#start())
    const distances = new Float64Array(new SharedArrayBuffer(8 * question.mask.length))
    const shared = { ...question, mask: copyToShared(question.mask) }
    const share = Math.ceil(pieces.length / this.#count)
    const parts = this.#threads.map((thread, at) => {
      const own = pieces.slice(at * share, (at + 1) * share)
      return own.length === 0 || measured(thread, { number: this.#parts++, pieces: own, question: shared, distances })
    })
    return (await Promise.all(parts)).every((isDone) => isDone) ? distances : null
  }

  #start(): Thread {
    const worker = new Worker(new URL('./search-thread.js', import.meta.url))
    const thread = { worker, waiting: new Map<number, (isDone: boolean) => void>() }
    worker.unref()
    const settle = (number: number, isDone: boolean) => {
      thread.waiting.get(number)?.(isDone)
      thread.waiting.delete(number)
      if (thread.waiting.size === 0) worker.unref()
    }
    worker.on('message', (number: number) => settle(number, true))
    // Its end follows; a search that waits for it is made on another thread.
    worker.on('error', () => {})
    worker.on('exit', () => {
      this.#threads = this.#threads.filter((one) => one !== thread)
      for (const number of [...thread.waiting.keys()]) settle(number, false)
    })
    return thread
  }
}

function measured({ worker, waiting }: Thread, part: Part): Promise<boolean> {
  return new Promise((resolve) => {
    waiting.set(part.number, resolve)
    worker.ref()
    worker.postMessage(part)
  })
}

function copyToShared(mask: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(mask.length))
  shared.set(mask)
  return shared
}
