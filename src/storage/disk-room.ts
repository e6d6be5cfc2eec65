import type { Clock, Event, LogStore } from '../contracts.js'
import type { Files } from './files.js'

declare module '../events.js' {
  interface EventDetails {
    /** The disk is nearly full: a leader takes no writes until there is room again. */
    disk_low: { freeBytes: number; reserveBytes: number }
    /** The disk has room again. */
    disk_room: { freeBytes: number }
  }
}

/** Milliseconds between two looks at the disk: a disk that takes 500 MB/s does not use the reserve up in that time. */
const lookMs = 250
/** The usual reserve: so many bytes, or this part of a small disk. */
const usual = { bytes: 256 * 1024 * 1024, part: 1 / 20 }
/** The part of the reserve by which more has to be free before writes go on: a disk at the edge would flicker. */
const margin = 1 / 8

export interface DiskRoomOptions {
  readonly files: Pick<Files, 'room'>
  /** The node's folder; any folder of its disk would do. */
  readonly folder: string
  /** Free bytes below which the disk is nearly full; the usual reserve if it is left out. */
  readonly reserve: number | undefined
  readonly clock: Pick<Clock, 'after'>
  readonly notice: (event: Event) => void
}

/** A look at the room of a node's disk, again and again: a disk that fills up is noticed before it is full. */
export class DiskRoom {
  readonly #options: DiskRoomOptions
  #freeBytes: number | undefined
  #reserveBytes = 0
  #isLow = false
  #isOver = false
  #cancel = () => {}

  constructor(options: DiskRoomOptions) {
    this.#options = options
  }

  /** Free bytes at the last look; undefined before the first. */
  get freeBytes(): number | undefined {
    return this.#freeBytes
  }

  get reserveBytes(): number {
    return this.#reserveBytes
  }

  get isLow(): boolean {
    return this.#isLow
  }

  /** True if half of the reserve is used up: what is left belongs to the log of what was promised already. */
  get isNearlyGone(): boolean {
    return this.#isLow && (this.#freeBytes ?? 0) < this.#reserveBytes / 2
  }

  /** Looks at the disk while a log is open. */
  around(log: LogStore): LogStore {
    return {
      open: async () => {
        const recovered = await log.open()
        await this.#look()
        return recovered
      },
      write: (batch) => log.write(batch),
      get snapshots() {
        return log.snapshots
      },
      close: () => {
        this.#isOver = true
        this.#cancel()
        return log.close()
      },
    }
  }

  /** Takes a look, and arms the next one. A folder that cannot be looked at is the log's affair: it ends the node. */
  async #look(): Promise<void> {
    const { files, folder, clock } = this.#options
    const room = await files.room(folder).catch(() => null)
    if (this.#isOver) return
    if (room) this.#judge(room.freeBytes, room.totalBytes)
    this.#cancel = clock.after(lookMs, () => void this.#look())
  }

  #judge(freeBytes: number, totalBytes: number): void {
    const { reserve = Math.min(usual.bytes, Math.floor(totalBytes * usual.part)), notice } = this.#options
    this.#freeBytes = freeBytes
    this.#reserveBytes = reserve
    const wasLow = this.#isLow
    this.#isLow = freeBytes < (wasLow ? reserve + Math.ceil(reserve * margin) : reserve)
    if (this.#isLow && !wasLow) notice({ event: 'disk_low', freeBytes, reserveBytes: reserve })
    if (!this.#isLow && wasLow) notice({ event: 'disk_room', freeBytes })
  }
}
