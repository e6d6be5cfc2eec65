import { LostFolderError } from './errors.js'
import type { Files } from './files.js'

/**
 * Milliseconds between two looks at the folder; also the age that the last look may have when a write is acknowledged.
 */
const usualLookMs = 250

/** A file that must be there for as long as the log keeps it. */
export interface Expected {
  readonly path: string
  /** The least bytes that the file must have. */
  readonly bytes: number
  /** The file's identity as in {@link Seen}, if it is known. */
  readonly id?: string
  isExpected(): boolean
}

/**
 * Checks that the files a log writes to are still those with their names in the node's folder. An open file can be
 * written to after it was removed, and its folder with it: all such writes would be lost, acknowledged or not.
 */
export class FolderWatch {
  readonly #files: Files
  readonly #expected: () => readonly Expected[]
  readonly #lookMs: number
  /** Identities of files and folders that must not be replaced, by their paths. */
  readonly #held = new Map<string, string>()
  /** The moment at which the last look began that found everything in place. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param expected what else is to be there */
  constructor(files: Files, expected: () => readonly Expected[], lookMs = usualLookMs) {
    this.#files = files
    this.#expected = expected
    this.#lookMs = lookMs
  }

  /** Holds a path to the file or folder that it names now: any other in its place counts as lost. */
  async hold(path: string): Promise<void> {
    this.#held.set(path, await idOf(this.#files, path))
  }

  /** Starts to look regularly, also while nothing is written. @param lost hears once that a file or folder is gone */
  start(lost: (error: Error) => void): void {
    this.#timer = setInterval(() => {
      this.beSure().catch((error: Error) => {
        if (this.#timer) lost(error)
        this.stop()
      })
    }, this.#lookMs).unref()
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer)
    this.#timer = null
  }

  /**
   * Resolves if a look finds everything in place: one that began a short time ago, or one that begins now. @throws
   * LostFolderError
   */
  async beSure(): Promise<void> {
    if (performance.now() - this.#lookedAt < this.#lookMs) return
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
    await this.#looking
  }

  async #look(): Promise<void> {
    const begun = performance.now()
    const held = [...this.#held].map(([path, id]) => this.#lookAtHeld(path, id))
    await Promise.all([...held, ...this.#expected().map((one) => this.#lookAtExpected(one))])
    this.#lookedAt = begun
  }

  async #lookAtHeld(path: string, id: string): Promise<void> {
    const seen = await this.#files.look(path)
    if (seen?.id === id || this.#held.get(path) !== id) return
    throw new LostFolderError(path, seen ? 'something else was put in its place' : 'it was removed')
  }

  async #lookAtExpected({ path, bytes, id, isExpected }: Expected): Promise<void> {
    const seen = await this.#files.look(path)
    if (!isExpected()) return
    if (!seen) throw new LostFolderError(path, 'it was removed')
    if (id !== undefined && seen.id !== id) throw new LostFolderError(path, 'something else was put in its place')
    if (seen.bytes < bytes) throw new LostFolderError(path, 'it was cut short')
  }
}

/** @throws LostFolderError if nothing has this name */
export async function idOf(files: Files, path: string): Promise<string> {
  const seen = await files.look(path)
  if (!seen) throw new LostFolderError(path, 'it was removed')
  return seen.id
}
