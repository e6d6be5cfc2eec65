import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Event, NodeId } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { ProcessFolder } from '../../src/server/process-folder.js'
import { type Awaited, awaitedByClients, mostKnowing } from '../../src/server/readiness.js'
import { type Background, StartError } from '../cluster/background.js'
import { changeMembers } from '../cluster/change-members.js'
import { type ClusterFile, readClusterFile, shownPath } from '../cluster/cluster-file.js'
import { ownAuthority } from '../cluster/tls-places.js'
import { fileOptions, type OfFile, tokensOption, withBackground } from './of-file.js'
import { logLevelOption } from './quota-options.js'
import type { Verb } from './verb.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** The cluster serves clients. */
    cluster_serves: { cluster: string; leader: NodeId | null; logs: string; certs?: string }
    /** A node cannot use what it has kept, so it stays down. */
    not_started: { message: string }
    /** A node of the file runs, and is no member of the cluster. */
    no_member: { client: string; peer: string }
  }
}

/** Milliseconds that a cluster may take to elect a leader, and a new one to be founded. */
const serveMs = 60_000
/** Milliseconds between two reports of what the cluster waits for. */
const tellMs = 10_000
const lookMs = 100

interface UpArguments extends OfFile {
  found: boolean
  tls: boolean
}

export const up: Verb<UpArguments> = {
  builder: (yargs) =>
    yargs
      .options(fileOptions)
      .option('log-level', { ...logLevelOption, default: undefined })
      .option('tokens', tokensOption)
      .option('found', {
        type: 'boolean',
        default: false,
        describe: 'of a file with one node: found its cluster, once. Of several nodes, the first does so by itself',
      })
      .option('tls', {
        type: 'boolean',
        default: false,
        describe: 'make certificates in the data folder, once: from then on nodes, and all that ask them, speak TLS',
      })
      .example('$0 up', 'starts the nodes of cluster.yaml, and returns when they serve')
      .example('$0 up --config orders.yaml --node n3', 'on the machine of n3')
      .epilogue(
        'A node that runs already is left alone. Exit code 1: one stays down, and the others serve; 3: they do not serve yet.',
      ),
  async handler(args) {
    if (args.tls) await makeCertificates(args)
    process.exitCode = await withBackground(args, (cluster, say) => startAll(cluster, args, say))
  },
}

/**
 * Makes an authority in the cluster's data folder, and a certificate for each node. `status`, `restart` and `down` find
 * them there.
 *
 * @throws ConfigError if the file or a flag names others, if a part of the nodes is elsewhere, or if nodes run without
 */
async function makeCertificates({ config, node, certs }: UpArguments): Promise<void> {
  const file = readClusterFile(config)
  if (file.tls || certs !== undefined)
    throw new ConfigError('--tls makes certificates, and others are named: leave it out')
  if (node !== undefined)
    throw new ConfigError(
      '--tls makes an authority for one machine: for several, `certs dev` makes one, and tls names it',
    )
  const path = ownAuthority(file.dataDir)
  const running = await Promise.all(file.nodes.map(({ id }) => new ProcessFolder(file.dataDir, id).find()))
  if (!existsSync(path) && running.some((one) => one !== null))
    throw new ConfigError('nodes of this cluster run without TLS: `down` first, and then `up --tls`')
  const { AuthorityFolder, hostsOf } = await import('../cluster/authority.js')
  const folder = await AuthorityFolder.open(path, file.cluster)
  await folder.nodes(
    file.nodes.map(({ id }) => id),
    hostsOf(file.nodes),
  )
  await folder.client()
}

/**
 * Starts the nodes that do not run. A node whose own log or disk is bad stays down, and the others serve without it.
 *
 * @throws ConfigError if one cannot be started for another reason, or none at all: those started here are ended then
 */
