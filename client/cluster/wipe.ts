import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { ConfigError } from '../../src/errors.js'
import type { ProcessFolder } from '../../src/server/process-folder.js'
import { identityOf } from '../../src/storage/cluster-below.js'
import { DamagedLogError } from '../../src/storage/errors.js'
import { type ClusterFile, type FileNode, shownPath } from './cluster-file.js'

/** Files of a process's folder; a folder with any other file is not deleted. */
const ofProcesses = /^(LOCK|process\.json(\.part)?|errors\.txt|events\.ndjson(\.1)?)$/

/** A node with the folder of its process. */
export interface Wipeable {
  readonly node: FileNode
  readonly process: ProcessFolder
}

/**
 * Checks that folders belong to these nodes of this cluster, and lists those that are there.
 *
 * @throws ConfigError if one of them holds something else; nothing is deleted then
 */
export async function foldersToWipe({ cluster }: ClusterFile, nodes: readonly Wipeable[]): Promise<string[]> {
  const found: string[] = []
  for (const { node, process } of nodes) {
    if (isUsed(node.folder)) await checkOwn(cluster, node)
    if (existsSync(node.folder)) found.push(node.folder)
    if (!existsSync(process.path)) continue
    const strange = readdirSync(process.path).find((name) => !ofProcesses.test(name))
    if (strange !== undefined)
      throw new ConfigError(`${shownPath(process.path)} holds ${strange}, which is not of a node: nothing was deleted`)
    found.push(process.path)
  }
  return found
}

const isUsed = (folder: string) => existsSync(folder) && readdirSync(folder).length > 0

async function checkOwn(cluster: string, { id, folder }: FileNode): Promise<void> {
  const where = shownPath(folder)
  try {
    const identity = await identityOf(folder)
    if (identity?.cluster === cluster && identity.node === id) return
    const whose = identity
      ? `belongs to node ${identity.node} of cluster ${identity.cluster}`
      : 'holds no log of a node'
    throw new ConfigError(`${where} ${whose}, not the log of node ${id} of cluster ${cluster}: nothing was deleted`)
  } catch (error) {
    if (!(error instanceof DamagedLogError)) throw error
    throw new ConfigError(`nobody can tell whose folder ${where} is, so nothing was deleted: ${error.message}`)
  }
}

/** Deletes folders, and the folder around them if it is empty then. */
export function remove({ dataDir }: ClusterFile, folders: readonly string[]): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  if (existsSync(dataDir) && readdirSync(dataDir).length === 0) rmdirSync(dataDir)
}
