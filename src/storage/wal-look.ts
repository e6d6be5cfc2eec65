/** A look at a log from outside, also while its node runs: nothing is locked and nothing is changed. */
import { join } from 'node:path'
import type { Entry, EntryId, Index } from '../contracts.js'
import { DamagedLogError } from './errors.js'
import { explained, type Files, realFiles } from './files.js'
import { FolderError, type Identity, identityFile, type Owner, readIdentity } from './identity.js'
import { kindByContents, levelFolder } from './log-kind.js'
import { edgeOf, knownCommit, Records } from './recover.js'
import { snapshotFolder } from './snapshot-file.js'
import { type Found, findSnapshots } from './snapshots.js'
import { newline, parseLine, verifyLine } from './wal-line.js'
import { type ScannedBatch, scanWal, segmentName, segmentNumbers, type WalScan, walFolder } from './wal-scan.js'

export interface Look {
  readonly identity: Identity
  /**
   * The reason why the folder does not say whose it is; null if it does. A node does not start on a nameless folder.
   */
  readonly nameless: string | null
  readonly scan: WalScan
  /** The snapshots that the log keeps, the newest first, each read in full. */
  readonly snapshots: readonly Found[]
  readonly batches: readonly ScannedBatch[]
  /** The entry before the log's first; its term is 0 if no snapshot names it. */
  readonly edge: EntryId
  /** The entries that no truncation took back. */
  readonly entries: readonly Entry[]
  /** The last entry known to be committed, by hints and snapshots; 0 if the log has no hint. */
  readonly commit: Index
}

/**
 * Looks at a log until two looks in a row find the same fault, or one finds none. A running node may let a file go between
 * two calls; the next look shows the log without it.
 *
 * @returns null if the folder is no node's @throws ConfigError, DiskError
 */
export async function lookAtWal(folder: string): Promise<Look | null> {
  for (let before = ''; ; ) {
    try {
      const look = await lookOnce(folder)
      const fault = look === null ? '' : faultsOf(look).join()
      if (fault === '' || fault === before) return look
      before = fault
    } catch (error) {
      const { cause } = error as { cause?: NodeJS.ErrnoException }
      const missing = cause?.code === 'ENOENT' ? cause.path : undefined
      if (missing === undefined || missing === before) throw error
      before = missing
    }
  }
}

/** Checks whether a node would start on this log, and with all that it should have. */
export function isSound(look: Look): boolean {
  return faultsOf(look).length === 0
}

/** The faults of a log, in words. */
function faultsOf({ nameless, scan: { tail, gap }, snapshots }: Look): string[] {
  const damage = tail?.kind === 'damage' ? `segment ${tail.segment}, line ${tail.line}: ${tail.what}` : null
  const missing = snapshots.map(({ snapshot, path, what }) => (snapshot ? null : `${path}: ${what}`))
  return [nameless, damage, gap, ...missing].filter((fault) => fault !== null)
}

async function lookOnce(folder: string): Promise<Look | null> {
  const files = explained(realFiles)
  const names = await files.list(folder)
  if (!names.includes(walFolder) && !names.includes(identityFile) && !names.includes(levelFolder)) return null
  const { identity, nameless } = await whose(files, folder)
  const kind = nameless === null ? identity.log : await kindByContents(files, folder)
  if (kind === 'level') throw new FolderError(inDatabase(folder, identity))
  if (kind === null && nameless === noIdentity) return null
  const batches: ScannedBatch[] = []
  const scan = await scanWal(files, folder, identity, (batch) => batches.push(batch))
  const log = new Records(scan.start)
  for (const { records, commit } of batches) log.add(records, commit)
  const snapshots = await lookAtSnapshots(files, folder, log.snapshots)
  const edge = edgeOf(log.bounds) ?? { index: log.bounds.first - 1, term: 0 }
  const commit = log.bounds.commit > 0 ? knownCommit(log.bounds) : 0
  return { identity, nameless, scan, snapshots, batches, edge, entries: log.entriesBehind(edge), commit }
}

/** Looks for the recorded snapshots in a node's folder, and says what is wrong with those that are not sound. */
export async function lookAtSnapshots(files: Files, folder: string, ids: readonly EntryId[]): Promise<Found[]> {
  return ids.length === 0 ? [] : findSnapshots(files, join(folder, snapshotFolder), ids)
}

const noIdentity = 'there is no IDENTITY beside the log'

/**
 * Finds the owner of a folder's log: by its `IDENTITY`, or else by the log's own account; an empty one if neither can
 * be read. `nameless` says what is wrong with the `IDENTITY`, if anything is.
 */
export async function whose(files: Files, folder: string): Promise<{ identity: Identity; nameless: string | null }> {
  try {
    const identity = await readIdentity(files, folder)
    if (identity) return { identity, nameless: null }
    return { identity: await identityInLog(files, folder), nameless: noIdentity }
  } catch (error) {
    if (!(error instanceof DamagedLogError)) throw error
    return { identity: await identityInLog(files, folder), nameless: 'IDENTITY cannot be read' }
  }
}

/** The message for a folder whose log is in a database. */
export function inDatabase(folder: string, { node, cluster }: Owner): string {
  const whose = node === '' ? '' : ` of node ${node} of cluster ${cluster}`
  return `${folder} holds the log${whose} in LevelDB (--log level), which this command cannot show: it reads logs of the kind "file"; whether that log is sound, its node says when it starts`
}

/** Reads the log's owner from its first header; an empty one if that cannot be read. */
async function identityInLog(files: Files, folder: string): Promise<Identity> {
  const header = (await files.list(folder)).includes(walFolder) ? await firstHeader(files, folder) : null
  const { cluster, node, incarnation } = header ?? { cluster: '', node: '', incarnation: '' }
  return { cluster, node, incarnation, log: 'file' }
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
