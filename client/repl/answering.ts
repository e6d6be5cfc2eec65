import type { LogKind, Stage } from '../../src/stage.js'
import type { LocalCluster } from '../cluster/local-cluster.js'
import type { AnswererOptions } from './answerer.js'

/** Collects what a prompt, or a page, needs to answer lines. */
export function answering(
  { client, cluster, membership, data }: LocalCluster,
  stage: Stage,
  log: LogKind,
): AnswererOptions {
  return {
    client,
    addresses: cluster.nodes().map((node) => node.client),
    shapes: stage.commands,
    cluster,
    ...(membership && { membership }),
    withoutLogs: stage.keeps === 'nothing' ? `stage ${stage.number} keeps none` : `--log ${log} has no files to show`,
    ...(log === 'file' && data && { folders: () => new Map(cluster.nodes().map(({ id }) => [id, data.folderOf(id)])) }),
  }
}
