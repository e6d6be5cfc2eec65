import type { Event } from '../../src/contracts.js'
import type { LogLevel } from '../../src/server/levels.js'
import { defaultSettings } from '../../src/server/settings.js'
import { Background } from '../cluster/background.js'
import { readClusterFile } from '../cluster/cluster-file.js'
import { ownToken } from '../cluster/own-token.js'
import { eventOutlet } from '../text/outlets.js'
import { certsOption, nodeOptions, tokenFileOption } from './arguments.js'

/** The arguments of the verbs that are about the cluster of a file. */
export interface OfFile {
  config: string
  node: string | undefined
  certs: string | undefined
  json: boolean
  logLevel?: LogLevel | undefined
  tokenFile: string | undefined
  tokens?: string | undefined
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
  'token-file': tokenFileOption,
} as const

/** The option of the verbs that start nodes of a file. */
export const tokensOption = {
  ...nodeOptions.tokens,
  describe: `instead of what the file says: ${nodeOptions.tokens.describe}`,
}

/** Does something with the nodes of a file, and tells each event. @returns what `act` returns */
export async function withBackground<T>(
  { config, node, certs, json, logLevel, tokens, tokenFile }: OfFile,
  act: (cluster: Background, say: (event: Event) => void) => Promise<T>,
  how: { readonly mayBeRefused?: boolean } = {},
): Promise<T> {
  const flags = logLevel === undefined ? [] : ['--log-level', logLevel]
  const options = { only: node, certs, flags, tokens, token: ownToken(tokenFile), ...how }
  const cluster = new Background(readClusterFile(config), options)
  const { report, flushed } = eventOutlet({ isJson: json, level: logLevel ?? defaultSettings.logLevel })
  try {
    return await act(cluster, report)
  } finally {
    await flushed()
    cluster.close()
  }
}
