import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { ConfigError, memberShape, writableFolder } from './config.js'
import type { NodeId } from './contracts.js'
import { clusterIn } from './storage/identity.js'

const file = 'cluster.json'
/** Where the folders of removed nodes go: who is started is who has a folder. */
const aside = 'removed'

const shape = z.strictObject({
  cluster: z.string(),
  /** Until then the first of the nodes founds it, with all of them. */
  founded: z.boolean(),
  basePort: z.int(),
  nodes: z.array(memberShape),
})

/** What is remembered of a cluster whose members change: its nodes know each other by these addresses. */
export type Kept = z.infer<typeof shape>

/** The folder in which each node of a local cluster has a folder of its own. */
export class DataFolder {
  readonly path: string
  /** Made for one run, and removed after it. */
  readonly isTemporary: boolean

  /** @throws ConfigError if it cannot be written to */
  constructor(named?: string) {
    this.isTemporary = named === undefined
    this.path = named === undefined ? mkdtempSync(join(tmpdir(), 'raft-roadmap-')) : writableFolder(named)
  }

  /** The cluster to which the nodes' folders belong; null if none of them has been used. */
  get cluster(): string | null {
    return clusterIn(this.path)
  }

  folderOf(id: NodeId): string {
    return join(this.path, id)
  }

  /**
   * The cluster that was here before, with those nodes that have folders.
   *
   * @throws ConfigError if what was here before is something else
   */
  recall(): Kept | null {
    const path = join(this.path, file)
    if (!existsSync(path)) {
      if (this.cluster === null) return null
      throw new ConfigError(
        `${this.path} holds logs, and no ${file}: they are of a stage whose members are fixed, or of nodes that were started one by one; choose another folder`,
      )
    }
    const parsed = shape.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    if (!parsed.success) throw new ConfigError(`${path} is not one that this version reads`)
    const kept = parsed.data
    const nodes = kept.nodes.filter(({ id }) => !kept.founded || existsSync(this.folderOf(id)))
    return nodes.length > 0 ? { ...kept, nodes } : null
  }

  remember(kept: Kept): void {
    const path = join(this.path, file)
    writeFileSync(`${path}.part`, `${JSON.stringify(kept, null, 2)}\n`)
    renameSync(`${path}.part`, path)
  }

  /** A removed node's folder is not used again; unless all of this is temporary, it is not lost either. */
  putAside(id: NodeId): void {
    if (this.isTemporary) return this.discard(id)
    const to = join(this.path, aside)
    mkdirSync(to, { recursive: true })
    const number = readdirSync(to).filter((name) => name.replace(/\.\d+$/, '') === id).length + 1
    if (existsSync(this.folderOf(id))) renameSync(this.folderOf(id), join(to, `${id}.${number}`))
  }

  discard(id: NodeId): void {
    rmSync(this.folderOf(id), { recursive: true, force: true })
  }

  /** Ends it, if it is temporary. */
  remove(): void {
    if (this.isTemporary) rmSync(this.path, { recursive: true, force: true })
  }
}
