/** One thing that will happen, and the moment at which it will. */
interface Entry {
  readonly at: number
  /** Breaks ties: what was scheduled first happens first. */
  readonly order: number
  readonly task: () => void
}

/** Virtual time: what is to happen, in order. Time passes only by going on to the next thing. */
export class Timeline {
  /** A binary heap: no entry is later than the two below it. */
  readonly #heap: Entry[] = []
  #now = 0
  #order = 0

  /** Milliseconds of virtual time. */
  get now(): number {
    return this.#now
  }

  /** The moment of the next thing; infinite when nothing is to happen. */
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

  /** Goes on to the next thing and makes it happen. @returns false when there is none */
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
