import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { type Document, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { clusterName } from '../../src/application.js'
import { isObject, type Member, type NodeId } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { checkMembers, checkPace } from '../../src/server/config.js'
import {
  type ClusterFileContents,
  clusterFileShape,
  defaultSettings,
  type settingShapes,
  tlsShape,
} from '../../src/server/settings.js'
import type { Stage } from '../../src/stage.js'
import { stageArgument } from '../commands/arguments.js'
import { stageWith } from './applications.js'
import type { TlsPlaces } from './tls-places.js'

/** A node of a file that describes a cluster. */
export interface FileNode extends Member {
  readonly appPort: number | null
  readonly metricsPort: number | null
  readonly listen: string | null
  readonly priority: number
  /** The folder that keeps what must survive the node. */
  readonly folder: string
}

/** A cluster as its file describes it. */
export interface ClusterFile {
  /** The absolute path of the file. */
  readonly path: string
  /** The name that all nodes share, with an application's name before it: as nodes and folders have it. */
  readonly cluster: string
  /** The stage, with the application that the file names. */
  readonly stage: Stage
  /** The folder with a folder for each node. */
  readonly dataDir: string
  /** The certificates of its nodes, if the file says where they are; with absolute paths. */
  readonly tls: TlsPlaces | null
  /** The settings that the file gives; those that it leaves out are not there. */
  readonly settings: Settings
  readonly nodes: readonly FileNode[]
}

type Settings = Pick<ClusterFileContents, keyof typeof settingShapes>

/**
 * Reads a file that describes a cluster.
 *
 * @param only the stage, with its application, where there is no other to choose
 * @throws ConfigError that says what is wrong with it, where, and what would be right
 */
export function readClusterFile(named: string, only: Stage | null = null): ClusterFile {
  const path = resolve(named)
  const shown = shownPath(path)
  const { cluster, stage, application, dataDir, nodes, tls, ...given } = contentsOf(shown, readText(shown))
  const folder = resolve(dirname(path), dataDir)
  const { tokens } = given
  const settings = tokens === undefined ? given : { ...given, tokens: resolve(dirname(path), tokens) }
  try {
    const found = stageOfFile(String(stage), application, only)
    const { heartbeat = defaultSettings.heartbeat, election = defaultSettings.election } = settings
    checkPace({ heartbeatMs: heartbeat, electionMs: election })
    const all = Object.entries(nodes).map(([id, { appPort = null, metricsPort = null, listen = null, ...node }]) => ({
      id,
      ...node,
      appPort,
      metricsPort,
      listen,
      folder: join(folder, id),
    }))
    checkMembers(all)
    const fullName = clusterName(found.application, cluster)
    const places = tls ? placesFrom(dirname(path), tls) : null
    return { path, cluster: fullName, stage: found, dataDir: folder, tls: places, settings, nodes: all }
  } catch (error) {
    if (error instanceof ConfigError) throw new ConfigError(`${shown}: ${error.message}`)
    throw error
  }
}

function placesFrom(folder: string, { ca, cert, key, ...more }: NonNullable<ClusterFileContents['tls']>): TlsPlaces {
  return { ca: resolve(folder, ca), cert: resolve(folder, cert), key: resolve(folder, key), ...more }
}

/** Finds the stage of a file, with its application. @throws ConfigError if it is not the only one there is */
function stageOfFile(name: string, application: string, only: Stage | null): Stage {
  const stage = stageArgument(name)
  if (only === null) return stageWith(stage, application)
  const has = `${application} on stage ${stage.number}`
  const runs = `${only.application.name} on stage ${only.number}`
  if (has === runs) return only
  throw new ConfigError(`the file is of ${has}, and this command runs ${runs}`)
}

/** Finds a node of the file. @throws ConfigError that lists the nodes */
export function nodeNamed({ path, nodes }: ClusterFile, id: NodeId): FileNode {
  const node = nodes.find((one) => one.id === id)
  if (node) return node
  throw new ConfigError(`${path} has no node ${id}; it has ${nodes.map((one) => one.id).join(', ')}`)
}

/** The short form of a path: from the working folder on, if it is below that. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short || '.'
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new ConfigError(`cannot read ${path}: ${message}`)
    throw new ConfigError(`there is no file ${path}; --config says where the file is that describes the cluster`)
  }
}

function contentsOf(path: string, text: string): ClusterFileContents {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const where = (offset: number) => `${path}:${lines.linePos(offset).line}`
  const [error] = document.errors
  if (error) throw new ConfigError(`${where(error.pos[0])}: this is no YAML: ${error.message}`)
  const contents = plainOf(document, path)
  const read = clusterFileShape.safeParse(contents)
  if (read.success) return read.data
  const [issue] = read.error.issues as [z.core.$ZodIssue]
  const { names, message } = told(issue, contents)
  const node = [names, names.slice(0, -1)].map((at) => document.getIn(at, true)).find((one) => one !== undefined)
  const offset = keyOffset(document.contents, names) ?? (node as { range?: [number] } | undefined)?.range?.[0] ?? 0
  throw new ConfigError(`${where(offset)}: ${names.length > 0 ? `${names.join('.')}: ` : ''}${message}`)
}

/** @throws ConfigError if the document refers to a part of itself that is not there */
function plainOf(document: Document.Parsed, path: string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    throw new ConfigError(`${path}: this is no YAML: ${(error as Error).message}`)
  }
}

/** Finds where the last name of a path begins; undefined if it is not there. */
function keyOffset(contents: unknown, names: readonly string[]): number | undefined {
  let map = contents as { items?: readonly Pair[] } | undefined
  let offset: number | undefined
  for (const name of names) {
    const pair = map?.items?.find(({ key }) => String(key?.value) === name)
    if (!pair) return undefined
    offset = pair.key?.range?.[0]
    map = pair.value as typeof map
  }
  return offset
}

interface Pair {
  readonly key?: { readonly value?: unknown; readonly range?: readonly [number] }
  readonly value?: unknown
}

/** The settings within another one, by its name. */
const within = (name: string) =>
  name === 'tls' ? Object.keys(tlsShape.shape) : ['client', 'peer', 'appPort', 'metricsPort', 'listen', 'priority']

/** Puts into words what the shape finds wrong, and at which place of the file. */
function told(issue: z.core.$ZodIssue, contents: unknown): { names: string[]; message: string } {
  const names = issue.path.map(String)
  if (issue.code === 'invalid_key') return { names, message: issue.issues[0]?.message ?? issue.message }
  if (issue.code !== 'unrecognized_keys')
    return { names, message: isMissing(contents, names) ? missing(names) : issue.message }
  const known = names.length === 0 ? Object.keys(clusterFileShape.shape) : within(names[0]!)
  const [first] = issue.keys as [string]
  return { names: [...names, first], message: `there is no such setting; there are ${known.join(', ')}` }
}

function isMissing(contents: unknown, names: readonly string[]): boolean {
  const value = names.reduce<unknown>((part, name) => (isObject(part) ? part[name] : undefined), contents)
  return names.length > 0 && value === undefined
}

function missing(names: readonly string[]): string {
  const [name] = names.slice(-1)
  if (name === 'cluster') return 'is missing: the name that all nodes share'
  if (names[0] === 'tls')
    return 'is missing: the path of a PEM file, such as tls/ca.crt, or "tls/{name}.crt" and "tls/{name}.key"'
  if (name === 'nodes') return 'is missing: n1: { client: 127.0.0.1:7001, peer: 127.0.0.1:7101 }, and so on'
  return 'is missing: an address, host:port'
}
