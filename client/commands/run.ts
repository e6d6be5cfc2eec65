import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CommandModule } from 'yargs'
import { Cluster } from '../../src/cluster.js'
import { ConfigError, localMembers, writableFolder } from '../../src/config.js'
import type { Event, Member } from '../../src/contracts.js'
import { parseAddress } from '../../src/network/address.js'
import { exitCodes } from '../../src/process.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { clusterIn } from '../../src/storage/identity.js'
import { Client } from '../client.js'
import { colour, nodeColour } from '../colour.js'
import { describeEvent } from '../events.js'
import { performFault } from '../fault-words.js'
import { freeBasePort } from '../free-ports.js'
import { Repl } from '../repl.js'
import { UsageError } from '../words.js'
import { nodeOptions, stageArgument, wholeNumber } from './arguments.js'

interface RunArguments {
  stage: string
  nodes: number
  basePort: number
  host: string
  network: NetworkName | undefined
  log: LogKind
  heartbeat: number
  election: number
  snapshotEntries: number
  snapshotBytes: number
  dataDir: string | undefined
  trace: string | undefined
  headless: boolean
  json: boolean
}

export const run: CommandModule<object, RunArguments> = {
  command: 'run <stage>',
  describe: 'start a cluster of a stage, with the REPL and the fault words',
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .option('nodes', { default: 5, describe: 'how many', coerce: wholeNumber('nodes', 1, 99) })
      .option('base-port', {
        default: 7000,
        describe: 'clients at base+1…, peers at base+101…; 0 finds free ones',
        coerce: wholeNumber('base-port', 0, 65_000),
      })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'the address to listen on' })
      .options(nodeOptions)
      .option('data-dir', {
        type: 'string',
        describe: 'where nodes keep what must survive them; a folder for this run only unless you name one',
      })
      .option('trace', { type: 'string', describe: 'a folder for a file of every event of each node, as NDJSON' })
      .option('headless', { type: 'boolean', default: false, describe: 'no REPL: fault words from standard input' })
      .option('json', { type: 'boolean', default: false, describe: 'with --headless: events as NDJSON' })
      .example('$0 run 2', 'five nodes of stage 2 and a REPL')
      .example('$0 run 2 --headless --json', 'the same for a script')
      .check(
        ({ headless, json }) => headless || !json || 'with --json goes --headless: the REPL is for people',
      ) as never,
  async handler(args) {
    process.exitCode = await (args.headless ? runHeadless(args) : runWithRepl(args))
  },
}

/** Starts the cluster and keeps its events until somebody listens. */
async function startCluster(args: RunArguments, onEvent: (event: Event) => void, onStderr: (text: string) => void) {
  const stage = stageArgument(args.stage)
  const members = localMembers(args.nodes, args.host, args.basePort || (await freeBasePort(args.nodes, args.host)))
  const data = stage.keeps === 'nothing' && args.dataDir === undefined ? null : dataFolder(args.dataDir)
  const cluster = new Cluster({
    stage: stage.number,
    entry: fileURLToPath(new URL('../node-entry.js', import.meta.url)),
    members,
    isFounded: stage.members === 'changing' ? false : null,
    network: args.network ?? stage.network,
    cluster: data?.cluster ?? `local-${randomUUID().slice(0, 8)}`,
    log: args.log,
    pace: { heartbeatMs: args.heartbeat, electionMs: args.election },
    limits: { snapshotEntries: args.snapshotEntries, snapshotBytes: args.snapshotBytes },
    dataDir: data?.folder ?? null,
    traceDir: args.trace === undefined ? null : writableFolder(args.trace),
    onEvent,
    onStderr: (node, text) => onStderr(text.trimEnd().replaceAll(/^/gm, `${nodeColour(node.padEnd(3))} `)),
  })
  try {
    await cluster.start()
  } catch (error) {
    data?.remove()
    throw error
  }
  return {
    stage,
    members,
    cluster,
    data,
    async stop() {
      await cluster.stop()
      data?.remove()
    },
  }
}

