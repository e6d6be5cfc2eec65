import type { Writable } from 'node:stream'

/** Bytes that may wait for a reader of the output. */
const waitingBytes = 1024 * 1024

/** The lines that were dropped since the last report, and their bytes. */
export interface Dropped {
  readonly lines: number
  readonly bytes: number
}

/**
 * An outlet writes lines for a reader that may be slow, or not read at all: a pipe, a terminal that was stopped, a file
 * on a slow disk. The process never waits for the reader. Lines that come while too much is waiting are dropped and
 * counted, and a report follows when there is room again.
 */
export class Outlet {
  readonly #stream: Writable
  readonly #report: (dropped: Dropped) => string
  readonly #limit: number
  #lines = 0
  #bytes = 0

  /** @param report makes the line that reports dropped lines */
  constructor(stream: Writable, report: (dropped: Dropped) => string, limit = waitingBytes) {
    this.#stream = stream
    this.#report = report
    this.#limit = limit
    neverWait(stream)
    stream.on('drain', () => this.#tell())
    // A reader that has gone takes nothing any more; the owner of the stream decides whether that matters.
    stream.on('error', () => {})
  }

  /** Writes a text and a newline, or drops both. */
  write(text: string): void {
    this.writeLines(`${text}\n`, 1)
  }

  /** Writes so many whole lines, or drops all of them. @returns whether they were written */
  writeLines(text: string, lines: number): boolean {
    // After a drop there has to be some room: a report for every second line would be no use.
    const limit = this.#lines > 0 ? this.#limit / 2 : this.#limit
    if (!this.#stream.writable || this.#stream.writableLength > limit) {
      this.#lines += lines
      this.#bytes += Buffer.byteLength(text)
      return false
    }
    this.#tell()
    this.#stream.write(text)
    return true
  }

  /** True if the reader has taken all that was written. */
  get isEmpty(): boolean {
    return this.#stream.writableLength === 0
  }

  /** Resolves when the reader has taken all waiting lines, or after `ms` milliseconds. */
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

/** Has the process go on when the reader of a stream has gone: the command line would end it otherwise. */
export function outliveReader(stream: Writable): void {
  stream.removeAllListeners('error').on('error', () => {})
}

/**
 * Makes writes to a terminal return at once: otherwise a stopped terminal stops the whole process. Pipes and sockets
 * need no such setting; a file takes every write.
 */
function neverWait(stream: Writable): void {
  const { _handle: handle } = stream as { _handle?: { setBlocking?(isBlocking: boolean): void } }
  handle?.setBlocking?.(false)
}
