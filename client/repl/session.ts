import { statSync, writeFileSync } from 'node:fs'
import type { Command, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { checkHistory, type Operation } from '../../src/proof/linearizability/index.js'
import { describeCheck } from '../commands/check.js'
import { colour } from '../text/colour.js'
import { UsageError } from '../text/words.js'

const judged = ['get', 'set', 'delete', 'append', 'cas']

/** The commands and outcomes of one sitting, for the linearizability checker; times are in milliseconds. */
export class Session {
  readonly #operations: Operation[] = []

  record(command: Command, outcome: Outcome, call: number, returned: number): void {
    if (!judged.includes(command.command)) return
    this.#operations.push({
      client: 'repl',
      id: this.#operations.length + 1,
      command,
      call,
      return: returned,
      ...outcome,
    } as never)
  }

  check(): string {
    // The cluster may have held anything when the sitting began.
    const verdict = describeCheck(checkHistory(this.#operations, { before: 'anything' }))
    return `${verdict}\n${colour.dim('judged is what was asked here: what `nc` or another client asked is not in it')}`
  }

  /**
   * Writes the session to a file. @param over whether an existing file may be overwritten @throws ConfigError if it
   * cannot be written
   */
  save(file: string, over: boolean): string {
    if (file === '') throw new UsageError('usage: save FILE')
    const text = this.#operations.map((operation) => `${JSON.stringify(operation)}\n`).join('')
    try {
      writeFileSync(file, text, { flag: over || isFolder(file) ? 'w' : 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new ConfigError(`${file} is there already, and stays as it is; \`save! ${file}\` writes over it`)
      throw new ConfigError(`cannot write ${file}: ${(error as Error).message}`)
    }
    return `${this.#operations.length} operations written; raft-roadmap check ${file}`
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
