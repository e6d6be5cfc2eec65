import type { Clock, Event } from './contracts.js'
import { NoRoomError } from './storage/errors.js'

/** Milliseconds of the pause after a snapshot for which the disk had no room: the first pause, and the longest. */
const pausesMs = { first: 1_000, most: 60_000 }

/**
 * A node whose disk has no room for a snapshot goes on without one, and says so. It tries again after a pause that is
 * longer each time.
 */
export class Room {
  readonly #clock: Clock
  readonly #notice: (event: Event) => void
  readonly #about: Record<string, unknown>
  /** The moment until which no snapshot is kept. */
  #until = Number.NEGATIVE_INFINITY
  #nextMs = pausesMs.first

  /** @param about the facts that `info` tells of the node: `snapshotFailed` is one while the disk is full */
  constructor(clock: Clock, notice: (event: Event) => void, about: Record<string, unknown>) {
    this.#clock = clock
    this.#notice = notice
    this.#about = about
  }

  /** Milliseconds for which no snapshot is kept from now on. */
  get pauseMs(): number {
    return this.#until - this.#clock.now()
  }

  /**
   * Keeps a snapshot, or a piece of one.
   *
   * @returns undefined if there is no room, or was none a short time ago
   */
  async unlessFull<Result>(keep: () => Promise<Result> | undefined): Promise<Result | undefined> {
    if (this.pauseMs > 0) return undefined
    try {
      const result = await keep()
      this.#nextMs = pausesMs.first
      delete this.#about.snapshotFailed
      return result
    } catch (error) {
      if (!(error instanceof NoRoomError)) throw error
      this.#about.snapshotFailed = error.message
      this.#until = this.#clock.now() + this.#nextMs
      this.#notice({ event: 'snapshot_failed', message: error.message, retryMs: this.#nextMs })
      this.#nextMs = Math.min(pausesMs.most, 2 * this.#nextMs)
      return undefined
    }
  }
}
