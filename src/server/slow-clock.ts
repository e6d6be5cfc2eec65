import type { Clock } from '../contracts.js'
import type { Node } from '../node.js'

/** A clock whose waits can be made longer, so that a person can follow what a node does. It tells the time as it is. */
export class SlowClock implements Clock {
  readonly #clock: Clock
  #factor = 1
  readonly soon: Clock['soon']
  readonly now: Clock['now']

  constructor(clock: Clock) {
    this.#clock = clock
    this.soon = clock.soon
    this.now = clock.now
  }

  /** Makes each wait that begins from now on so many times longer; 1 is its usual length. */
  slow(factor: number): void {
    this.#factor = factor
  }

  after(ms: number, task: () => void): () => void {
    return this.#clock.after(ms * this.#factor, task)
  }
}

/**
 * Lets logical time pass at once until a timer of a node has run out, for so many ticks at most: the node's role, its
 * term or its count of questions to the voters is another then.
 */
export function hasten(node: Node, ticks: number): void {
  const place = ({ role, term, preVotes }: Node['status']) => JSON.stringify([role, term, preVotes])
  const before = place(node.status)
  for (let tick = 0; tick < ticks && place(node.status) === before; tick++) node.passTick()
}
