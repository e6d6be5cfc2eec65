/** One task of the future, with its moment. */
interface Entry {
  readonly at: number
  /** The number of scheduling, which breaks ties: the task that was scheduled first runs first. */
  readonly order: number
  readonly task: () => void
}

/** A timeline of virtual time: tasks to run, in order. Time passes only by a step to the next task. */
export class Timeline {
  /** A binary heap: no entry is later than the two below it. */
  readonly #heap: Entry[] = []
  #now = 0
  #order = 0

  /** Milliseconds of virtual time. */
  get now(): number {
    return this.#now
  }

  /** The moment of the next task; infinite if there is none. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  schedule(delayMs: number, task: () => void): void {
    const heap = this.#heap
    const entry = { at: this.#now + delayMs, order: this.#order++, task }
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(entry, heap[above]!)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = entry
  }

  /** Schedules a task that can be cancelled, by the returned function. */
  after(delayMs: number, task: () => void): () => void {
    let isCancelled = false
    this.schedule(delayMs, () => isCancelled || task())
    return () => {
      isCancelled = true
    }
  }

  /** Goes on to the next task and runs it. @returns false if there is none */
  step(): boolean {
    const first = this.#heap[0]
    if (!first) return false
    this.#removeFirst()
    this.#now = first.at
    first.task()
    return true
  }

  #removeFirst(): void {
    const heap = this.#heap
    const entry = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (!isBefore(heap[below]!, entry)) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = entry
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
