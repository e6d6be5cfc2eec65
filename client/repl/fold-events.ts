import type { Event } from '../../src/contracts.js'

/** Events of a kind that are shown one by one; further ones are counted. */
const burst = 5
/** Milliseconds without an event of a kind after which its count is shown and its flood is over. */
const quietMs = 1_000

interface Flood {
  shown: number
  folded: number
  last: Event
  timer: NodeJS.Timeout
}

/** Shows a few events of one kind and one node, and folds further ones into one line with a count. */
export class FoldedEvents {
  readonly #show: (event: Event, more: number) => void
  readonly #floods = new Map<string, Flood>()

  /** @param show called with an event, and with the count of events like it that were folded */
  constructor(show: (event: Event, more: number) => void) {
    this.#show = show
  }

  take(event: Event): void {
    const key = JSON.stringify([event.event, event.node])
    const flood = this.#floods.get(key) ?? this.#begin(key, event)
    flood.last = event
    flood.timer.refresh()
    if (flood.shown < burst) {
      flood.shown++
      this.#show(event, 0)
    } else flood.folded++
  }

  #begin(key: string, last: Event): Flood {
    const timer = setTimeout(() => this.#end(key), quietMs)
    timer.unref()
    const flood = { shown: 0, folded: 0, last, timer }
    this.#floods.set(key, flood)
    return flood
  }

  #end(key: string): void {
    const { folded, last } = this.#floods.get(key)!
    this.#floods.delete(key)
    if (folded > 0) this.#show(last, folded - 1)
  }
}
