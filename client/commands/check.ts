import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import ndjson from 'ndjson'
import { ConfigError } from '../../src/errors.js'
import { type CheckResult, checkHistory, HistoryError } from '../../src/proof/linearizability/index.js'
import { exitCodes } from '../../src/server/exits.js'
import { jsonLine, oneLine, quoted } from '../../src/text.js'
import { colour } from '../text/colour.js'
import type { Verb } from './verb.js'

export const check: Verb<{ file: string | undefined; json: boolean }> = {
  builder: (yargs) =>
    yargs
      // Without a number of values, the parser takes `-` for an option.
      .nargs('file', 1)
      .positional('file', {
        type: 'string',
        describe: 'as `save FILE` in the REPL writes it; - or nothing for standard input',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the verdict as JSON' })
      .example('$0 check session.ndjson', 'exit code 0: linearizable; 1: not; 3: undecided'),
  async handler({ file, json }) {
    const result = await checkFile(file === '-' ? undefined : file)
    console.log(json ? jsonLine({ ...result, orders: undefined }) : describeCheck(result))
    process.exitCode = { linearizable: exitCodes.done, violation: exitCodes.refused, undecided: exitCodes.unknown }[
      result.verdict
    ]
  },
}

/** Judges a recorded history from a file, or from standard input. @throws ConfigError if the input is no history */
export async function checkFile(file: string | undefined): Promise<CheckResult> {
  return checkRecords(file ?? 'standard input', await readRecords(file))
}

async function readRecords(file: string | undefined): Promise<unknown[]> {
  const records: unknown[] = []
  try {
    const input = file === undefined ? process.stdin : createReadStream(file)
    await pipeline(input, ndjson.parse(), async (lines: AsyncIterable<unknown>) => {
      for await (const record of lines) records.push(record)
    })
    return records
  } catch (error) {
    throw new ConfigError(
      `${file ?? 'standard input'}: ${(error as Error).message} (after ${records.length} good lines)`,
    )
  }
}

function checkRecords(file: string, records: readonly unknown[]): CheckResult {
  try {
    return checkHistory(records as never)
  } catch (error) {
    if (error instanceof HistoryError) throw new ConfigError(`${file}: ${error.message}`)
    throw error
  }
}

/** Describes a verdict in words, with the picture of each violation. */
export function describeCheck({ verdict, operations, keys, violations, undecidedKeys }: CheckResult): string {
  const counted = `${operations} operations on ${keys} ${keys === 1 ? 'key' : 'keys'}`
  if (verdict === 'linearizable') return colour.green(`✔ linearizable: ${counted} are as of a single copy`)
  if (verdict === 'undecided')
    return colour.yellow(
      `? undecided: ${undecidedKeys.map((key) => oneLine(key, 64)).join(', ')} would take a longer search, or more memory, than is spent on one key (${counted})`,
    )
  const pictures = violations.map(({ explanation }) => explanation)
  const where = violations.map(({ key }) => quoted(key, 64)).join(', ')
  return [colour.red(`✘ not linearizable: of ${counted}, those on ${where} fit no single copy`), ...pictures].join(
    '\n\n',
  )
}
