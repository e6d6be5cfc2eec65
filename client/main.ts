#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import yargs, { type CommandModule } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { ConfigError } from '../src/config.js'
import { exitCodeOf, exitCodes } from '../src/process.js'
import { DamagedLogError, DiskError } from '../src/storage/errors.js'
import { escapedLines } from '../src/text.js'
import { checkValues, splitArguments } from './command-line.js'
import { breakRule } from './commands/break.js'
import { check } from './commands/check.js'
import { asking, client } from './commands/client.js'
import { compare } from './commands/compare.js'
import { list } from './commands/list.js'
import { log } from './commands/log.js'
import { node } from './commands/node.js'
import { print } from './commands/print.js'
import { run } from './commands/run.js'
import { scenario } from './commands/scenario.js'
import { sim } from './commands/sim.js'
import { UsageError } from './words.js'
import { columnsOf } from './wrapped.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** yargs reports what it cannot parse as a message, and what a command throws as an error alone. */
const rethrow = (message: string | null | undefined, error: Error | undefined): never => {
  throw message ? new UsageError(message) : error
}

// Whoever reads our output, such as `head`, may have enough of it: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EIO: a terminal that has been closed.
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  process.exit(exitCodes.done)
})
process.stderr.on('error', () => {})

try {
  const verbs = [list, run, node, client, scenario, sim, breakRule, check, log, compare, print]
  const usages = verbs.map(({ command }) => String(command))
  const given = splitArguments(hideBin(process.argv), usages)
  const parser = yargs([...given.options])
  for (const verb of verbs) parser.command(verb === client ? asking(given.words) : (verb as CommandModule))
  await parser
    .scriptName('raft-roadmap')
    .usage('$0 <command>\n\nLearn Raft by running it: every stage is a key-value cluster to start, ask and break.')
    // A number, a dot or a `no-` of the user's is no business of the parser's; each option says what it takes.
    .parserConfiguration({ 'parse-numbers': false, 'dot-notation': false, 'boolean-negation': false })
    .middleware(() => checkValues(given))
    .completion('completion', 'print a completion script: source <(raft-roadmap completion)')
    .example('$0 run 2', 'five nodes and a REPL')
    .example('$0 client set a 1', 'from another terminal')
    .demandCommand(1, 'which command? `raft-roadmap --help` lists them')
    .recommendCommands()
    .strict()
    .help()
    .alias('h', 'help')
    .version(version)
    .wrap(Math.min(80, columnsOf(process.stdout)))
    .exitProcess(false)
    .fail(rethrow)
    .parseAsync()
} catch (error) {
  const isExpected = [UsageError, ConfigError, DamagedLogError, DiskError].some((kind) => error instanceof kind)
  if (!isExpected) throw error
  console.error(escapedLines((error as Error).message))
  process.exitCode = exitCodeOf(error as Error)
}
