import type { LogStore, Persist, PersistRecord, Recovered } from '../contracts.js'
import { recover } from './recover.js'

/** A log in memory, for tests and embedding. Another one over the same `kept` is the same log after a restart. */
export class MemoryLog implements LogStore {
  readonly #kept: PersistRecord[]

  constructor(kept: PersistRecord[] = []) {
    this.#kept = kept
  }

  async open(): Promise<Recovered> {
    return recover(this.#kept)
  }

  async write({ records }: Persist): Promise<void> {
    for (const record of records) this.#kept.push(record)
  }

  /** Keeps everything: there are no snapshots yet that could stand for it. */
  async compact(): Promise<void> {}

  async close(): Promise<void> {}
}