/** Where the nodes' folders are, and the cluster to which they belong if they have been used before. */
interface DataFolder {
  readonly folder: string
  readonly cluster: string | null
  /** Made for this run, and removed after it. */
  readonly isTemporary: boolean
  remove(): void
}

function dataFolder(named: string | undefined): DataFolder {
  if (named !== undefined) {
    const folder = writableFolder(named)
    return { folder, cluster: clusterIn(folder), isTemporary: false, remove() {} }
  }
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  return { folder, cluster: null, isTemporary: true, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A node that stays down from the start, while the others serve. */
const isBadStart = ({ event }: Event) => event === 'log_damaged'

async function runHeadless(args: RunArguments): Promise<number> {
  const say = (event: Event) => console.log(args.json ? JSON.stringify(event) : describeEvent(event))
  const stopped = stopSignal()
  // The first line is `ready`; what happened before it is told by `ready` itself.
  let ready = false
  const bad: Event[] = []
  const onEvent = (event: Event) => (ready ? say(event) : isBadStart(event) && bad.push(event))
  const { stage, cluster, stop } = await startCluster(args, onEvent, (text) => console.error(text))
  ready = true
  const nodes = cluster.nodes().map(({ id, pid, client, peer }) => ({ id, pid, client, peer }))
  say({ event: 'ready', stage: stage.number, nodes })
  for (const event of bad) say(event)
  const input = createInterface({ input: process.stdin })
  let queue = Promise.resolve()
  input.on('line', (line) => {
    if (line.trim() !== '') queue = queue.then(() => obey(cluster, line, say))
  })
  await stopped
  input.close()
  await stop()
  say({ event: 'stopped' })
  return exitCodes.done
}

/** One line of fault words, answered by one event. */
async function obey(cluster: Cluster, line: string, say: (event: Event) => void): Promise<void> {
  try {
    for (const event of await performFault(cluster, line)) say(event)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConfigError)) throw error
    say({ event: 'refused', line, message: error.message })
  }
}

async function runWithRepl(args: RunArguments): Promise<number> {
  let repl: Repl | undefined
  const onStderr = (text: string) => console.error(text)
  const bad: Event[] = []
  const onEvent = (event: Event) => (repl ? repl.show(event) : isBadStart(event) && bad.push(event))
  const { stage, members, cluster, data, stop } = await startCluster(args, onEvent, onStderr)
  const addresses = members.map((member) => member.client)
  const client = new Client({ addresses })
  if (process.stdout.isTTY) console.log(banner(stage, members, args.log === 'memory' ? null : data))
  repl = new Repl({
    client,
    addresses,
    shapes: stage.commands,
    prompt: stage.name,
    cluster,
    folders: args.log === 'file' && data ? new Map(members.map(({ id }) => [id, join(data.folder, id)])) : undefined,
    input: process.stdin,
    output: process.stdout,
  })
  const open = repl
  for (const event of bad) open.show(event)
  void stopSignal().then(() => open.close())
  const code = await repl.run()
  client.close()
  await stop()
  return code
}

const tries = 'set a 1 · get a · get a @n3 · status · kill n3'
const triesWithLog = 'set a 1 · get a · status · log · kill leader'

function banner(stage: Stage, members: readonly Member[], data: DataFolder | null): string {
  const { host, port } = parseAddress(members[0]!.client)!
  const nodes = members.map(({ id, client }) => `${nodeColour(id)} ${client}`).join('  ')
  return [
    colour.bold(`Stage ${stage.number}: ${stage.title}`) + colour.dim(` · stages/${stage.name}/README.md`),
    `adds ${stage.adds}`,
    nodes,
    ...(data ? [colour.dim(`logs in ${data.folder}${data.isTemporary ? ', for this run only' : ''}`)] : []),
    colour.dim(`try: ${data ? triesWithLog : tries} · help      or: nc ${host} ${port}`),
  ].join('\n')
}

/** Resolves when we are told to stop, or when whoever started us over a channel is gone. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('disconnect', () => resolve())
    process.channel?.unref()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}
