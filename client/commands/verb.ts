import type { Argv } from 'yargs'

/** What one command takes, and what it does with it. */
export interface Verb<Arguments> {
  /** Adds the words and options of the command to the parser. */
  builder(yargs: Argv): unknown
  handler(args: Arguments): void | Promise<void>
}
