import type { LogStore, Persist, PersistRecord, Recovered } from '../contracts.js'
import { MemorySnapshots } from './memory-snapshots.js'
import { recover } from './recover.js'

/** What a log in memory keeps; another one over the same is the same log after a restart. */
export interface Kept {
  readonly records: PersistRecord[]
  readonly snapshots: MemorySnapshots
  readonly incarnation: string
}

/** A log in memory, for tests and embedding. */
export class MemoryLog implements LogStore {
  readonly #kept: Kept

  constructor(kept: Partial<Kept> = {}) {
    this.#kept = { records: [], snapshots: new MemorySnapshots(), incarnation: 'memory', ...kept }
  }

  get snapshots(): MemorySnapshots {
    return this.#kept.snapshots
  }

  async open(): Promise<Recovered> {
    const { records, snapshots, incarnation } = this.#kept
    const contents = recover(records)
    return { ...contents, snapshots: snapshots.known(contents.snapshots), incarnation }
  }

  async write({ records }: Persist): Promise<void> {
    for (const record of records) this.#kept.records.push(record)
  }

  async close(): Promise<void> {}
}