async function startAll(
  cluster: Background,
  { node: only, found }: UpArguments,
  say: (event: Event) => void,
): Promise<number> {
  const seen = await cluster.lookHere()
  for (const { node, process } of seen) {
    const { id, client, peer } = node
    if (process) say({ event: 'running', node: id, pid: process.pid, client, peer })
  }
  const missing = seen.filter(({ process }) => process === null).map(({ node }) => node.id)
  const isNew = cluster.file.nodes.every(({ folder }) => !existsSync(folder))
  checkFounding(cluster.file, isNew && missing.length > 0, found)
  await cluster.checkPorts(missing)
  const started = await Promise.allSettled(missing.map((id) => cluster.start(id)))
  const failed = started.flatMap((one, at) =>
    one.status === 'rejected' ? [{ id: missing[at]!, why: one.reason }] : [],
  )
  const served = missing.filter((id) => !failed.some((one) => one.id === id))
  const hopeless = failed.find(({ why }) => !(why instanceof StartError && why.isDiskBad)) ?? failed[seen.length - 1]
  if (hopeless) {
    await Promise.all(served.map((id) => cluster.stop(id)))
    throw hopeless.why
  }
  for (const one of started) if (one.status === 'fulfilled') say(one.value)
  for (const { id, why } of failed) say({ event: 'not_started', node: id, message: (why as Error).message })
  if (found) await changeMembers(cluster.client, { command: 'found_cluster' })
  const code = await awaitService(cluster, isNew, only !== undefined, say)
  return failed.length > 0 && code === exitCodes.done ? exitCodes.refused : code
}

/**
 * Waits until the cluster serves clients. Where one machine has a part of the nodes only, the others may be started
 * later: then nobody waits for them.
 */
async function awaitService(cluster: Background, isNew: boolean, isPart: boolean, say: (event: Event) => void) {
  const began = performance.now()
  let toldAt = began
  for (;;) {
    await cluster.look()
    const missing = await awaited(cluster, isNew && !isPart)
    if (missing.length === 0) return serves(cluster, say)
    const now = performance.now()
    if (isPart || now - began > serveMs) {
      say({ event: 'not_ready', for: missing })
      return isPart ? exitCodes.done : exitCodes.unknown
    }
    if (now - toldAt > tellMs) {
      say({ event: 'starting', seconds: Math.round((now - began) / 1_000), for: missing })
      toldAt = now
    }
    await wait(lookMs)
  }
}

/**
 * Checks that a cluster of one node is founded by an operator's word. The others of several nodes know of a cluster whose
 * founder has lost its disk; a node alone looks the same with a lost disk as before its first start.
 *
 * @throws ConfigError if the word is missing, or means nothing here
 */
function checkFounding({ nodes, stage, cluster }: ClusterFile, isNew: boolean, found: boolean): void {
  const isAlone = nodes.length === 1 && stage.members !== 'fixed'
  if (found && !isAlone) {
    const why = stage.members === 'fixed' ? 'members are fixed' : 'the first of several nodes founds the cluster'
    throw new ConfigError(`--found: ${why} at stage ${stage.number}, so leave it out`)
  }
  if (!isAlone || !isNew || found) return
  const folder = shownPath(nodes[0]!.folder)
  throw new ConfigError(
    `${folder} is not there. If ${cluster} is new, say --found: it is founded once. If not, its disk is lost or elsewhere, ` +
      'and a second cluster of this name would know nothing of what was written to the first',
  )
}

async function awaited(cluster: Background, isNew: boolean): Promise<Awaited[]> {
  const statuses = await cluster.statuses()
  const children = cluster.nodes().map(({ condition, ...member }) => ({ member, condition, last: null }))
  const isFounded = cluster.file.stage.members === 'fixed' ? null : !isNew
  return awaitedByClients({ children, statuses, isFounded })
}

async function serves(cluster: Background, say: (event: Event) => void): Promise<number> {
  const { file } = cluster
  const statuses = await cluster.statuses()
  for (const { id, client, peer } of cluster.nodes()) {
    const member = statuses.find((status) => status.id === id)?.member
    if (member !== undefined && member !== 'voter' && member !== 'learner')
      say({ event: 'no_member', node: id, client, peer })
  }
  const leader = mostKnowing(statuses)?.leader ?? null
  const certs = ownAuthority(file.dataDir)
  const isMade = !file.tls && existsSync(certs)
  const more = isMade ? { certs: shownPath(certs) } : {}
  say({ event: 'cluster_serves', cluster: file.cluster, leader, logs: shownPath(file.dataDir), ...more })
  return exitCodes.done
}
