/** An engine: nodes of one kind, as the command line starts and asks them. */
import type { CommandShape } from '../../src/contracts.js'
import type { DataFolder } from '../../src/server/data-folder.js'
import type { LocalCluster, LocalClusterOptions } from '../cluster/local-cluster.js'
import type { AnswererOptions } from '../repl/answerer.js'

/** A kind of nodes: a stage of ours, or etcd. All that is shown, broken and judged sees a cluster through it. */
export interface Engine {
  /** The commands that can be asked. */
  readonly commands: Readonly<Record<string, CommandShape>>
  /** The name or the number of the engine, for an event. */
  readonly facts: { readonly stage: number } | { readonly engine: string }
  /** The name before the cursor of a prompt. */
  readonly prompt: string
  /** Lines above a prompt that say what runs. */
  readonly title: readonly string[]
  /** Lines for a person to try. @param data the folder of the nodes, if they keep anything */
  tries(data: DataFolder | null): string
  /**
   * A line for a shell, with which a person can ask the node at this address. @param certs the folder of the
   * certificates; null if nobody speaks TLS
   */
  besides(host: string, port: number, certs: string | null): string
  /** Starts a cluster on this machine. @throws ConfigError that says why it cannot start */
  start(options: Omit<LocalClusterOptions, 'stage' | 'entry'>): Promise<LocalCluster>
  /** Collects what a prompt, or a page, needs to answer lines. */
  answering(local: LocalCluster): AnswererOptions
}
