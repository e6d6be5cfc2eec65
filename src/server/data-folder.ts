import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { NodeId } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { localMember } from '../network/local-members.js'
import type { LogKind } from '../stage.js'
import { clusterBelow } from '../storage/cluster-below.js'
import { DamagedLogError } from '../storage/errors.js'
import { explained, realFiles } from '../storage/files.js'
import { kindsBelow, otherKind } from '../storage/log-kind.js'
import { describeText, writeWhole } from '../storage/small-file.js'
import { memberShape, writableFolder } from './config.js'

const file = 'cluster.json'
/** The folder to which the folders of removed nodes are moved: at a start, each node that has a folder is started. */
const aside = 'removed'

const shape = z.strictObject({
  cluster: z.string(),
  /** False until the cluster is founded; until then the first node founds it, with all nodes. */
  founded: z.boolean(),
  basePort: z.int(),
  nodes: z.array(memberShape),
})

/** The record of a cluster whose members change: its nodes know each other by these addresses. */
export type Kept = z.infer<typeof shape>

/** The folder in which each node of a local cluster has a folder of its own. */
export class DataFolder {
  readonly path: string
  /** True if the folder was made for one run, and is removed after it. */
  readonly isTemporary: boolean

  /**
   * Uses the folder of this name; without one, a temporary folder. @throws ConfigError if the folder cannot be written
   * to
   */
  constructor(named?: string) {
    this.isTemporary = named === undefined
    this.path = named === undefined ? mkdtempSync(join(tmpdir(), 'raft-roadmap-')) : writableFolder(named)
  }

  /** Reads the name of the cluster to which the nodes' folders belong; null if no folder has been used. */
  cluster(): Promise<string | null> {
    return clusterBelow(this.path)
  }

  /**
   * Checks the kind of the logs in the folder. @throws ConfigError if there are logs, and none of them is of the wanted
   * kind
   */
  async checkKind(wanted: LogKind): Promise<void> {
    const held = [...new Set((await kindsBelow(this.path)).values())]
    if (held.length > 0 && !held.some((kind) => kind === wanted))
      throw new ConfigError(otherKind(this.path, held[0]!, wanted))
  }

  folderOf(id: NodeId): string {
    return join(this.path, id)
  }

  /**
   * Reads the cluster that used this folder before, with those of its nodes that have folders.
   *
   * @throws ConfigError if the folder was used for something else
   * @throws DamagedLogError if the record cannot be read
   */
  async recall(): Promise<Kept | null> {
    const path = join(this.path, file)
    if (!existsSync(path)) {
      if ((await this.cluster()) === null) return null
      throw new ConfigError(
        `${this.path} holds logs, and no ${file}: they are of a stage whose members are fixed, or of nodes that were started one by one; choose another folder`,
      )
    }
    const kept = await this.#read(path)
    const nodes = kept.nodes.filter(({ id }) => !kept.founded || existsSync(this.folderOf(id)))
    if (kept.nodes.length > 0 && nodes.length === 0)
      throw new ConfigError(
        `${path} names ${kept.nodes.map(({ id }) => id).join(', ')}, and none of their folders is here: put them back, or choose another folder`,
      )
    return nodes.length > 0 ? { ...kept, nodes } : null
  }

  async #read(path: string): Promise<Kept> {
    const text = (await explained(realFiles).read(path)).toString()
    const parsed = shape.safeParse(parsedJson(text))
    if (parsed.success) return parsed.data
    const nodes = [...(await kindsBelow(this.path)).keys()].map((id, at) => {
      const { client, peer } = localMember(Number(/\d+$/.exec(id)?.[0] ?? at + 1), '127.0.0.1', 7000)
      return { id, client, peer }
    })
    const again: Kept = { cluster: (await this.cluster()) ?? '', founded: true, basePort: 7000, nodes }
    throw new DamagedLogError(
      path,
      describeText(text),
      `write it again, with the ports that the nodes had if those were not the usual ones: ${JSON.stringify(again)}`,
      "it says where each node listens, and without it the cluster cannot be started; the nodes' logs are none the worse",
    )
  }

  /** Writes the record of the cluster. @throws ConfigError if it cannot be written */
  async remember(kept: Kept): Promise<void> {
    try {
      await writeWhole(explained(realFiles), join(this.path, file), `${JSON.stringify(kept, null, 2)}\n`)
    } catch (error) {
      throw new ConfigError(`cannot note who is in the cluster: ${(error as Error).message}`)
    }
  }

  /** Moves a removed node's folder away, so that it is not used again. In a temporary folder it is deleted. */
  putAside(id: NodeId): void {
    if (this.isTemporary) return this.discard(id)
    const to = join(this.path, aside)
    mkdirSync(to, { recursive: true })
    if (!existsSync(this.folderOf(id))) return
    const names = new Set(readdirSync(to))
    let number = 1
    while (names.has(`${id}.${number}`)) number++
    renameSync(this.folderOf(id), join(to, `${id}.${number}`))
  }

  /** Checks whether a node of this name has left files in the folder. */
  holds(id: NodeId): boolean {
    return existsSync(this.folderOf(id)) && readdirSync(this.folderOf(id)).length > 0
  }

  discard(id: NodeId): void {
    rmSync(this.folderOf(id), { recursive: true, force: true })
  }

  /** Deletes the folder, if it is temporary. */
  remove(): void {
    if (this.isTemporary) rmSync(this.path, { recursive: true, force: true })
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
