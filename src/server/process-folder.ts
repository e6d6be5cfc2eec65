/**
 * The folder of a node's process, beside the node's own folder: who runs it, and what it said. It is found again there,
 * by whoever has the cluster's file.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { createStream } from 'rotating-file-stream'
import { z } from 'zod'
import type { NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { explained, realFiles } from '../storage/files.js'
import { type Holder, lockFolder, lockHolder } from '../storage/lock.js'
import { writeWhole } from '../storage/small-file.js'
import { writableFolder } from './config.js'

/** Bytes of a node's events in one file; with the file before it, a node keeps twice as many. */
const eventBytes = 4 * 1024 * 1024

const shape = z.strictObject({
  format: z.literal(1),
  cluster: z.string(),
  node: z.string(),
  pid: z.int(),
  client: z.string(),
  /** The absolute path of the file that describes the cluster. */
  config: z.string(),
  /** The absolute path of the file of tokens that it demands; null if it demands none. */
  tokens: z.string().nullable().default(null),
})

/** A process that runs a node, as it has noted itself. */
export type ProcessFacts = Omit<z.infer<typeof shape>, 'format'>

/** A running process of a node. */
export interface FoundProcess extends Holder {
  /** Its own note; null while it is just starting. */
  readonly facts: ProcessFacts | null
}

/** The folder of the process that runs a node. No node can have this name: a node's name has no dot. */
export class ProcessFolder {
  readonly path: string
  readonly #note: string

  constructor(dataDir: string, id: NodeId) {
    this.path = join(dataDir, `${id}.process`)
    this.#note = join(this.path, 'process.json')
  }

  /** The file with the latest events, a line of JSON each; `events.ndjson.1` has those before. */
  get eventFile(): string {
    return join(this.path, 'events.ndjson')
  }

  /** The file with what the process has printed since it began, and that is no event. */
  get errorFile(): string {
    return join(this.path, 'errors.txt')
  }

  /**
   * Claims the folder for this process.
   *
   * @returns how to give it back
   * @throws ConfigError if another process runs this node
   */
  async claim(facts: ProcessFacts): Promise<() => Promise<void>> {
    writableFolder(this.path)
    const files = explained(realFiles)
    const holder = await lockHolder(files, this.path)
    if (holder) throw new ConfigError(`${facts.node} runs already, as process ${holder.pid}`)
    const release = await lockFolder(files, this.path)
    try {
      await writeWhole(files, this.#note, `${JSON.stringify({ format: 1, ...facts })}\n`)
      return release
    } catch (error) {
      await release()
      throw error
    }
  }

  /** Finds the process that runs the node; null if none does. A note of a process that has ended counts for nothing. */
  async find(): Promise<FoundProcess | null> {
    const holder = await lockHolder(explained(realFiles), this.path)
    if (!holder) return null
    const facts = this.#facts()
    return { ...holder, facts: facts?.pid === holder.pid ? facts : null }
  }

  #facts(): ProcessFacts | null {
    try {
      const { format: _format, ...facts } = shape.parse(JSON.parse(readFileSync(this.#note, 'utf8')))
      return facts
    } catch {
      return null
    }
  }

  /** Opens the file for events; the oldest are dropped when there are too many. */
  events(): Writable {
    mkdirSync(this.path, { recursive: true })
    return createStream('events.ndjson', { path: this.path, size: `${eventBytes}B`, rotate: 1 })
  }

  /** The last lines that the process printed, for a person; empty if it printed none. */
  complaint(): string {
    return existsSync(this.errorFile) ? readFileSync(this.errorFile, 'utf8').trim() : ''
  }

  /** Deletes the folder. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}
