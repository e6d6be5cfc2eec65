import { clusterName } from '../../src/application.js'
import { checkFree } from '../../src/backup/make-folders.js'
import { type Verified, verifyBackup } from '../../src/backup/read-backup.js'
import { ConfigError } from '../../src/errors.js'
import { checkMembers } from '../../src/server/config.js'
import { exitCodes } from '../../src/server/exits.js'
import { defaultSettings } from '../../src/server/settings.js'
import { type LogKind, logKinds } from '../../src/stage.js'
import { realFiles } from '../../src/storage/files.js'
import { latest } from '../../stages/index.js'
import { Output } from '../backup/progress.js'
import { BackupRefused } from '../backup/refused.js'
import { checkApplication, type NewCluster, restoreCluster } from '../backup/restore.js'
import { stageWith } from '../cluster/applications.js'
import { nodeNamed, readClusterFile } from '../cluster/cluster-file.js'
import { addressesIn, certsOption, connectOption, engineOption } from './arguments.js'
import { checkForOurs, type EtcdArguments, etcdAccess, etcdOptions } from './etcd-options.js'
import { parsePeers } from './node-plan.js'
import type { Verb } from './verb.js'

interface RestoreArguments extends EtcdArguments {
  file: string
  connect: string
  config: string | undefined
  node: string | undefined
  dataDir: string | undefined
  id: string | undefined
  peers: string | undefined
  cluster: string | undefined
  log: LogKind | undefined
  json: boolean
}

export const restore: Verb<RestoreArguments> = {
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'a file that `backup` has written' })
      .option('config', {
        type: 'string',
        default: process.env.RAFT_ROADMAP_CONFIG,
        describe: 'the file that describes the new cluster: a folder is made for each of its nodes',
      })
      .option('node', { type: 'string', describe: 'with --config: this node alone; the others are taken in later' })
      .option('data-dir', { type: 'string', describe: 'without a file: the folder of the one node that begins' })
      .option('id', { type: 'string', describe: 'with --data-dir: which of --peers the node is' })
      .option('peers', { type: 'string', describe: 'with --data-dir: the node, id=client-host:port/peer-host:port' })
      .option('cluster', { type: 'string', describe: 'with --data-dir: the name of the new cluster [raft-roadmap]' })
      .option('log', { choices: logKinds, describe: 'with --data-dir: what the log is kept in [file]' })
      .option('engine', { ...engineOption, describe: 'etcd: into the running etcd at --connect, which is empty' })
      .option('connect', {
        ...connectOption,
        describe: 'with --engine etcd: where its nodes listen for clients, host:port,…',
      })
      .option('certs', { ...certsOption, describe: `with --engine etcd: ${certsOption.describe}` })
      .options(etcdOptions)
      .option('json', { type: 'boolean', default: false, describe: 'what happened as NDJSON, an event a line' })
      .example('$0 restore monday.ndjson --config cluster.yaml', 'then `up --config cluster.yaml` starts the cluster')
      .example('$0 restore monday.ndjson --engine etcd --connect 10.0.0.1:2379', 'into etcd')
      .epilogue(
        'The new cluster has an origin of its own: no node of the old one is heard in it. Folders must be empty.',
      ),
  async handler(args) {
    checkForOurs(args)
    const output = new Output(args.json)
    try {
      await (args.engine === 'etcd' ? intoEtcd(args, output) : restoreFrom(args, output))
    } catch (error) {
      if (!(error instanceof BackupRefused)) throw error
      output.say({ event: 'refused', code: error.code, message: error.message })
      process.exitCode = exitCodes.refused
    } finally {
      output.end()
    }
  },
}

async function restoreFrom(args: RestoreArguments, output: Output): Promise<void> {
  const { file } = args
  const planned = args.config === undefined ? null : fromFile(args, args.config)
  if (planned) await checkPlace(planned)
  const verified = await verifyBackup(file, output.progress('verify', 0))
  const cluster = planned ?? fromFlags(args, verified)
  checkApplication(cluster, verified.header)
  await checkPlace(cluster)
  const total = verified.bytes * cluster.nodes.length
  output.say(await restoreCluster(file, verified, cluster, output.progress('restore', total)))
}

async function intoEtcd(args: RestoreArguments, output: Output): Promise<void> {
  const { file, connect, config } = args
  const isOfOurs = config !== process.env.RAFT_ROADMAP_CONFIG || ofFolders.some((name) => args[name] !== undefined)
  if (isOfOurs)
    throw new ConfigError('with --engine etcd goes --connect: options of files and folders are for our nodes')
  const access = etcdAccess(args)
  const addresses = addressesIn(connect)
  const verified = await verifyBackup(file, output.progress('verify', 0))
  const { restoreIntoEtcd } = await import('../backup/etcd.js')
  output.say(await restoreIntoEtcd(file, verified, { addresses, access }, output.progress('restore', verified.bytes)))
}

const ofFolders = ['node', 'dataDir', 'id', 'peers', 'cluster', 'log'] as const

/** @throws ConfigError if a folder is not empty */
async function checkPlace({ root, nodes }: NewCluster): Promise<void> {
  await checkFree(realFiles, root ?? nodes[0]!.folder)
}

function fromFile({ node, log, ...others }: RestoreArguments, path: string): NewCluster {
  for (const name of ['dataDir', 'id', 'peers', 'cluster'] as const)
    if (others[name] !== undefined)
      throw new ConfigError(`--${name === 'dataDir' ? 'data-dir' : name} does not go with --config: the file says it`)
  if (log !== undefined) throw new ConfigError('--log does not go with --config: the file says it')
  const file = readClusterFile(path)
  const { cluster, stage, settings } = file
  if (stage.members === 'fixed')
    throw new ConfigError(`${path} is of stage ${stage.number}, whose clusters have no origin: restore from stage 8 on`)
  const kind = keptKind(settings.log)
  const common = { cluster, application: stage.application.name, log: kind }
  if (node === undefined) return { ...common, root: file.dataDir, nodes: file.nodes }
  return { ...common, root: null, nodes: [nodeNamed(file, node)] }
}

function fromFlags(args: RestoreArguments, { header: { application } }: Verified): NewCluster {
  const { dataDir, id, peers, cluster = 'raft-roadmap', node, log } = args
  if (node !== undefined) throw new ConfigError('--node goes with --config')
  if (dataDir === undefined)
    throw new ConfigError('where to? --config names the file of the new cluster, or --data-dir the folder of one node')
  if (peers === undefined)
    throw new ConfigError('--peers is missing: where the node listens, n1=client-host:port/peer-host:port')
  const members = parsePeers(peers)
  checkMembers(members)
  const self = members.find((member) => member.id === (id ?? members[0]!.id))
  if (!self) throw new ConfigError(`--id ${id} is not among --peers`)
  const stage = stageWith(latest, application)
  const nodes = [{ ...self, folder: dataDir }]
  return { cluster: clusterName(stage.application, cluster), application, root: null, nodes, log: keptKind(log) }
}

/** @throws ConfigError for a log that keeps nothing */
function keptKind(log: LogKind = defaultSettings.log) {
  if (log === 'memory') throw new ConfigError('a log in memory keeps nothing, so nothing can be restored to it')
  return log
}
