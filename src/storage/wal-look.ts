/** A log as one sees it from outside, also while its node runs: nothing is locked and nothing is changed. */
import { join } from 'node:path'
import type { Entry, EntryId } from '../contracts.js'
import { explained, type Files, realFiles } from './files.js'
import { type Identity, identityFile, readIdentity } from './identity.js'
import { edgeOf, Records } from './recover.js'
import { snapshotFolder } from './snapshot-file.js'
import { type Found, findSnapshots } from './snapshots.js'
import { newline, parseLine, verifyLine } from './wal-line.js'
import { type ScannedBatch, scanWal, segmentName, segmentNumbers, type WalScan, walFolder } from './wal-scan.js'

export interface Look {
  readonly identity: Identity
  /** Whether the folder says whose it is; a node does not start on a log without that. */
  readonly hasIdentity: boolean
  readonly scan: WalScan
  /** Those that are kept, the newest first, each read in full. */
  readonly snapshots: readonly Found[]
  readonly batches: readonly ScannedBatch[]
  /** The entry before the first; its term is 0 if nothing says which it was. */
  readonly edge: EntryId
  /** Those that no truncation took back. */
  readonly entries: readonly Entry[]
}

/** A node that runs may let go of a file between two calls; then the next look shows what has come of it. */
const looks = 3

/** @returns null if the folder is no node's @throws ConfigError, DiskError */
export async function lookAtWal(folder: string): Promise<Look | null> {
  for (let left = looks - 1; ; left--) {
    try {
      const look = await lookOnce(folder)
      if (left === 0 || look === null || isSound(look)) return look
    } catch (error) {
      const { cause } = error as { cause?: NodeJS.ErrnoException }
      if (left === 0 || cause?.code !== 'ENOENT') throw error
    }
  }
}

/** Whether a node would start on it, and with all that it should have. */
export function isSound({ hasIdentity, scan, snapshots }: Look): boolean {
  const isWhole = scan.tail?.kind !== 'damage' && scan.gap === null
  return hasIdentity && isWhole && snapshots.every(({ snapshot }) => snapshot)
}

async function lookOnce(folder: string): Promise<Look | null> {
  const files = explained(realFiles)
  const names = await files.list(folder)
  if (!names.includes(walFolder) && !names.includes(identityFile)) return null
  const { identity, hasFile } = await whose(files, folder)
  const batches: ScannedBatch[] = []
  const scan = await scanWal(files, folder, identity, (batch) => batches.push(batch))
  const log = new Records(scan.start)
  for (const { records } of batches) log.add(records)
  const snapshots = await lookAtSnapshots(files, folder, log.snapshots)
  const edge = edgeOf(log.bounds) ?? { index: log.bounds.first - 1, term: 0 }
  return { identity, hasIdentity: hasFile, scan, snapshots, batches, edge, entries: log.entriesBehind(edge) }
}

/** Those of these that the folder has, and what is wrong with the others. */
export async function lookAtSnapshots(files: Files, folder: string, ids: readonly EntryId[]): Promise<Found[]> {
  return ids.length === 0 ? [] : findSnapshots(files, join(folder, snapshotFolder), ids)
}

/** Whose log a folder holds: by its `IDENTITY`, or else by the log's own account; nobody's if neither can be read. */
export async function whose(files: Files, folder: string): Promise<{ identity: Identity; hasFile: boolean }> {
  const identity = await readIdentity(files, folder)
  if (identity) return { identity, hasFile: true }
  const { cluster, node, incarnation } = (await firstHeader(files, folder)) ?? {
    cluster: '',
    node: '',
    incarnation: '',
  }
  return { identity: { format: 1, cluster, node, incarnation }, hasFile: false }
}

async function firstHeader(files: Files, folder: string) {
  const wal = join(folder, walFolder)
  const [first] = segmentNumbers(await files.list(wal))
  if (first === undefined) return null
  const bytes = await files.read(join(wal, segmentName(first)))
  const line = verifyLine(bytes.subarray(0, Math.max(0, bytes.indexOf(newline))), 0)
  const parsed = line && parseLine(line.text)
  return parsed?.kind === 'header' ? parsed.header : null
}
