import type { Event } from '../../src/contracts.js'
import { jsonLine } from '../../src/text.js'
import { Background } from '../cluster/background.js'
import { readClusterFile } from '../cluster/cluster-file.js'
import { describeEvent } from '../text/events.js'
import { certsOption } from './arguments.js'

/** The arguments of the verbs that are about the cluster of a file. */
export interface OfFile {
  config: string
  node: string | undefined
  certs: string | undefined
  json: boolean
}

/** Options of the verbs that are about the cluster of a file. */
export const fileOptions = {
  config: {
    type: 'string',
    default: process.env.RAFT_ROADMAP_CONFIG ?? 'cluster.yaml',
    describe: 'the file that describes the cluster: README.md, "A cluster by a file"',
  },
  node: { type: 'string', describe: 'this node of the file only: the others run on other machines' },
  certs: certsOption,
  json: { type: 'boolean', default: false, describe: 'what happened as NDJSON, an event a line' },
} as const

/** Does something with the nodes of a file, and tells each event. @returns what `act` returns */
export async function withBackground<T>(
  { config, node, certs, json }: OfFile,
  act: (cluster: Background, say: (event: Event) => void) => Promise<T>,
): Promise<T> {
  const cluster = new Background(readClusterFile(config), node, certs)
  try {
    return await act(cluster, (event) => console.log(json ? jsonLine(event) : describeEvent(event)))
  } finally {
    cluster.close()
  }
}
