import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import ndjson from 'ndjson'
import type { CommandModule } from 'yargs'
import { ConfigError } from '../../src/config.js'
import { type CheckResult, checkHistory, HistoryError } from '../../src/linearizability/index.js'
import { exitCodes } from '../../src/process.js'
import { colour } from '../colour.js'

export const check: CommandModule<object, { file: string | undefined; json: boolean }> = {
  command: 'check [file]',
  describe: 'is a recorded history linearizable? A line of JSON for each operation',
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'as `save FILE` in the REPL writes it; - for a pipe',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the verdict as JSON' })
      .example('$0 check session.ndjson', 'exit code 0: linearizable; 1: not; 3: undecided') as never,
  async handler({ file, json }) {
    const result = checkRecords(file ?? 'standard input', await readRecords(file))
    console.log(json ? JSON.stringify({ ...result, orders: undefined }) : describeCheck(result))
    process.exitCode = { linearizable: exitCodes.done, violation: exitCodes.refused, undecided: exitCodes.unknown }[
      result.verdict
    ]
  },
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

/** A verdict in words, with the picture of each violation. */
export function describeCheck({ verdict, operations, keys, violations, undecidedKeys }: CheckResult): string {
  const counted = `${operations} operations on ${keys} ${keys === 1 ? 'key' : 'keys'}`
  if (verdict === 'linearizable') return colour.green(`✔ linearizable: ${counted} are as of a single copy`)
  if (verdict === 'undecided')
    return colour.yellow(
      `? undecided: ${undecidedKeys.join(', ')} would take a longer search, or more memory, than is spent on one key (${counted})`,
    )
  const pictures = violations.map(({ explanation }) => explanation)
  const where = violations.map(({ key }) => JSON.stringify(key)).join(', ')
  return [colour.red(`✘ not linearizable: of ${counted}, those on ${where} fit no single copy`), ...pictures].join(
    '\n\n',
  )
}
