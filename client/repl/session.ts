import { statSync, writeFileSync } from 'node:fs'
import type { Command, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { checkHistory, type Operation } from '../../src/proof/linearizability/index.js'
import { describeCheck } from '../commands/check.js'
import { colour } from '../text/colour.js'
import { UsageError } from '../text/words.js'

const judged = ['get', 'set', 'delete', 'append', 'cas']

const otherApplication = 'the checker of histories knows the commands of the key-value store, and no others'

/** Operations of a sitting that are kept, at most. */
const mostOperations = 200_000
/** Bytes of keys and values that are kept, at most. */
const mostBytes = 64 * 1024 * 1024

/** The commands and outcomes of one sitting, for the linearizability checker; times are in milliseconds. */
export class Session {
  readonly #operations: Operation[] = []
  /** Operations that are calls of sessions, by the sessions' names and the calls' numbers: places in the list. */
  readonly #calls = new Map<string, number>()
  readonly #isJudged: boolean
  #bytes = 0
  /** Operations that were asked when there was no more room. */
  #left = 0

  /** @param names of the commands that can be asked */
  constructor(names: readonly string[]) {
    this.#isJudged = judged.every((name) => names.includes(name))
  }

  /** Records a command that was asked. A stale read claims nothing that could be judged; a repeated call is one command. */
  record(command: Command, outcome: Outcome, call: number, returned: number): void {
    if (!this.#isJudged || !judged.includes(command.command) || command.consistency === 'stale') return
    const { length } = this.#operations
    const place = command.session === undefined ? length : this.#placeOf(command)
    const before = this.#operations[place]
    // Only an answer tells what became of a call of which an earlier copy is open.
    if (before?.outcome === 'done' || (before?.outcome === 'unknown' && outcome.outcome !== 'done')) return
    if (!before && this.#isFull) {
      this.#left++
      return
    }
    this.#bytes += JSON.stringify([command, outcome]).length
    const id = place + 1
    this.#operations[place] = {
      client: 'repl',
      id,
      command,
      call: before?.call ?? call,
      return: returned,
      ...outcome,
    } as never
  }

  /** The place of a call in the list: that of its first copy. */
  #placeOf({ session, sequence, firstOutstanding: _, withIndex: _index, ...command }: Command): number {
    const name = JSON.stringify([session, sequence, command])
    const place = this.#calls.get(name) ?? this.#operations.length
    if (!this.#isFull) this.#calls.set(name, place)
    return place
  }

  get #isFull(): boolean {
    return this.#operations.length >= mostOperations || this.#bytes >= mostBytes
  }

  /** @throws ConfigError if the application is another than the key-value store */
  check(): string {
    if (!this.#isJudged) throw new ConfigError(otherApplication)
    // The cluster may have held anything when the sitting began.
    const verdict = describeCheck(checkHistory(this.#operations, { before: 'anything' }))
    const more = this.#left > 0 ? `; nor are the last ${this.#left} operations, for which there is no room` : ''
    const about = `judged is what was asked here: what \`nc\` or another client asked is not in it${more}`
    return `${verdict}\n${colour.dim(about)}`
  }

  /**
   * Writes the session to a file. @param over whether an existing file may be overwritten @throws ConfigError if it
   * cannot be written
   */
  save(file: string, over: boolean): string {
    if (!this.#isJudged) throw new ConfigError(otherApplication)
    if (file === '') throw new UsageError('usage: save FILE')
    const text = this.#operations.map((operation) => `${JSON.stringify(operation)}\n`).join('')
    try {
      writeFileSync(file, text, { flag: over || isFolder(file) ? 'w' : 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new ConfigError(`${file} is there already, and stays as it is; \`save! ${file}\` writes over it`)
      throw new ConfigError(`cannot write ${file}: ${(error as Error).message}`)
    }
    const more = this.#left > 0 ? ` (the ${this.#left} after them are not kept)` : ''
    return `${this.#operations.length} operations written${more}; npx raft-roadmap check ${file}`
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
