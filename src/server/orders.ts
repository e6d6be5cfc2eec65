import { isObject } from '../contracts.js'
import type { Child } from './child.js'
import type { Errand, Obeyed, Order } from './process.js'
import type { Watch } from './watch.js'

/** Orders to the nodes of a cluster that was started here, over the channel to each process. */
export class Orders {
  readonly #watch: Watch
  #given = 0
  /** Orders that are waited for, and those of them that were obeyed. */
  readonly #waiting = new Set<number>()
  readonly #obeyed = new Map<number, Obeyed>()

  constructor(watch: Watch) {
    this.#watch = watch
  }

  /** Orders a node that runs, and waits until it has obeyed; a paused or dead one is told when it is back. */
  async give(child: Child, errand: Errand, waitMs: number): Promise<Obeyed | undefined> {
    if (child.condition !== 'up' || !child.process.connected) return undefined
    const order = ++this.#given
    this.#waiting.add(order)
    child.process.send({ order, ...errand } satisfies Order)
    await this.#watch.until(() => this.#obeyed.has(order) || child.condition !== 'up', waitMs)
    const obeyed = this.#obeyed.get(order)
    this.#obeyed.delete(order)
    this.#waiting.delete(order)
    return obeyed
  }

  /** The answer to an order that is still waited for; a library in the child may say other things on the same channel. */
  heard(obeyed: unknown): void {
    if (!isObject(obeyed) || !this.#waiting.has(obeyed.order as number)) return
    this.#obeyed.set(obeyed.order as number, obeyed as unknown as Obeyed)
    this.#watch.changed()
  }
}
