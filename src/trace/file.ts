import { createReadStream, createWriteStream, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { isObject, type Traced } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { readableFormats } from './events.js'
import { Expander, NoSuchStepsError } from './expand.js'
import type { TraceLine } from './fold.js'
import { TraceText } from './text.js'

/** UTF-16 units of a trace that are written together. */
const blockLength = 64 * 1024

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
  const lines = new TraceText()
  const file = createWriteStream(path, { fd: openForTrace(path, 'w') })
  let full: Promise<void> | undefined
  const done = new Promise<void>((resolve, reject) => {
    file.once('close', resolve)
    file.once('error', (error) => reject(new ConfigError(`cannot write the trace: ${error.message}`)))
  })
  done.catch(() => {})
  return {
    write(event) {
      lines.add(event, event.node, event.at ?? 0)
      if (lines.length < blockLength || file.write(lines.take().text) || full) return
      full = new Promise<void>((resolve) => file.once('drain', resolve)).then(() => {
        full = undefined
      })
    },
    room: () => full && Promise.race([full, done]),
    async end() {
      file.end(lines.take().text)
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
  const expander = new Expander()
  const input = createReadStream(path)
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      if (text === '') continue
      const steps = parse(text, expander)
      if (!steps) throw new ConfigError(`${path}, line ${number}, is no line of a trace`)
      if (number === 1) checkHeader(path, steps[0])
      yield* steps
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`cannot read the trace: ${(error as Error).message}`)
  } finally {
    input.destroy()
  }
  if (number === 0) throw new ConfigError(`${path} is empty, and no trace`)
}

/** Reads the steps that a line tells; null if it is no line of a trace. */
function parse(text: string, expander: Expander): readonly TraceLine[] | null {
  try {
    const line: unknown = JSON.parse(text)
    if (!isObject(line) || typeof line.event !== 'string' || typeof line.at !== 'number') return null
    return expander.expand(line as unknown as TraceLine)
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof NoSuchStepsError) return null
    throw error
  }
}

function checkHeader(path: string, line: TraceLine | undefined): void {
  if (line?.event !== 'trace') throw new ConfigError(`${path} does not begin as a trace does`)
  if (!readableFormats.includes(line.format))
    throw new ConfigError(
      `${path} has the trace format ${line.format}; this version reads ${readableFormats.join(', ')}`,
    )
}
