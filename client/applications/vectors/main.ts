import { commandLine, type Verb } from 'raft-roadmap/server'
import { service } from './service.js'

/** Runs the command line of the vector stores. @param typed the words behind `npx raft-roadmap vectors` */
export function main(typed: readonly string[]): Promise<void> {
  return commandLine(service, typed)
}

/** The command of another command line: it has no options of its own, and passes its words on. */
export const verb: Verb<{ command?: string[] }> = {
  builder: (yargs) => yargs.positional('command', { type: 'string', array: true }),
  handler: ({ command = [] }) => main(command),
}
