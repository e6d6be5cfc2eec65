import { createReadStream, createWriteStream, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import ndjson from 'ndjson'
import { isObject, type Traced } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { traceFormat } from './events.js'
import type { TraceLine } from './fold.js'
import { withoutContents } from './live.js'

/** A file for a trace. It takes what comes, and tells its writer when to wait for the disk. */
export interface TraceFile {
  write(event: Traced): void
  /** Resolves when the file takes more; undefined if it does now. */
  room(): Promise<void> | undefined
  /** Resolves when everything is in the file. @throws ConfigError if it could not be written */
  end(): Promise<void>
}

/** Makes a file for a trace. @throws ConfigError if it cannot be written to */
export function createTrace(path: string): TraceFile {
  const lines = ndjson.stringify()
  const file = createWriteStream(path, { fd: openForTrace(path, 'w') })
  let full: Promise<void> | undefined
  const done = new Promise<void>((resolve, reject) => {
    file.once('close', resolve)
    file.once('error', (error) => reject(new ConfigError(`cannot write the trace: ${error.message}`)))
  })
  done.catch(() => {})
  lines.pipe(file)
  return {
    write(event) {
      if (lines.write(withoutContents(event)) || full) return
      full = new Promise<void>((resolve) => lines.once('drain', resolve)).then(() => {
        full = undefined
      })
    },
    room: () => full && Promise.race([full, done]),
    async end() {
      lines.end()
      await done
    },
  }
}

/** Opens a file for a trace. @throws ConfigError if it cannot be written to */
export function openForTrace(path: string, flags: 'a' | 'w'): number {
  try {
    return openSync(path, flags)
  } catch (error) {
    throw new ConfigError(`cannot write the trace: ${(error as Error).message}`)
  }
}

/**
 * Reads a trace, a line at a time.
 *
 * @throws ConfigError if there is no such file, if a line is none of a trace, or if the trace has another format
 */
export async function* readTrace(path: string): AsyncGenerator<TraceLine> {
  let number = 0
  const input = createReadStream(path)
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (text === '') continue
      const line = parse(text)
      if (!line) throw new ConfigError(`${path}, line ${number}, is no line of a trace`)
      if (number === 1) checkHeader(path, line)
      yield line
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`cannot read the trace: ${(error as Error).message}`)
  } finally {
    input.destroy()
  }
  if (number === 0) throw new ConfigError(`${path} is empty, and no trace`)
}

function parse(text: string): TraceLine | null {
  try {
    const line: unknown = JSON.parse(text)
    return isObject(line) && typeof line.event === 'string' && typeof line.at === 'number' ? (line as never) : null
  } catch {
    return null
  }
}

function checkHeader(path: string, line: TraceLine): void {
  if (line.event !== 'trace') throw new ConfigError(`${path} does not begin as a trace does`)
  if (line.format !== traceFormat)
    throw new ConfigError(`${path} has the trace format ${line.format}; this version reads ${traceFormat}`)
}
