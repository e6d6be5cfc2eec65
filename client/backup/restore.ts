import { type Beginning, indexGap } from '../../src/backup/begin-anew.js'
import type { BackupHeader } from '../../src/backup/format.js'
import { makeFolders } from '../../src/backup/make-folders.js'
import { backupLines, type Verified } from '../../src/backup/read-backup.js'
import type { Event, Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { KeptKind } from '../../src/storage/identity.js'
import { headerOfNewCluster } from '../../stages/8-membership/begin-anew.js'
import { shownPath } from '../cluster/cluster-file.js'

/** The cluster that is to begin with a backup. */
export interface NewCluster {
  /** The cluster's name, as its nodes have it, and the name of its application. */
  readonly cluster: string
  readonly application: string
  /** The folder of all nodes; null for a node by itself. */
  readonly root: string | null
  readonly nodes: readonly (Member & { readonly folder: string })[]
  readonly log: KeptKind
}

/** Checks that a cluster can begin with a backup. @throws ConfigError that says why it cannot */
export function checkApplication({ application }: Pick<NewCluster, 'application'>, header: BackupHeader): void {
  if (header.application === application) return
  throw new ConfigError(
    `the backup is of the application ${header.application}, and the cluster is to be of ${application}`,
  )
}

/**
 * Makes the folders of a new cluster, which begins with the state of a backup. Sessions of the old cluster end: a client
 * that repeats a call of one is told so, and the call is not done a second time.
 */
export async function restoreCluster(
  file: string,
  { header, entries }: Verified,
  { cluster, application, root, nodes, log }: NewCluster,
  onProgress: (bytes: number) => void,
): Promise<Extract<Event, { event: 'restored' }>> {
  const { term } = header
  const index = header.index + indexGap
  const folders = nodes.map(({ id: node, folder: path }) => ({ path, owner: { cluster, node } }))
  let origin = ''
  let done = 0
  const begin = (incarnations: readonly string[]): Beginning => {
    const voters = nodes.map(({ id, client, peer }, at) => ({ id, client, peer, incarnation: incarnations[at]! }))
    origin = incarnations[0]!
    const before = done
    const count = (bytes: number) => {
      done = before + bytes
      onProgress(done)
    }
    const placed = headerOfNewCluster({ index, term }, origin, voters)
    return { header: placed, term, application, lines: backupLines(file, count) }
  }
  await makeFolders(root, folders, log, begin)
  return { event: 'restored', file, folders: folders.map(({ path }) => shownPath(path)), origin, index, entries }
}
