import { join } from 'node:path'
import { ConfigError } from '../errors.js'
import { DamagedLogError, DiskError } from './errors.js'
import { explained, realFiles } from './files.js'
import { type Identity, readIdentity } from './identity.js'
import { identityInDatabase } from './level-log.js'
import { foldersIn, kindByContents } from './log-kind.js'

/**
 * The cluster to which most of the nodes' folders in a folder belong; null if none of them has been used. A folder that
 * cannot be read has no say: its own node will tell what is wrong with it.
 */
export async function clusterBelow(folder: string): Promise<string | null> {
  const votes = new Map<string, number>()
  for (const name of foldersIn(folder)) {
    const cluster = await clusterOf(join(folder, name))
    if (cluster !== undefined) votes.set(cluster, (votes.get(cluster) ?? 0) + 1)
  }
  const [first] = [...votes].toSorted(([, a], [, b]) => b - a)
  return first?.[0] ?? null
}

async function clusterOf(folder: string): Promise<string | undefined> {
  try {
    return (await identityOf(folder))?.cluster
  } catch (error) {
    if ([ConfigError, DamagedLogError, DiskError].some((kind) => error instanceof kind)) return undefined
    throw error
  }
}

/** Reads whose log a folder holds; null if it holds none. @throws DamagedLogError if that cannot be read */
export async function identityOf(folder: string): Promise<Identity | null> {
  const files = explained(realFiles)
  const identity = await readIdentity(files, folder)
  if (identity) return identity
  return (await kindByContents(files, folder)) === 'level' ? identityInDatabase(folder) : null
}
