import { constants, openSync, writev } from 'node:fs'

/** With `O_DSYNC` a write ends when it is on the disk: `write` and `fdatasync` in one trip through the thread pool. */
const { O_APPEND, O_CREAT, O_DSYNC, O_WRONLY } = constants

/**
 * A file that is only appended to, made durable in batches: all that is appended while the disk is busy is written
 * together next. No promise and no timer.
 */
export class BatchFile {
  readonly #file: number
  readonly #onDurable: (count: number) => void
  #waiting: Buffer[] = []
  #appended = 0
  #busy = false

  /** @param onDurable hears how many of the appended pieces are durable by now */
  constructor(path: string, onDurable: (count: number) => void) {
    this.#file = openSync(path, O_APPEND | O_CREAT | O_DSYNC | O_WRONLY)
    this.#onDurable = onDurable
  }

  get busy(): boolean {
    return this.#busy
  }

  append(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#appended++
    if (!this.#busy) this.#write()
  }

  #write(): void {
    const batch = this.#waiting
    const count = this.#appended
    this.#waiting = []
    this.#busy = true
    writev(this.#file, batch, null, (error, written) => {
      const wanted = batch.reduce((sum, { length }) => sum + length, 0)
      if (error || written !== wanted) throw error ?? new Error(`only ${written} of ${wanted} bytes were written`)
      this.#busy = false
      if (this.#waiting.length > 0) this.#write()
      this.#onDurable(count)
    })
  }
}
