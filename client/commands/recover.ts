import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { Output } from '../backup/progress.js'
import { bestFirst, lookAtEnd, recoverNode } from '../backup/survivor.js'
import { parsePeers } from './node-plan.js'
import type { Verb } from './verb.js'

interface RecoverArguments {
  folders: readonly string[]
  dataDir: string | undefined
  peers: string | undefined
  compare: boolean
  iAcceptDataLoss: boolean
  json: boolean
}

export const recover: Verb<RecoverArguments> = {
  builder: (yargs) =>
    yargs
      .positional('folders', { type: 'string', array: true, default: [], describe: 'with --compare: folders of nodes' })
      .option('data-dir', { type: 'string', describe: "the stopped survivor's own folder" })
      .option('peers', { type: 'string', describe: 'if its addresses change: id=client-host:port/peer-host:port' })
      .option('compare', { type: 'boolean', default: false, describe: 'which of these stopped nodes has the most?' })
      .option('i-accept-data-loss', {
        type: 'boolean',
        default: false,
        describe: 'do it; without this it says what it would do, and what may be lost',
      })
      .option('json', { type: 'boolean', default: false, describe: 'what happened as NDJSON, an event a line' })
      .example('$0 recover --compare kept/n2 kept/n4', 'the best survivor')
      .example('$0 recover --data-dir data/n2 --i-accept-data-loss', 'n2 is a new cluster; others are added to it')
      .epilogue('Only where the majority is lost for good: while it can come back, wait for it.'),
  async handler(args) {
    const output = new Output(args.json)
    if (args.compare) await compare(args, output)
    else await begin(args, output)
    process.exitCode ??= exitCodes.done
  },
}

async function compare({ folders, dataDir, iAcceptDataLoss }: RecoverArguments, output: Output): Promise<void> {
  if (dataDir !== undefined || iAcceptDataLoss)
    throw new ConfigError('--compare only looks: name the folders, and no more')
  if (folders.length === 0) throw new ConfigError('--compare which folders? recover --compare data/n1 data/n2')
  const ends = bestFirst(await Promise.all(folders.map((folder) => lookAtEnd(folder))))
  for (const end of ends) output.say({ event: 'log_end', ...end })
  const [{ folder, node, sound }] = ends as [(typeof ends)[0]]
  if (sound) output.say({ event: 'best_survivor', folder, node })
  else process.exitCode = exitCodes.damagedLog
}

async function begin({ folders, dataDir, peers, iAcceptDataLoss }: RecoverArguments, output: Output): Promise<void> {
  if (folders.length > 0) throw new ConfigError('one node begins: --data-dir names its folder (several: --compare)')
  if (dataDir === undefined) throw new ConfigError("--data-dir is missing: the stopped survivor's own folder")
  const [moved = null, more] = peers === undefined ? [] : parsePeers(peers)
  if (more) throw new ConfigError('--peers names the survivor alone: the others are taken in later, by add_node')
  if (iAcceptDataLoss) return output.say(await recoverNode(dataDir, moved, output.say))
  output.say({ event: 'would_recover', ...(await lookAtEnd(dataDir)) })
  process.exitCode = exitCodes.refused
}
