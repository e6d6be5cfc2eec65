/** The logs of a cluster's nodes beside each other, as they are on disk: also those of nodes that are dead or paused. */
import { type Entry, type NodeId, payloadOf } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { DiskError } from '../../src/storage/errors.js'
import { type Look, lookAtWal } from '../../src/storage/wal-look.js'
import { oneLine } from '../../src/text.js'
import { colour, nodeColour } from './colour.js'
import { describeBatches, describePayload, describeSnapshots, describeSummary, summarise } from './log-text.js'
import { table } from './table.js'

/** Entries from the end that are shown, unless another number is given. */
const usualEntries = 10
/** Columns of a cell: five cells fit beside each other into 80 columns. */
const cellWidth = 12

/** The folder of each node. */
export type Folders = ReadonlyMap<NodeId, string>

/**
 * Reads the log in a folder. @returns null if the folder is no node's @throws ConfigError if the folder or a file
 * cannot be read
 */
export async function lookAtFolder(folder: string): Promise<Look | null> {
  try {
    return await lookAtWal(folder)
  } catch (error) {
    if (error instanceof DiskError) throw new ConfigError(`cannot read the log: ${(error.cause as Error).message}`)
    throw error
  }
}

/**
 * Prints the logs of several nodes, with a row for each index and a column for each node. Where a log has hints, a row
 * says how far each node knows its entries to be committed. @throws ConfigError if one
 * cannot be read
 */
export async function logTable(folders: Folders, tail = usualEntries): Promise<string> {
  const looks = await Promise.all([...folders].map(async ([id, folder]) => [id, await lookAtFolder(folder)] as const))
  const last = Math.max(0, ...looks.map(([, look]) => look?.scan.state.last ?? 0))
  const first = Math.max(1, last - tail + 1)
  const indexes = Array.from({ length: last - first + 1 }, (_, at) => first + at)
  const width = String(last).length
  return table([
    ['', ...looks.map(([id]) => nodeColour(id))],
    ...indexes.map((index) => [String(index).padStart(width), ...looks.map(([, look]) => cell(look, index))]),
    ...(looks.some(([, look]) => look?.snapshots.length)
      ? [[colour.dim('snap'), ...looks.map(([, look]) => newest(look))]]
      : []),
    ...(looks.some(([, look]) => look?.commit)
      ? [[colour.dim('commit'), ...looks.map(([, look]) => colour.green(look?.commit ? `${look.commit}` : '·'))]]
      : []),
    [colour.dim('now'), ...looks.map(([, look]) => colour.cyan(vote(look)))],
  ])
}

function cell(look: Look | null, index: number): string {
  const entry = look?.entries.find((one) => one.index === index)
  if (entry) return shorten(entry)
  return colour.dim(look && index <= look.edge.index ? '(snapshot)' : '·')
}

function shorten(entry: Entry): string {
  const text = `t${entry.term} ${describePayload(payloadOf(entry)).replaceAll('"', '')}`
  return text.length > cellWidth ? `${text.slice(0, cellWidth - 1)}…` : text
}

/** Describes the newest snapshot. */
function newest(look: Look | null): string {
  const [found] = look?.snapshots ?? []
  if (!found) return colour.dim('·')
  const { id, snapshot } = found
  return `t${id.term} ${id.index}${snapshot ? '' : colour.red(' ✘')}`
}

function vote(look: Look | null): string {
  if (!look) return '–'
  const { term, votedFor } = look.scan.state
  return `term ${term}${votedFor === null ? '' : `→${oneLine(votedFor, 64)}`}`
}

/** Prints one node's log, batch by batch. @throws ConfigError if it cannot be read */
export async function oneLog(folder: string, tail = usualEntries): Promise<string> {
  const look = await lookAtFolder(folder)
  if (!look) return colour.dim('(nothing on disk yet)')
  const { last } = look.scan.state
  const range = last > tail ? { from: last - tail + 1, to: last } : null
  return [...describeSnapshots(look), ...describeBatches(look, range), describeSummary(summarise(folder, look))].join(
    '\n',
  )
}
