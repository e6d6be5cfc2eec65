import { writeFileSync } from 'node:fs'
import { ConfigError } from '../src/config.js'
import type { Command, Outcome } from '../src/contracts.js'
import { checkHistory, type Operation } from '../src/linearizability/index.js'
import { describeCheck } from './commands/check.js'
import { UsageError } from './words.js'

const judged = ['get', 'set', 'delete', 'append', 'cas']

/** What was asked and answered in one sitting, for the linearizability checker; moments are milliseconds. */
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
    return describeCheck(checkHistory(this.#operations, { before: 'anything' }))
  }

  save(file: string): string {
    if (file === '') throw new UsageError('usage: save FILE')
    try {
      writeFileSync(file, this.#operations.map((operation) => `${JSON.stringify(operation)}\n`).join(''))
    } catch (error) {
      throw new ConfigError(`cannot write ${file}: ${(error as Error).message}`)
    }
    return `${this.#operations.length} operations written; raft-roadmap check ${file}`
  }
}
