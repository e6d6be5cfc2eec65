#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import yargs, { type Argv } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { ConfigError } from '../src/errors.js'
import { exitCodeOf, exitCodes } from '../src/server/exits.js'
import { DamagedLogError, DiskError } from '../src/storage/errors.js'
import { escapedLines } from '../src/text.js'
import { checkValues, splitArguments } from './commands/command-line.js'
import { verbs } from './commands/verbs.js'
import { UsageError } from './text/words.js'
import { columnsOf } from './text/wrapped.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Throws the error of a failed parse: yargs reports its own errors as a message, and a command's as an error alone. */
const rethrow = (message: string | null | undefined, error: Error | undefined): never => {
  throw message ? new UsageError(message) : error
}

// A reader of the output, such as `head`, may close it early: this is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EIO: a terminal that has been closed.
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  process.exit(exitCodes.done)
})
process.stderr.on('error', () => {})

try {
  const typed = hideBin(process.argv)
  const usages = verbs.map(({ command }) => command)
  const isCompletion = typed[0] === '--get-yargs-completions'
  const given = isCompletion ? { options: typed, words: [] } : splitArguments(typed, usages)
  const parser = yargs([...given.options])
  for (const { command, describe, load } of verbs) {
    const verb = typed.includes(command.split(' ')[0]!) ? await load() : null
    parser.command({
      command,
      describe,
      builder: (parser) => (verb?.builder(parser) ?? parser) as Argv,
      handler: (args) => verb?.handler({ ...args, words: given.words } as never),
    })
  }
  await parser
    .scriptName('raft-roadmap')
    .usage('$0 <command>\n\nLearn Raft by running it: every stage is a key-value cluster to start, ask and break.')
    // The parser must not interpret a number, a dot or a `no-` in the user's words; each option checks its own value.
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
