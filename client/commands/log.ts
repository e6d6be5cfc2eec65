import { join } from 'node:path'
import type { Entry } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { foldersIn } from '../../src/storage/log-kind.js'
import type { Look } from '../../src/storage/wal-look.js'
import { repairWal } from '../../src/storage/wal-repair.js'
import { escaped, jsonLine } from '../../src/text.js'
import { lookAtFolder } from '../text/log-table.js'
import {
  describeBatches,
  describeRepair,
  describeSnapshots,
  describeSummary,
  factsOf,
  type Range,
  summarise,
} from '../text/log-text.js'
import { wholeNumber } from './arguments.js'
import type { Verb } from './verb.js'

interface LogArguments {
  dir: string
  from: number | undefined
  to: number | undefined
  tail: number | undefined
  verify: boolean
  repair: boolean
  json: boolean
}

export const log: Verb<LogArguments> = {
  builder: (yargs) =>
    yargs
      .positional('dir', { type: 'string', demandOption: true, describe: "a node's folder, or one of such folders" })
      .option('from', { describe: 'the first entry to show', coerce: wholeNumber('from', 1, Number.MAX_SAFE_INTEGER) })
      .option('to', { describe: 'the last entry to show', coerce: wholeNumber('to', 1, Number.MAX_SAFE_INTEGER) })
      .option('tail', { describe: 'the last N entries', coerce: wholeNumber('tail', 1, Number.MAX_SAFE_INTEGER) })
      .option('verify', { type: 'boolean', default: false, describe: 'is it sound? Changes nothing' })
      .option('repair', { type: 'boolean', default: false, describe: 'cut it at the first damage, keeping a copy' })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'snapshots, and the entries that count: a line of JSON each; `committed` where it is known',
      })
      .example('$0 log data/n1 --tail 20', 'the last twenty entries')
      .example('$0 log data --verify', 'a line for each node; exit code 0: all sound; 1: not'),
  async handler(args) {
    refuseMixtures(args)
    if (args.repair) return repair(await toRepair(args.dir))
    const looks = await lookInto(args.dir)
    const summaries = [...looks].map(([folder, look]) => summarise(folder, look))
    if (args.verify || looks.size > 1)
      for (const summary of summaries) console.log(args.json ? jsonLine(summary) : describeSummary(summary))
    else for (const [folder, look] of looks) show(folder, look, args)
    process.exitCode = summaries.every(({ sound }) => sound) ? exitCodes.done : exitCodes.refused
  },
}

/** Checks that the options fit together. @throws ConfigError if they ask for two things at once */
function refuseMixtures({ verify, repair, json, from, to, tail }: LogArguments): void {
  const ranged = from !== undefined || to !== undefined
  if (repair && (verify || json || ranged || tail !== undefined))
    throw new ConfigError('--repair goes with no other option: look first, then repair')
  if (verify && (ranged || tail !== undefined)) throw new ConfigError('--verify reads the whole log')
  if (tail !== undefined && ranged) throw new ConfigError('--tail counts from the end: leave out --from and --to')
}

/** Reads the log in a folder, or the logs in its folders. @throws ConfigError if no log can be shown */
async function lookInto(folder: string): Promise<Map<string, Look>> {
  const own = await lookAtFolder(folder)
  if (own) return new Map([[folder, own]])
  const looks = new Map<string, Look>()
  const refusals: string[] = []
  for (const name of foldersIn(folder)) {
    const path = join(folder, name)
    try {
      const look = await lookAtFolder(path)
      if (look) looks.set(path, look)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      refusals.push(error.message)
    }
  }
  if (looks.size === 0)
    throw new ConfigError(
      refusals.join('\n') || `${folder} is no node's folder and holds none: there is no IDENTITY and no wal in it`,
    )
  for (const refusal of refusals) console.error(refusal)
  return looks
}

/** Lists the folders to repair: a log that cannot be shown can still be repaired, and so can its IDENTITY. */
async function toRepair(folder: string): Promise<string[]> {
  const own = await lookAtFolder(folder).catch((error) => {
    if (error instanceof ConfigError) return folder
    throw error
  })
  return own ? [folder] : [...(await lookInto(folder)).keys()]
}

function show(folder: string, look: Look, { from, to, tail, json }: LogArguments): void {
  const last = look.scan.state.last
  const range: Range | null =
    from === undefined && to === undefined && tail === undefined
      ? null
      : { from: tail === undefined ? (from ?? 1) : Math.max(1, last - tail + 1), to: to ?? Number.MAX_SAFE_INTEGER }
  if (json) {
    if (!range) for (const found of look.snapshots) console.log(jsonLine(factsOf(found)))
    for (const entry of look.entries)
      if (!range || (entry.index >= range.from && entry.index <= range.to))
        process.stdout.write(`${escaped(jsonOf(entry, look))}\n`)
    return
  }
  for (const line of describeSnapshots(look)) console.log(line)
  for (const line of describeBatches(look, range)) console.log(line)
  console.log(describeSummary(summarise(folder, look)))
}

/** Makes an entry's line of JSON: its text, and whether it is known to be committed if the log has hints of that. */
function jsonOf({ index, text }: Entry, { commit }: Look): string {
  return commit === 0 ? text : `${text.slice(0, -1)},"committed":${index <= commit}}`
}

async function repair(folders: readonly string[]): Promise<void> {
  if (folders.length > 1) throw new ConfigError(`--repair takes one node at a time; there are ${folders.join(' ')}`)
  const done = await repairWal(folders[0]!)
  console.log(describeRepair(done))
  process.exitCode = !done.hasStart || (done.scan.tail && !done.cut) ? exitCodes.refused : exitCodes.done
}
