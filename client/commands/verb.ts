import type { Argv } from 'yargs'

/** A command of the command line: its options, and the function that runs it. */
export interface Verb<Arguments> {
  /** Adds the words and options of the command to the parser. */
  builder(yargs: Argv): unknown
  handler(args: Arguments): void | Promise<void>
}
