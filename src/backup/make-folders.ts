/** Folders of the nodes of a new cluster, made from a state: all of them are there and whole, or none is. */
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { LogStore, Snapshot } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { explained, type Files, realFiles } from '../storage/files.js'
import { identityFile, type KeptKind, type Owner } from '../storage/identity.js'
import { lockHolder } from '../storage/lock.js'
import { levelFolder } from '../storage/log-kind.js'
import { openLogStore } from '../storage/open-log-store.js'
import { snapshotFolder } from '../storage/snapshot-file.js'
import { walFolder } from '../storage/wal-scan.js'
import { type Beginning, beginAnew } from './begin-anew.js'

/** A folder of a node that is to be made. */
export interface NewFolder {
  readonly path: string
  readonly owner: Owner
}

/** The way to make folders: where they are filled, and how they come to their place. */
interface Site {
  /** The folder in which they are filled. */
  readonly aside: string
  /** The path of a folder while it is filled. */
  pathOf(folder: NewFolder): string
  /** Gives whole folders their place. */
  place(files: Files): Promise<void>
}

const asideName = '.restoring'
/** Folders that a restore puts into a node's folder before it writes `IDENTITY` there. */
const ofLogs = [snapshotFolder, walFolder, levelFolder]

/**
 * The site of a single node: inside its folder, which may be where a disk is mounted. The parts come to their place in an
 * order in which no beginning of them is a node: without a log no node starts on snapshots, and with all of its log a
 * node needs nothing else.
 */
function siteOfOne(folder: string): Site {
  const aside = join(folder, asideName)
  return {
    aside,
    pathOf: () => aside,
    async place(files) {
      const names = await files.list(aside)
      const rank = (name: string) => (name === snapshotFolder ? 0 : name === identityFile ? 2 : 1)
      const inOrder = names.filter((name) => name !== 'LOCK').toSorted((one, other) => rank(one) - rank(other))
      for (const name of inOrder) {
        await files.rename(join(aside, name), join(folder, name))
        await files.syncFolder(folder)
      }
      await rm(aside, { recursive: true, force: true })
    },
  }
}

/** The site of several nodes: beside the folder that is to hold them, which then gets its name in one step. */
function siteOfAll(root: string): Site {
  const aside = join(dirname(root), `${basename(root)}${asideName}`)
  return {
    aside,
    pathOf: ({ path }) => join(aside, basename(path)),
    async place(files) {
      await files.syncFolder(aside)
      await files.rename(aside, root).catch((error: Error & { cause?: NodeJS.ErrnoException }) => {
        const isMount = ['EBUSY', 'EXDEV'].includes(error.cause?.code ?? '')
        const what = isMount ? 'a disk is mounted there; restore one node (--node), and add the others' : error.message
        throw new ConfigError(`cannot put the restored folders in the place of ${root}: ${what}`)
      })
      await files.syncFolder(dirname(root))
    },
  }
}

/**
 * Makes the folders of the nodes of a new cluster.
 *
 * @param root the folder that is to hold them; null for a single node, which needs no folder around its own
 * @param begin makes the beginning, once every disk has its name; it is called once for each folder
 * @throws ConfigError if a place is not empty; what `begin` throws, and DiskError. Nothing is left then
 */
export async function makeFolders(
  root: string | null,
  folders: readonly NewFolder[],
  kind: KeptKind,
  begin: (incarnations: readonly string[]) => Beginning,
  realOnes: Files = realFiles,
): Promise<Snapshot> {
  const files = explained(realOnes)
  const site = root === null ? siteOfOne(folders[0]!.path) : siteOfAll(root)
  await clearAside(files, site, folders)
  await checkFree(files, root ?? folders[0]!.path)
  const opened: LogStore[] = []
  try {
    const incarnations: string[] = []
    for (const folder of folders) {
      const log = openLogStore(kind, site.pathOf(folder), folder.owner, undefined, undefined, realOnes)
      opened.push(log)
      incarnations.push((await log.open()).incarnation)
    }
    let snapshot: Snapshot | undefined
    for (const log of opened) snapshot = await beginAnew(log, begin(incarnations))
    for (const log of opened.splice(0)) await log.close()
    await site.place(files)
    return snapshot!
  } catch (error) {
    for (const log of opened) await log.close().catch(() => {})
    await rm(site.aside, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

/** @throws ConfigError if a folder holds anything */
export async function checkFree(files: Files, folder: string): Promise<void> {
  if ((await files.look(folder)) === null) return
  const [first] = await files.list(folder)
  if (first === undefined) return
  const isRest = first === asideName ? ' and the rest of a restore that was cut off' : ''
  throw new ConfigError(
    `${folder} is not empty (there is ${first}${isRest}): nothing was restored; move it away, or name another folder`,
  )
}

/**
 * Removes the rest of an attempt that was cut off, also of what had come to its place already: no node has started there
 * while there is no `IDENTITY`. @throws ConfigError if another process is at it
 */
async function clearAside(files: Files, { aside, pathOf }: Site, folders: readonly NewFolder[]): Promise<void> {
  if ((await files.look(aside)) === null) return
  for (const folder of folders) {
    const holder = await lockHolder(files, pathOf(folder))
    if (holder) throw new ConfigError(`process ${holder.pid} is restoring into ${aside} at this moment`)
  }
  const [{ path }] = folders as [NewFolder]
  const isBegun = aside === join(path, asideName) && (await files.look(join(path, identityFile))) === null
  const rest = isBegun ? ofLogs : []
  for (const one of [...rest.map((name) => join(path, name)), aside]) await rm(one, { recursive: true, force: true })
}
