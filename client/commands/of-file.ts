import type { Event } from '../../src/contracts.js'
import type { LogLevel } from '../../src/server/levels.js'
import { defaultSettings } from '../../src/server/settings.js'
import { Background } from '../cluster/background.js'
import { readClusterFile } from '../cluster/cluster-file.js'
import { eventOutlet } from '../text/outlets.js'

/** The arguments of the verbs that are about the cluster of a file. */
export interface OfFile {
  config: string
  node: string | undefined
  json: boolean
  logLevel?: LogLevel | undefined
}

/** Options of the verbs that are about the cluster of a file. */
export const fileOptions = {
  config: {
    type: 'string',
    default: process.env.RAFT_ROADMAP_CONFIG ?? 'cluster.yaml',
    describe: 'the file that describes the cluster: README.md, "A cluster by a file"',
  },
  node: { type: 'string', describe: 'this node of the file only: the others run on other machines' },
  json: { type: 'boolean', default: false, describe: 'what happened as NDJSON, an event a line' },
} as const

/** Does something with the nodes of a file, and tells each event. @returns what `act` returns */
export async function withBackground<T>(
  { config, node, json, logLevel }: OfFile,
  act: (cluster: Background, say: (event: Event) => void) => Promise<T>,
): Promise<T> {
  const cluster = new Background(readClusterFile(config), node, logLevel === undefined ? [] : ['--log-level', logLevel])
  const { report, flushed } = eventOutlet({ isJson: json, level: logLevel ?? defaultSettings.logLevel })
  try {
    return await act(cluster, report)
  } finally {
    await flushed()
    cluster.close()
  }
}
