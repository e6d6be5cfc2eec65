import type { Writable } from 'node:stream'

/** Bytes that may wait for a reader of our output. */
const waitingBytes = 1024 * 1024

/** Lines that nobody took since the last report, and how many bytes they were. */
export interface Dropped {
  readonly lines: number
  readonly bytes: number
}

/**
 * Lines for somebody who may read slowly, or not at all: a pipe, a terminal that was stopped, a file on a slow disk.
 * Nobody waits for the reader. Lines that come while too much is waiting are dropped and counted, and the reader hears of
 * it when there is room again.
 */
export class Outlet {
  readonly #stream: Writable
  readonly #report: (dropped: Dropped) => string
  readonly #limit: number
  #lines = 0
  #bytes = 0

  /** @param report the line that tells of dropped ones */
  constructor(stream: Writable, report: (dropped: Dropped) => string, limit = waitingBytes) {
    this.#stream = stream
    this.#report = report
    this.#limit = limit
    neverWait(stream)
    stream.on('drain', () => this.#tell())
    // A reader that has gone takes nothing any more; the owner of the stream decides whether that matters.
    stream.on('error', () => {})
  }

  /** Writes a text and an end of line, or drops both. */
  write(text: string): void {
    const line = `${text}\n`
    // After a drop there has to be some room: a report for every second line would be no use.
    const limit = this.#lines > 0 ? this.#limit / 2 : this.#limit
    if (!this.#stream.writable || this.#stream.writableLength > limit) {
      this.#lines++
      this.#bytes += Buffer.byteLength(line)
      return
    }
    this.#tell()
    this.#stream.write(line)
  }

  /** Resolves when all that waits has been taken; after so many milliseconds in any case. */
  async flushed(ms: number): Promise<void> {
    if (!this.#stream.writable || this.#stream.writableLength === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#stream.write('', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #tell(): void {
    if (this.#lines === 0 || !this.#stream.writable) return
    const dropped = { lines: this.#lines, bytes: this.#bytes }
    this.#lines = 0
    this.#bytes = 0
    this.#stream.write(`${this.#report(dropped)}\n`)
  }
}

/**
 * Writing to a terminal stops the whole process while the terminal is stopped, unless its handle is told otherwise. Pipes
 * and sockets need not be told; a file takes everything.
 */
function neverWait(stream: Writable): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(isBlocking: boolean): void } }
  handle?.setBlocking?.(false)
}
