import type { Readable } from 'node:stream'

const newline = 0x0a

/** A line without its newline. */
export interface Line {
  /** The line's text, or only its beginning if the line was too long. */
  readonly text: string
  /** The length of the whole line in bytes. */
  readonly bytes: number
  /** True if `text` is the whole line. */
  readonly isWhole: boolean
}

/**
 * Reads the output of another process line by line, and never holds more of a line than `limit` bytes: of a longer line
 * only the beginning is passed on. A last line without newline is passed on when the stream ends. Empty lines are
 * skipped.
 */
export function readLines(stream: Readable, limit: number, onLine: (line: Line) => void): void {
  let held: Buffer[] = []
  let heldBytes = 0
  let bytes = 0
  const add = (part: Buffer) => {
    bytes += part.length
    const kept = part.subarray(0, limit - heldBytes)
    // A copy: the part would keep the whole chunk in memory.
    if (kept.length > 0) held.push(Buffer.from(kept))
    heldBytes += kept.length
  }
  const end = () => {
    const line = { text: Buffer.concat(held).toString(), bytes, isWhole: bytes === heldBytes }
    held = []
    heldBytes = 0
    bytes = 0
    if (line.bytes > 0) onLine(line)
  }
  stream.on('data', (chunk: Buffer) => {
    let from = 0
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      add(chunk.subarray(from, at))
      end()
      from = at + 1
    }
    add(chunk.subarray(from))
  })
  stream.on('end', end)
  stream.on('error', () => {})
}
