/**
 * The kind of log that a folder holds. A log of another kind would find nothing there, and take the folder for a new
 * disk.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LogKind } from '../stage.js'
import { DamagedLogError } from './errors.js'
import { explained, type Files, realFiles } from './files.js'
import { FolderError, type KeptKind, readIdentity } from './identity.js'
import { snapshotFolder } from './snapshot-file.js'
import { segmentNumbers, walFolder } from './wal-scan.js'

export const levelFolder = 'level'

/** Files of a database that was being made: a database with no other file has never held anything. */
const unbegun = /^(LOCK|LOG|LOG\.old|MANIFEST-000001|000001\.dbtmp)$/

/** Checks whether the database in a node's folder may hold something. */
async function hasDatabase(files: Files, folder: string): Promise<boolean> {
  if (!(await files.list(folder)).includes(levelFolder)) return false
  return (await files.list(join(folder, levelFolder))).some((name) => !unbegun.test(name))
}

async function hasSegments(files: Files, folder: string): Promise<boolean> {
  if (!(await files.list(folder)).includes(walFolder)) return false
  return segmentNumbers(await files.list(join(folder, walFolder))).length > 0
}

/**
 * Finds the kind of log in a folder: by its `IDENTITY`, or else by its contents. Null if there is none.
 *
 * @throws DamagedLogError if there are two, and no `IDENTITY` says which of them counts
 */
async function kindIn(files: Files, folder: string): Promise<KeptKind | null> {
  const identity = await readIdentity(files, folder)
  return identity ? identity.log : kindByContents(files, folder)
}

/** Finds the kind of log in a folder by its contents alone, without its `IDENTITY`. */
export async function kindByContents(files: Files, folder: string): Promise<KeptKind | null> {
  const [isFile, isLevel] = [await hasSegments(files, folder), await hasDatabase(files, folder)]
  if (isFile && isLevel)
    throw new DamagedLogError(
      folder,
      'there are a log in files (wal) and one in LevelDB (level), and no IDENTITY that says which of them counts',
      'move one of them to another place',
    )
  if (isFile) return 'file'
  return isLevel ? 'level' : null
}

/** @throws FolderError if the folder holds a log of another kind than is wanted; then nothing in it has been changed */
export async function checkKind(files: Files, folder: string, wanted: LogKind): Promise<KeptKind | null> {
  const held = await kindIn(files, folder)
  if (held === null || held === wanted) return held
  throw new FolderError(otherKind(folder, held, wanted))
}

export function otherKind(where: string, held: KeptKind, wanted: LogKind): string {
  const instead = wanted === 'memory' ? 'or leave --data-dir out' : 'or choose another folder with --data-dir'
  return `${where} holds a log of the kind "${held}", and one of the kind "${wanted}" was asked for, so nothing was touched: say --log ${held}, ${instead}`
}

/**
 * Checks that a folder without a log has no snapshots either.
 *
 * @throws DamagedLogError if the log that they belong to is gone
 */
export async function checkNoSnapshots(files: Files, folder: string): Promise<void> {
  const names = (await files.list(folder)).includes(snapshotFolder)
    ? await files.list(join(folder, snapshotFolder))
    : []
  if (names.length === 0) return
  throw new DamagedLogError(
    join(folder, snapshotFolder),
    `there are snapshots (${names[0]}), and no log beside them`,
    'put the log back; or else empty the folder, if this is to be a new node',
  )
}

/** Finds the folders in a folder that hold logs: their names and kinds. A folder that cannot be read is left out. */
export async function kindsBelow(folder: string): Promise<Map<string, KeptKind>> {
  const files = explained(realFiles)
  const kinds = new Map<string, KeptKind>()
  for (const name of foldersIn(folder)) {
    const kind = await kindIn(files, join(folder, name)).catch(() => null)
    if (kind) kinds.set(name, kind)
  }
  return kinds
}

/** The names of the folders in a folder, sorted; also links to folders, but no broken links. */
export function foldersIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory())
    .sort()
}
