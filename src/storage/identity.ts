/**
 * Whose log a folder holds: `IDENTITY`, written once, when the folder is first used. Without it a folder that lost its
 * log would look like a new node's, and a new node votes a second time in a term it has voted in.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../config.js'
import type { NodeId } from '../contracts.js'
import { createFile, type Files } from './files.js'

export const identityFile = 'IDENTITY'

/** The node that a log belongs to. */
export interface Owner {
  readonly cluster: string
  readonly node: NodeId
}

const shape = z.strictObject({
  format: z.literal(1),
  cluster: z.string(),
  node: z.string(),
  /** Told anew to every empty folder: tells a log from that of an earlier node of the same name. */
  incarnation: z.string(),
})

export type Identity = z.infer<typeof shape>

export function newIdentity({ cluster, node }: Owner): Identity {
  return { format: 1, cluster, node, incarnation: randomBytes(4).toString('hex') }
}

/** @returns null if the folder has none @throws ConfigError if it is not one that this version reads */
export async function readIdentity(files: Files, folder: string): Promise<Identity | null> {
  if (!(await files.list(folder)).includes(identityFile)) return null
  const path = join(folder, identityFile)
  const text = (await files.read(path)).toString()
  try {
    return shape.parse(JSON.parse(text))
  } catch {
    throw new ConfigError(`${path} is not an identity that this version reads: ${JSON.stringify(text.slice(0, 120))}`)
  }
}

/** @throws ConfigError that says whose folder it is */
export function checkOwner(folder: string, { cluster, node }: Identity, owner: Owner): void {
  if (cluster === owner.cluster && node === owner.node) return
  throw new ConfigError(
    `${folder} belongs to node ${node} of cluster ${cluster}, not to node ${owner.node} of cluster ${owner.cluster}`,
  )
}

/** Comes last when a folder is set up: where it is, the log has been begun. */
export async function writeIdentity(files: Files, folder: string, identity: Identity): Promise<void> {
  const [path, part] = [join(folder, identityFile), join(folder, `${identityFile}.part`)]
  if ((await files.list(folder)).includes(`${identityFile}.part`)) await files.remove(part)
  const file = await createFile(files, part, Buffer.from(`${JSON.stringify(identity)}\n`))
  await file.close()
  await files.rename(part, path)
  await files.syncFolder(folder)
}

/** The cluster to which the nodes' folders in a folder belong; null if none of them has been used. */
export function clusterIn(folder: string): string | null {
  const paths = readdirSync(folder).map((name) => join(folder, name, identityFile))
  const path = paths.find((path) => existsSync(path))
  return path === undefined ? null : shape.parse(JSON.parse(readFileSync(path, 'utf8'))).cluster
}
