import type { Argv } from 'yargs'
import type { Event, Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { writableFolder } from '../../src/server/config.js'
import { exitCodes } from '../../src/server/exits.js'
import { Outlet } from '../../src/server/outlet.js'
import { droppedEvent, runNode } from '../../src/server/process.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { jsonLine } from '../../src/text.js'
import { schemas } from '../../stages/schemas.js'
import { describeEvent } from '../text/events.js'
import { nodeOptions, wholeNumber } from './arguments.js'
import type { Served } from './served.js'
import type { Verb } from './verb.js'

declare module '../../src/events.js' {
  interface EventDetails {
    founding_unconfirmed: { client: string }
  }
}

/** Milliseconds that a reader of the last lines may take before they are given up. */
const flushMs = 1_000

interface NodeArguments {
  stage?: string
  id: string
  peers: string
  network: NetworkName | undefined
  log: LogKind
  heartbeat: number
  election: number
  snapshotEntries: number
  snapshotBytes: number
  leaseReads: boolean
  priority: number
  cluster: string
  bootstrap: boolean
  dataDir: string | undefined
  trace: string | undefined
  json: boolean
}

/** Makes the command that runs one node alone. */
export function nodeVerb(served: Served): Verb<NodeArguments> {
  return {
    builder: (yargs) => nodeWords(served.namesStage ? stageWord(yargs) : yargs),
    handler: (args) => runAlone(served.stage(args.stage), args),
  }
}

function stageWord(yargs: Argv): Argv {
  return yargs
    .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
    .example(
      '$0 node 2 --id n1 --peers n1=10.0.0.1:7001/10.0.0.1:7101,n2=10.0.0.2:7001/10.0.0.2:7101',
      'the first of two',
    )
    .example(
      '$0 node 8 --id n6 --peers n6=10.0.0.6:7006/10.0.0.6:7106 --data-dir data/n6',
      'a newcomer, which waits for `raft-roadmap client add_node n6 10.0.0.6:7006 10.0.0.6:7106`',
    )
}

function nodeWords(yargs: Argv) {
  return yargs
    .option('id', { type: 'string', demandOption: true, describe: 'which of the peers this node is' })
    .option('peers', {
      type: 'string',
      demandOption: true,
      describe: 'every node, this one too: id=client-host:port/peer-host:port,… (of a newcomer: itself is enough)',
    })
    .options(nodeOptions)
    .option('cluster', { type: 'string', default: 'raft-roadmap', describe: 'a name that all its nodes share' })
    .option('bootstrap', {
      type: 'boolean',
      default: false,
      describe:
        'found the cluster, with all of --peers, when all others say that they know of none; for scripts (by hand: `client found_cluster`, once)',
    })
    .option('data-dir', { type: 'string', describe: 'where this node keeps what must survive it' })
    .option('trace', { type: 'string', describe: 'a file for every event, as NDJSON' })
    .option('priority', {
      default: 0,
      describe: 'from stage 10 on: a leader hands over to a node of a higher priority that keeps up with it',
      coerce: wholeNumber('priority', 0, 1_000),
    })
    .option('json', { type: 'boolean', default: false, describe: 'events as NDJSON on standard output' })
}

/** Runs a node until a signal tells it to stop. @throws ConfigError that says why it cannot start */
async function runAlone(stage: Stage, args: NodeArguments): Promise<void> {
  const { id, cluster, bootstrap, json } = args
  const members = parsePeers(args.peers)
  const isAlone = members.length === 1
  const config = configOf(stage, args, members)
  const tell = (event: Event) => (json ? jsonLine(event) : describeEvent(event))
  const outlet = new Outlet(process.stdout, (dropped) => tell({ ...droppedEvent(dropped), node: id, at: Date.now() }))
  // A node goes on when the reader of its events has gone.
  process.stdout.removeAllListeners('error').on('error', () => {})
  const emit = (event: Event) => outlet.write(tell(event))
  const running = await runNode(stage, { ...config, cluster }, emit, schemas)
  if (bootstrap && isAlone && running.status.origin === undefined)
    emit({ event: 'founding_unconfirmed', node: id, at: Date.now(), client: members[0]!.client })
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  await running.stop()
  await outlet.flushed(flushMs)
  process.exit(exitCodes.done)
}

/** The configuration of the node's process. @throws ConfigError if options do not go with the stage */
function configOf(stage: Stage, args: NodeArguments, members: readonly Member[]): object {
  const { id, network, log, heartbeat, election, bootstrap, dataDir, trace } = args
  if (bootstrap && stage.members === 'fixed') {
    throw new ConfigError(`--bootstrap: at stage ${stage.number} the members are fixed, and nobody founds anything`)
  }
  if (stage.keeps !== 'nothing' && log !== 'memory' && dataDir === undefined) {
    throw new ConfigError(`stage ${stage.number} keeps a log: --data-dir says in which folder, this node's own`)
  }
  return {
    stage: stage.number,
    id,
    members,
    network: network ?? stage.network,
    log,
    heartbeatMs: heartbeat,
    electionMs: election,
    snapshotEntries: args.snapshotEntries,
    snapshotBytes: args.snapshotBytes,
    leaseReads: args.leaseReads,
    priority: args.priority,
    // A founder without other members needs an operator's word: the flag is also given after a loss of its disk.
    bootstrap: bootstrap && members.length > 1,
    dataDir: dataDir === undefined ? null : writableFolder(dataDir),
    trace: trace ?? null,
  }
}

/** Parses the option `--peers`. @throws ConfigError that shows its form */
function parsePeers(text: string): Member[] {
  return text.split(',').map((part) => {
    const [, id, client, peer] = /^([^=]+)=([^/]+)\/(.+)$/.exec(part.trim()) ?? []
    if (id && client && peer) return { id, client, peer }
    throw new ConfigError(`--peers: ${JSON.stringify(part)} is not of the form n1=client-host:port/peer-host:port`)
  })
}
