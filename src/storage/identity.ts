/**
 * The identity of a folder: the file `IDENTITY` says whose log the folder holds, and of which kind. It is written once,
 * when the folder is first used. Without it a folder that lost its log would look like a new node's, and a new node
 * votes a second time in a term in which it has voted.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { isObject, type NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { DamagedLogError } from './errors.js'
import type { Files } from './files.js'
import { describeText, writeWhole } from './small-file.js'

export const identityFile = 'IDENTITY'

/** The node that a log belongs to. */
export interface Owner {
  readonly cluster: string
  readonly node: NodeId
}

export const keptKinds = ['file', 'level'] as const
/** The kinds of log that outlive their process. */
export type KeptKind = (typeof keptKinds)[number]

export interface Identity extends Owner {
  /** A random name drawn anew for every empty folder: tells a log from that of an earlier node of the same name. */
  readonly incarnation: string
  readonly log: KeptKind
}

const facts = { cluster: z.string(), node: z.string(), incarnation: z.string() }
/** The fields of `IDENTITY`. The first format does not say of which kind the log is. */
const shape = z.discriminatedUnion('format', [
  z.strictObject({ format: z.literal(1), ...facts }),
  z.strictObject({ format: z.literal(2), ...facts, log: z.enum(keptKinds) }),
])
const newestFormat = 2

/** A folder is not for this node, or not for this kind of log: nothing in it has been changed. */
export class FolderError extends ConfigError {}

export function newIdentity({ cluster, node }: Owner, log: KeptKind): Identity {
  return { cluster, node, incarnation: newIncarnation(), log }
}

export function newIncarnation(): string {
  return randomBytes(4).toString('hex')
}

export function identityText(identity: Identity): string {
  return `${JSON.stringify({ format: newestFormat, ...identity })}\n`
}

/**
 * The identity that a text holds.
 *
 * @param where names it @param log the kind of log that writes identities there in the first format
 * @throws DamagedLogError if it holds none; FolderError if a later version wrote it
 */
export function parseIdentity(text: string, where: string, log: KeptKind, advice: string): Identity {
  const read = shape.safeParse(asJson(text))
  if (read.success) {
    const { format: _format, ...identity } = read.data
    return { log, ...identity }
  }
  const json = asJson(text)
  if (isObject(json) && typeof json.format === 'number' && json.format > newestFormat)
    throw new FolderError(`${where} is of format ${json.format}, which a later version wrote: run that version`)
  throw new DamagedLogError(
    where,
    describeText(text),
    advice,
    'the node will not start, because nobody can tell whose folder this is',
  )
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Advice for a folder whose `IDENTITY` cannot be read. */
function identityAdvice(folder: string): string {
  return `to have it written again, from what the log says of itself: npx raft-roadmap log ${folder} --repair`
}

/**
 * Reads a folder's `IDENTITY`.
 *
 * @returns null if the folder has none
 * @throws DamagedLogError if it cannot be read; FolderError if it is of a later version
 */
export async function readIdentity(files: Files, folder: string): Promise<Identity | null> {
  if (!(await files.list(folder)).includes(identityFile)) return null
  const path = join(folder, identityFile)
  // In the first format the write-ahead log alone wrote such a file.
  return parseIdentity((await files.read(path)).toString(), path, 'file', identityAdvice(folder))
}

/** @throws FolderError that says whose folder it is */
export function checkOwner(folder: string, { cluster, node }: Identity, owner: Owner): void {
  if (cluster === owner.cluster && node === owner.node) return
  throw new FolderError(
    `${folder} belongs to node ${node} of cluster ${cluster}, not to node ${owner.node} of cluster ${owner.cluster}`,
  )
}

/** Writes `IDENTITY`, as the last step of setting a folder up: where it is, the log has been begun. */
export function writeIdentity(files: Files, folder: string, identity: Identity): Promise<void> {
  return writeWhole(files, join(folder, identityFile), identityText(identity))
}
