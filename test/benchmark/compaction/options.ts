import yargs from 'yargs'
import { nodeOptions, wholeNumber } from '../../../client/commands/arguments.js'
import { limits } from '../../../src/contracts.js'
import type { Choices } from '../../../src/server/config.js'
import { maxKeys } from '../requests.js'

/** What a person asked for. */
export interface CompactionOptions {
  readonly keys: number
  readonly valueBytes: number
  /** Of the load beside which everything is done; each waits for its answer. */
  readonly clients: number
  /** How long that load is measured alone, about. */
  readonly seconds: number
  readonly limits: Omit<Choices, 'leaseReads'>
  readonly json: string | undefined
}

const option = (describe: string, fallback: number, from: number, to: number, name: string) =>
  ({ type: 'number', default: fallback, describe, coerce: wholeNumber(name, from, to), requiresArg: true }) as const

export async function parseCompactionOptions(args: readonly string[]): Promise<CompactionOptions> {
  const given = await yargs([...args])
    .scriptName('npm run bench:compaction --')
    .usage(
      '$0 [options]\n\nMeasures what snapshots cost a cluster that has much to keep: while they are written, sent to a node that has lost its disk, and read by one that starts again.',
    )
    .option('keys', option('how many are loaded', 1_000_000, 1_000, maxKeys, 'keys'))
    .option('value', option('length of a value', 256, 0, limits.valueBytes, 'value'))
    .option('clients', option('of the load beside which all is done', 16, 1, 1_000, 'clients'))
    .option('seconds', option('how long that load is measured alone, about', 10, 1, 3_600, 'seconds'))
    .option('snapshot-entries', nodeOptions['snapshot-entries'])
    .option('snapshot-bytes', nodeOptions['snapshot-bytes'])
    .option('json', { type: 'string', requiresArg: true, describe: 'a file to write what was seen to' })
    .strict()
    .help()
    .version(false)
    .parseAsync()
  const { keys, value: valueBytes, clients, seconds, snapshotEntries, snapshotBytes, json } = given
  return { keys, valueBytes, clients, seconds, limits: { snapshotEntries, snapshotBytes }, json }
}
