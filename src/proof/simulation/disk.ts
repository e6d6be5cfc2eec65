import type { Clock, Entry, LogStore, Persist, SnapshotStore } from '../../contracts.js'
import { MemorySnapshots } from '../../storage/memory-snapshots.js'
import { Records } from '../../storage/recover.js'
import type { SeededRandom } from './random.js'

/** The health of a disk: virtual milliseconds of a sync, and the failure of writes. */
export interface DiskHealth {
  readonly minSyncMs: number
  readonly maxSyncMs: number
  /** Probability that a write fails, and with it the node. */
  readonly failure: number
}

export const healthyDisk: DiskHealth = { minSyncMs: 1, maxSyncMs: 1, failure: 0 }

/**
 * A disk that outlives its node's process. A crash loses writes that were not synced: of the write under way, any
 * number of leading records may have reached the platter (a torn write), the last of them whole or not at all. A batch's
 * hint of a commit comes behind all of them.
 */
export class SimulatedDisk {
  #records = new Records()
  #snapshots = new MemorySnapshots()
  /** Records of the earlier disks of this node, which were lost. */
  readonly #lost: Records[] = []
  #underWay: Persist | null = null
  /** The number of this disk among the node's disks, counted from 1. */
  #incarnation = 1
  health: DiskHealth = healthyDisk
  /** Writes under way that a crash cut short. */
  torn = 0

  /**
   * Opens the disk for one incarnation of the node. `stir` is called when a promise is about to be kept. `goesOn` is
   * asked before each action and after it: a process that has ended by then learns nothing of it.
   */
  store(clock: Clock, random: SeededRandom, stir: () => void, goesOn: () => boolean): LogStore {
    return {
      open: async () => {
        const contents = this.#records.contents()
        const snapshots = this.#snapshots.known(contents.snapshots)
        return { ...contents, snapshots, incarnation: `disk ${this.#incarnation}` }
      },
      snapshots: this.#snapshotStore(clock, stir, goesOn),
      write: (batch) =>
        new Promise((resolve, reject) => {
          if (!goesOn()) return
          // A batch that cannot be true is refused before anything is written, as by the other stores.
          this.#records.check(batch)
          const { minSyncMs, maxSyncMs } = this.health
          this.#underWay = batch
          clock.after(minSyncMs + random.next() * (maxSyncMs - minSyncMs), () => {
            stir()
            if (random.chance(this.health.failure)) return reject(new Error('the disk failed'))
            this.#records.add(batch.records, batch.commit)
            this.#snapshots.keep(this.#records.snapshots)
            this.#underWay = null
            if (goesOn()) resolve()
          })
        }),
      close: async () => {},
    }
  }

  #snapshotStore(clock: Clock, stir: () => void, goesOn: () => boolean): SnapshotStore {
    const takeTime = <Result>(work: () => Promise<Result>): Promise<Result> =>
      new Promise((resolve, reject) => {
        if (!goesOn()) return
        clock.after(this.health.minSyncMs, () => {
          stir()
          work().then((result) => goesOn() && resolve(result), reject)
        })
      })
    return {
      save: (header, body) => takeTime(() => this.#snapshots.save(header, body)),
      load: (id) => this.#snapshots.load(id),
      read: (id, offset, length) => takeTime(() => this.#snapshots.read(id, offset, length)),
      receive: (chunk) => takeTime(() => this.#snapshots.receive(chunk)),
      hold: (ids) => this.#snapshots.hold(ids),
    }
  }

  /**
   * Checks that the entry, or a snapshot with its effect, would survive a loss of power. A lost disk counts as well:
   * its node may have acknowledged the entry, and votes no more.
   */
  holds(entry: Entry): boolean {
    return [this.#records, ...this.#lost].some((records) => holds(records, entry))
  }

  /** Loses the power: a write under way is kept in part, or not at all. */
  crash(random: SeededRandom): void {
    this.#snapshots.tear(() => random.next())
    if (!this.#underWay) return
    const { records, commit } = this.#underWay
    const kept = records.slice(0, random.between(0, records.length))
    this.#records.add(kept, kept.length === records.length ? commit : undefined)
    this.#underWay = null
    this.torn++
  }

  /** Puts a new disk in the place of the old one. */
  wipe(): void {
    this.#lost.push(this.#records)
    this.#records = new Records()
    this.#snapshots = new MemorySnapshots()
    this.#underWay = null
    this.#incarnation++
  }
}

function holds(records: Records, { index, text }: Entry): boolean {
  return records.snapshots.some((snapshot) => snapshot.index >= index) || records.at(index)?.text === text
}
