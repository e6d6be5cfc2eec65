import yargs, { type Argv } from 'yargs'
import { ConfigError } from '../../src/errors.js'
import { exitCodeOf, exitCodes } from '../../src/server/exits.js'
import { DamagedLogError, DiskError } from '../../src/storage/errors.js'
import { escapedLines } from '../../src/text.js'
import { UsageError } from '../text/words.js'
import { columnsOf } from '../text/wrapped.js'
import { version } from '../version.js'
import { checkValues, splitArguments } from './command-line.js'
import type { Verb } from './verb.js'

/** A command of a program; it is loaded when it is called. */
export interface Command {
  /** Its name and its words, such as `break <stage> [rule]`. */
  readonly command: string
  readonly describe: string
  load(): Promise<Verb<never>>
}

/** A program of the command line. */
export interface Program {
  /** The words that a person types before the command, such as `npx raft-roadmap`. */
  readonly name: string
  /** A sentence about it, for `--help`. */
  readonly about: string
  readonly commands: readonly Command[]
  readonly examples: readonly (readonly [line: string, what: string])[]
}

/** Throws the error of a failed parse: yargs reports its own errors as a message, and a command's as an error alone. */
const rethrow = (message: string | null | undefined, error: Error | undefined): never => {
  throw message ? new UsageError(message) : error
}

/**
 * Runs a program of the command line. Expected errors become a sentence on standard error and an exit code.
 *
 * @param typed the words behind the program's name
 */
export async function runProgram(program: Program, typed: readonly string[]): Promise<void> {
  // A reader of the output, such as `head`, may close it early: this is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // EIO: a terminal that has been closed.
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
    process.exit(exitCodes.done)
  })
  process.stderr.on('error', () => {})
  try {
    await parse(program, typed)
  } catch (error) {
    const isExpected = [UsageError, ConfigError, DamagedLogError, DiskError].some((kind) => error instanceof kind)
    if (!isExpected) throw error
    console.error(escapedLines((error as Error).message))
    process.exitCode = exitCodeOf(error as Error)
  }
}

async function parse({ name, about, commands, examples }: Program, typed: readonly string[]): Promise<void> {
  const usages = commands.map(({ command }) => command)
  const isCompletion = typed[0] === '--get-yargs-completions'
  // A shell completes the words behind a program's own name, not those behind `npx`.
  const own = name.replace(/^npx /, '')
  const given = isCompletion ? { options: typed, words: [] } : splitArguments(typed, usages)
  const parser = yargs([...given.options])
  for (const { command, describe, load } of commands) {
    const verb = typed.includes(command.split(' ')[0]!) ? await load() : null
    parser.command({
      command,
      describe,
      builder: (parser) => (verb?.builder(parser) ?? parser) as Argv,
      handler: (args) => verb?.handler({ ...args, words: given.words } as never),
    })
  }
  parser
    .scriptName(typed[0] === 'completion' || isCompletion ? own : name)
    .usage(`$0 <command>\n\n${about}`)
    // The parser must not interpret a number, a dot or a `no-` in the user's words; each option checks its own value.
    .parserConfiguration({ 'parse-numbers': false, 'dot-notation': false, 'boolean-negation': false })
    .middleware(() => checkValues(given))
    .completion(
      'completion',
      `print a completion script, for a shell that finds ${own} by itself: source <(${name} completion)`,
    )
  for (const [line, what] of examples) parser.example(line, what)
  await parser
    .demandCommand(1, `which command? \`${name} --help\` lists them`)
    .recommendCommands()
    .strict()
    .help()
    .alias('h', 'help')
    .version(version)
    .wrap(Math.min(80, columnsOf(process.stdout)))
    .exitProcess(false)
    .fail(rethrow)
    .parseAsync()
}
