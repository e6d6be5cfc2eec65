import type { Moment } from '../../src/backup/format.js'
import { lastOf, withStoppedNode } from '../../src/backup/stopped-node.js'
import { checkFree, writeBackup } from '../../src/backup/write-backup.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { realFiles } from '../../src/storage/files.js'
import { clusterMoment } from '../backup/cluster-moment.js'
import { folderMoment } from '../backup/folder-moment.js'
import { Output } from '../backup/progress.js'
import { BackupRefused } from '../backup/refused.js'
import { Client } from '../client.js'
import { ownToken } from '../cluster/own-token.js'
import { tlsFrom } from '../cluster/tls-places.js'
import type { KeyValueCommands } from '../commands-of.js'
import { addressesIn, certsOption, connectOption, engineOption, tokenFileOption } from './arguments.js'
import { checkForOurs, type EtcdArguments, etcdAccess, etcdOptions } from './etcd-options.js'
import type { Verb } from './verb.js'

interface BackupArguments extends EtcdArguments {
  file: string
  connect: string
  dataDir: string | undefined
  reads: 'linearizable' | 'stale'
  json: boolean
}

export const backup: Verb<BackupArguments> = {
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'the file to write: NDJSON; none of this name may be there' })
      .option('engine', engineOption)
      .option('connect', connectOption)
      .option('certs', certsOption)
      .option('token-file', tokenFileOption)
      .options(etcdOptions)
      .option('reads', {
        choices: ['linearizable', 'stale'],
        default: 'linearizable',
        describe: 'linearizable: every write that was answered before is in it; stale: what the asked node has',
      })
      .option('data-dir', { type: 'string', describe: 'the folder of a stopped node, instead of a running cluster' })
      .option('json', { type: 'boolean', default: false, describe: 'what happened as NDJSON, an event a line' })
      .example('$0 backup monday.ndjson --connect 10.0.0.1:7001,10.0.0.2:7001', 'from the first of them that answers')
      .example('$0 backup etcd.ndjson --engine etcd --connect 10.0.0.1:2379', 'of etcd, at one revision')
      .epilogue('Exit code 1: no backup was written, and a running cluster said why; 74: the disk for it failed.'),
  handler(args) {
    checkForOurs(args)
    return write(args, new Output(args.json))
  },
}

async function write(args: BackupArguments, output: Output): Promise<void> {
  const given = new AbortController()
  const giveUp = () => given.abort(new BackupRefused({ code: 'aborted', message: 'it was interrupted' }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, giveUp)
  await checkFree(realFiles, args.file)
  try {
    if (args.engine === 'etcd') await fromEtcd(args, output, given.signal)
    else if (args.dataDir === undefined) await fromCluster(args, output, given.signal)
    else
      await withStoppedNode(args.dataDir, output.say, async (stopped) => {
        const unknown = lastOf(stopped).index - stopped.recovered.commit
        await save(args, { moment: await folderMoment(stopped), from: args.dataDir!, unknown }, output, given.signal)
      })
    process.exitCode = exitCodes.done
  } catch (error) {
    if (!(error instanceof BackupRefused)) throw error
    output.say({ event: 'refused', code: error.code, message: `${error.message}; no backup was written` })
    process.exitCode = exitCodes.refused
  } finally {
    output.end()
  }
}

async function fromCluster(args: BackupArguments, output: Output, signal: AbortSignal): Promise<void> {
  const addresses = addressesIn(args.connect)
  const access = { token: ownToken(args.tokenFile), ...tlsFrom(args.certs) }
  const client = new Client<KeyValueCommands>({ addresses, session: false, ...access })
  try {
    const moment = await clusterMoment(client, addresses, { isStale: args.reads === 'stale', signal })
    await save(args, { moment, from: moment.at, unknown: 0 }, output, signal)
  } finally {
    client.close()
  }
}

async function fromEtcd(args: BackupArguments, output: Output, signal: AbortSignal): Promise<void> {
  if (args.dataDir !== undefined) throw new ConfigError('--data-dir does not go with --engine etcd: name a running one')
  if (args.reads === 'stale')
    throw new ConfigError('--reads stale does not go with --engine etcd: it is read at one revision')
  const { etcdMoment } = await import('../backup/etcd.js')
  const moment = await etcdMoment(addressesIn(args.connect), etcdAccess(args))
  await save(args, { moment, from: args.connect, unknown: 0 }, output, signal)
}

interface Source {
  readonly moment: Moment
  readonly from: string
  readonly unknown: number
}

async function save({ file }: BackupArguments, { moment, from, unknown }: Source, output: Output, signal: AbortSignal) {
  const onProgress = output.progress('backup', moment.bytes)
  const footer = await writeBackup(file, moment, { onProgress, signal })
  const { cluster, origin, index, term, engine } = moment.header
  output.say({ event: 'backed_up', file, from, cluster, origin, index, term, engine, ...footer, unknown })
}
