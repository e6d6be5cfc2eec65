import type { Clock, Entry, LogStore, Persist } from '../contracts.js'
import { Records } from '../storage/recover.js'
import type { SeededRandom } from './random.js'

/** How a disk treats writes. */
export interface DiskHealth {
  readonly minSyncMs: number
  readonly maxSyncMs: number
  /** Probability that a write fails, and with it the node. */
  readonly failure: number
}

export const healthyDisk: DiskHealth = { minSyncMs: 1, maxSyncMs: 1, failure: 0 }

/**
 * A disk that outlives its node's process. A crash loses what was not synced: of the write under way, any number of
 * leading records may have reached the platter (a torn write), the last of them whole or not at all.
 */
export class SimulatedDisk {
  #records = new Records()
  #underWay: Persist | null = null
  health: DiskHealth = healthyDisk
  /** Writes under way that a crash cut short. */
  torn = 0

  /** The disk as one incarnation of the node sees it; `stir` is told when a promise is about to be kept. */
  store(clock: Clock, random: SeededRandom, stir: () => void): LogStore {
    return {
      open: async () => this.#records.recovered(),
      write: (batch) =>
        new Promise((resolve, reject) => {
          const { minSyncMs, maxSyncMs } = this.health
          this.#underWay = batch
          clock.after(minSyncMs + random.next() * (maxSyncMs - minSyncMs), () => {
            stir()
            if (random.chance(this.health.failure)) return reject(new Error('the disk failed'))
            this.#records.add(batch.records)
            this.#underWay = null
            resolve()
          })
        }),
      compact: async () => {},
      close: async () => {},
    }
  }

  /** Whether the entry would be there after a loss of power. */
  holds({ index, text }: Entry): boolean {
    return this.#records.at(index)?.text === text
  }

  /** The power goes: what was under way is kept in part, or not. */
  crash(random: SeededRandom): void {
    if (!this.#underWay) return
    const { records } = this.#underWay
    this.#records.add(records.slice(0, random.between(0, records.length)))
    this.#underWay = null
    this.torn++
  }

  /** A new disk in place of the old. */
  wipe(): void {
    this.#records = new Records()
    this.#underWay = null
  }
}
