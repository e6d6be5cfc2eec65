import { LostFolderError } from './errors.js'
import type { Files } from './files.js'

/** How often the folder is looked at, and how old the last look may be when a write is acknowledged, in milliseconds. */
const usualLookMs = 250

/** A file that is to be there, but may be let go of meanwhile. */
export interface Expected {
  readonly path: string
  /** It has so many at least. */
  readonly bytes: number
  /** What it is, if that is known. */
  readonly id?: string
  isExpected(): boolean
}

/**
 * Sees that what a log writes to is still what has its name in the node's folder. An open file can be written to after
 * it was removed, and its folder with it: all of that would be lost, acknowledged or not.
 */
export class FolderWatch {
  readonly #files: Files
  readonly #expected: () => readonly Expected[]
  readonly #lookMs: number
  /** What must stay what it is: by its path. */
  readonly #held = new Map<string, string>()
  /** When the last look was begun that found everything. */
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null

  /** @param expected what else is to be there */
  constructor(files: Files, expected: () => readonly Expected[], lookMs = usualLookMs) {
    this.#files = files
    this.#expected = expected
    this.#lookMs = lookMs
  }

  /** From here on, what has this name now is to keep it. */
  async hold(path: string): Promise<void> {
    this.#held.set(path, await idOf(this.#files, path))
  }

  /** Looks from time to time, also while nothing is written. @param lost hears once that something is gone */
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

  /** Resolves if a look that was begun a short time ago, or one that is begun now, finds everything. @throws LostFolderError */
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
