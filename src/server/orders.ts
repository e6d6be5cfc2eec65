import { isObject } from '../contracts.js'
import type { Child } from './child.js'
import type { Errand, Obeyed, Order } from './process.js'
import type { Watch } from './watch.js'

/** Sends orders to the nodes of a cluster, over the channel to each process. */
export class Orders {
  readonly #watch: Watch
  #given = 0
  /** Numbers of the orders whose answers are still waited for. */
  readonly #waiting = new Set<number>()
  /** Answers that have come to orders in `#waiting`. */
  readonly #obeyed = new Map<number, Obeyed>()

  constructor(watch: Watch) {
    this.#watch = watch
  }

  /**
   * Sends an order to a running node, and waits for its answer. A node that is paused or dead gets the state of all
   * links when it is back.
   *
   * @returns undefined if the node does not run, or if no answer came within `waitMs`
   */
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

  /**
   * Takes a message from a node's channel, if it answers an order; a library in the child may send other messages
   * there.
   */
  heard(obeyed: unknown): void {
    if (!isObject(obeyed) || !this.#waiting.has(obeyed.order as number)) return
    this.#obeyed.set(obeyed.order as number, obeyed as unknown as Obeyed)
    this.#watch.changed()
  }
}
