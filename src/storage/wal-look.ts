/** A log as one sees it from outside, also while its node runs: nothing is locked and nothing is changed. */
import { join } from 'node:path'
import type { Entry } from '../contracts.js'
import { explained, type Files, realFiles } from './files.js'
import { type Identity, identityFile, readIdentity } from './identity.js'
import { recover } from './recover.js'
import { newline, parseLine, verifyLine } from './wal-line.js'
import { type ScannedBatch, scanWal, segmentName, segmentNumbers, type WalScan, walFolder } from './wal-scan.js'

export interface Look {
  readonly identity: Identity
  /** Whether the folder says whose it is; a node does not start on a log without that. */
  readonly hasIdentity: boolean
  readonly scan: WalScan
  readonly batches: readonly ScannedBatch[]
  /** Those that no truncation took back. */
  readonly entries: readonly Entry[]
}

/** @returns null if the folder is no node's @throws ConfigError, DiskError */
export async function lookAtWal(folder: string): Promise<Look | null> {
  const files = explained(realFiles)
  const names = await files.list(folder)
  if (!names.includes(walFolder) && !names.includes(identityFile)) return null
  const { identity, hasFile } = await whose(files, folder)
  const batches: ScannedBatch[] = []
  const scan = await scanWal(files, folder, identity, (batch) => batches.push(batch))
  const { entries } = recover(
    batches.flatMap(({ records }) => records),
    scan.start,
  )
  return { identity, hasIdentity: hasFile, scan, batches, entries }
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
