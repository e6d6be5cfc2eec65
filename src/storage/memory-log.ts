import type { LogStore, Persist, Recovered } from '../contracts.js'
import { MemorySnapshots } from './memory-snapshots.js'
import { Records } from './recover.js'

/** The contents of a log in memory; a new log over the same contents is the same log after a restart. */
export interface Kept {
  readonly records: Records
  readonly snapshots: MemorySnapshots
  readonly incarnation: string
}

/** A log in memory, for tests and embedding. */
export class MemoryLog implements LogStore {
  readonly #kept: Kept
  readonly #check: () => Promise<unknown>

  /** @param check may refuse the opening */
  constructor(kept: Partial<Kept> = {}, check: () => Promise<unknown> = async () => {}) {
    this.#check = check
    this.#kept = { records: new Records(), snapshots: new MemorySnapshots(), incarnation: 'memory', ...kept }
  }

  get snapshots(): MemorySnapshots {
    return this.#kept.snapshots
  }

  async open(): Promise<Recovered> {
    await this.#check()
    const { records, snapshots, incarnation } = this.#kept
    const contents = records.contents()
    return { ...contents, snapshots: snapshots.known(contents.snapshots), incarnation }
  }

  async write(batch: Persist): Promise<void> {
    this.#kept.records.check(batch)
    this.#kept.records.add(batch.records, batch.commit)
    this.#kept.snapshots.keep(this.#kept.records.snapshots)
  }

  async close(): Promise<void> {}
}
