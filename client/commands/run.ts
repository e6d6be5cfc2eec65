import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { createInterface, type Interface } from 'node:readline'
import type { Argv } from 'yargs'
import { parseAddress } from '../../src/address.js'
import { defaultTiming, type Event, type Outcome, type ReadPolicy } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { DataFolder } from '../../src/server/data-folder.js'
import { exitCodes } from '../../src/server/exits.js'
import { Outlet } from '../../src/server/outlet.js'
import { badStarts } from '../../src/server/process.js'
import type { Awaited } from '../../src/server/readiness.js'
import { portShape, settingShapes } from '../../src/server/settings.js'
import type { LogKind, NetworkName, Stage } from '../../src/stage.js'
import { shortened } from '../../src/text.js'
import { changeMembers, isChange, oncePerRound } from '../cluster/change-members.js'
import { environmentSettings } from '../cluster/environment.js'
import { defaultBasePort, type LocalCluster } from '../cluster/local-cluster.js'
import { isMemberWord } from '../cluster/membership.js'
import { isRestartAll, restartAll, supervised } from '../cluster/restart-all.js'
import type { RunningCluster } from '../engine/cluster.js'
import type { Engine } from '../engine/engine.js'
import { stageEngine } from '../engine/stage.js'
import { performFault } from '../repl/fault-words.js'
import type { Repl } from '../repl/repl.js'
import { colour, nodeColour } from '../text/colour.js'
import { isWanted } from '../text/event-levels.js'
import { describeEvent } from '../text/events.js'
import { eventOutlet } from '../text/outlets.js'
import { parseLine, UsageError } from '../text/words.js'
import { columnsOf, wrapped } from '../text/wrapped.js'
import type { LivePage } from '../ui/live-page.js'
import { askOptions, nodeOptions, setting, uiOption, uiPortOption, wholeNumber } from './arguments.js'
import { checkMore, type MoreOptions, moreOption } from './etcd-options.js'
import { type HostKind, hostsOption, type Inside, onHosts } from './inside-hosts.js'
import { type QuotaArguments, quotaOptions } from './quota-options.js'
import type { Served } from './served.js'
import type { Verb } from './verb.js'

declare module '../../src/events.js' {
  interface EventDetails {
    ready: ({ stage: number } | { engine: string }) & {
      nodes: readonly { id: string; client: string; peer: string }[]
      certs?: string
    }
    not_ready: { for: readonly Awaited[] }
    all_dead: { code: number }
    stopped: object
    /** The run can be looked at under this address. */
    page: { address: string }
    /** A line that changes the members is done. */
    changed: { line: string; voters: unknown }
    /** A line of fault words, or a change of members, was refused. */
    refused: { line?: string; code?: string; message: string }
    /** A change of members may or may not be done. */
    unknown: { line: string; code: string; message: string }
  }
}

interface RunArguments extends QuotaArguments, Inside {
  engine: Engine
  /** The stage of a page; null for another engine, which has none. */
  stage: Stage | null
  nodes: number
  basePort: number
  host: string
  network: NetworkName | undefined
  log: LogKind
  heartbeat: number
  election: number
  snapshotEntries: number
  snapshotBytes: number
  leaseReads: boolean
  tokens: string | undefined
  metricsOpen: boolean
  appPorts: boolean
  dataDir: string | undefined
  trace: string | undefined
  metrics: boolean
  metricsPort: number | undefined
  tls: boolean
  headless: boolean
  ui: boolean
  json: boolean
  reads: ReadPolicy
  noSession: boolean
  etcdOption: MoreOptions
}

/** Makes the command that starts a cluster on this machine. */
export function runVerb(
  served: Served,
): Verb<Omit<RunArguments, 'stage' | 'engine' | keyof Inside> & { stage?: string; hosts: HostKind; uiPort: number }> {
  return {
    builder: (yargs) =>
      runOptions(served.namesStage ? stagePositional(yargs) : yargs).check(
        ({ headless, json }) => headless || !json || 'with --json goes --headless: the REPL is for people',
      ),
    async handler(args) {
      checkMore(args.etcdOption, served.namesStage && args.stage === 'etcd')
      process.exitCode = await onHosts(args, async (inside) => {
        const all = { ...args, ...inside, ...(await engineOf(served, args.stage, args.log)) }
        return args.headless ? runHeadless(all) : runWithRepl(all)
      })
    },
  }
}

/** Finds the engine that a person named: a stage, or etcd where stages are named. @throws ConfigError if there is none */
async function engineOf(
  served: Served,
  name: string | undefined,
  log: LogKind,
): Promise<Pick<RunArguments, 'engine' | 'stage'>> {
  if (served.namesStage && name === 'etcd')
    return { engine: (await import('../engine/etcd/engine.js')).etcd, stage: null }
  const stage = served.stage(name)
  return { engine: stageEngine(stage, served, log), stage }
}

function stagePositional(yargs: Argv): Argv {
  return yargs
    .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, "latest", or etcd' })
    .example('$0 run 2', 'five nodes of stage 2 and a REPL')
    .example('$0 run 8 --ui', 'the same, and a page in the browser to look at it and break it by hand')
    .example('$0 run 2 --headless --json', 'the same for a script')
    .example('$0 run etcd', 'five processes of etcd, under the same words')
}

function runOptions(yargs: Argv) {
  return yargs
    .option('nodes', { default: 5, describe: 'how many', coerce: wholeNumber('nodes', 1, 99) })
    .option('base-port', {
      default: defaultBasePort,
      describe: 'clients at base+1…, peers at base+101…; 0 finds free ones',
      coerce: wholeNumber('base-port', 0, 65_000),
    })
    .option('app-ports', {
      type: 'boolean',
      default: false,
      describe: 'ports for the services of gRPC, over any network between the nodes: base+201…',
    })
    .option('etcd-option', { ...moreOption, describe: `of etcd: ${moreOption.describe}` })
    .option('host', { type: 'string', default: '127.0.0.1', describe: 'the address to listen on' })
    .option('hosts', hostsOption)
    .options(nodeOptions)
    .options(quotaOptions)
    .config(environmentSettings([...Object.keys(settingShapes), 'dataDir', 'metricsPort']))
    .options(askOptions)
    .option('data-dir', {
      type: 'string',
      describe: 'where nodes keep what must survive them; a folder for this run only unless you name one',
    })
    .option('trace', { type: 'string', describe: 'a folder for a file of every event of each node, as NDJSON' })
    .option('ui', uiOption)
    .option('ui-port', uiPortOption)
    .option('metrics', {
      type: 'boolean',
      default: false,
      describe: 'metrics (Prometheus) and health of each node over HTTP, at base+301…: /metrics, /livez, /readyz',
    })
    .option('metrics-port', {
      describe: 'the same, at this port for n1 and the following ones for the others',
      coerce: setting('metrics-port', portShape),
    })
    .option('tls', {
      type: 'boolean',
      default: false,
      describe: 'make certificates in the data folder; nodes, clients and the prompt speak TLS',
    })
    .option('headless', { type: 'boolean', default: false, describe: 'no REPL: fault words from standard input' })
    .option('json', { type: 'boolean', default: false, describe: 'with --headless: events as NDJSON' })
}

/** Starts the cluster. @throws ConfigError that says why it cannot start */
function start(
  args: RunArguments,
  page: LivePage | null,
  onEvent: (event: Event) => void,
  onStderr: (text: string) => void,
) {
  const hear = (event: Event) => {
    page?.hearSupervisor(event)
    if (isWanted(event, args.logLevel)) onEvent(event)
  }
  const onTrace = page ? { onTrace: page.hear } : {}
  return args.engine.start({ ...args, onEvent: hear, onStderr, ...onTrace })
}

/** Makes the page, if one is wanted. */
async function pageFor({ ui, stage, nodes, heartbeat }: RunArguments): Promise<LivePage | null> {
  if (!ui) return null
  if (!stage) throw new ConfigError('--ui shows nodes of ours; etcd tells no steps that could be shown')
  const { LivePage: Page } = await import('../ui/live-page.js')
  const names = Array.from({ length: nodes }, (_, at) => `n${at + 1}`)
  return new Page(stage, names, Math.min(defaultTiming.tickMs, heartbeat))
}

/** Tells whether an event is that of a node that stays down from the start, while the others serve. */
const isBadStart = ({ event }: Event) => badStarts.has(event)

/** Characters of a message at most: a message may repeat what was typed. */
const messageLength = 400
/** Milliseconds of one wait for a cluster that is not ready; the wait is repeated. */
const readyMs = 10_000

async function runHeadless(args: RunArguments): Promise<number> {
  const { engine } = args
  const { say, complain, flushed } = outlets(args)
  const stopped = stopSignal()
  // Events before the first `ready` are told by `ready` itself, unless a node has to be waited for.
  let heard = (event: Event) => {
    if (event.event === 'starting') say(event)
    if (isBadStart(event) || event.event === 'elected' || event.event === 'leads') early.push(event)
  }
  /**
   * Nodes that stay down, and the leader. They are told after `ready`, because a script could not know that it has to
   * wait for them.
   */
  const early: Event[] = []
  const page = await pageFor(args)
  const local = await start(args, page, (event) => heard(event), complain)
  const served = await page?.serve(engine.answering(local), args.pageAt)
  const allDead = new Promise<number>((resolve) => {
    heard = (event) => {
      say(event)
      if (local.cluster.exitCode !== null) resolve(local.cluster.exitCode)
    }
    if (local.cluster.exitCode !== null) resolve(local.cluster.exitCode)
  })
  if (served) say({ event: 'page', address: served.address })
  const done = (event: Event) => {
    page?.hear(event)
    say(event)
  }
  const input = createInterface({ input: process.stdin })
  const opening = sayReady(local, engine, early, say, stopped)
  let queue = Promise.resolve()
  input.on('line', (line) => {
    if (line.trim() !== '') queue = queue.then(() => obey(local, engine, line, done))
  })
  const code = await Promise.race([stopped, allDead, abandoned(input)])
  if (code !== exitCodes.done) say({ event: 'all_dead', code })
  input.close()
  await page?.close()
  await local.stop()
  await opening
  say({ event: 'stopped' })
  await flushed()
  // A reader that stands still would keep this process for ever.
  process.exit(code)
}

/**
 * Resolves when nobody steers the cluster nor hears it: the script at the other ends of both pipes is gone. One of them
 * alone means nothing, and a standard input that is no pipe means nothing either.
 */
async function abandoned(input: Interface): Promise<number> {
  const steering = fstatSync(process.stdin.fd)
  const unheard = new Promise((resolve) => process.stdout.once('error', resolve))
  await Promise.all([once(input, 'close'), unheard])
  return steering.isFIFO() || steering.isSocket() ? exitCodes.done : new Promise(() => {})
}

/**
 * Makes the outlets: events go to standard output, complaints to standard error, and the process waits for no reader.
 */
function outlets({ json: isJson, logLevel: level }: RunArguments) {
  const { say, flushed } = eventOutlet({ isJson, level })
  const errors = new Outlet(process.stderr, ({ lines }) => `(${lines} lines more, not shown)`)
  return { say, flushed, complain: (text: string) => errors.write(text) }
}

/** Reports `ready` when clients are served, and not before; if that takes too long, `not_ready` with the reason. */
async function sayReady(
  { cluster, certs }: LocalCluster,
  { facts }: Engine,
  early: readonly Event[],
  say: (event: Event) => void,
  stopped: Promise<unknown>,
): Promise<void> {
  const ready = () => {
    const nodes = cluster.nodes().map(({ id, pid, client, peer, metrics }) => ({
      ...{ id, pid, client, peer },
      ...(metrics && { metrics }),
    }))
    say({ event: 'ready', ...facts, nodes, ...(certs !== null && { certs }) })
  }
  if (cluster.isReady) ready()
  else say({ event: 'not_ready', for: cluster.awaited })
  for (const event of early) say(event)
  if (cluster.isReady) return
  let isStopped = cluster.exitCode !== null
  void stopped.then(() => {
    isStopped = true
  })
  while (!isStopped && cluster.exitCode === null) if (await cluster.ready(readyMs)) return ready()
}

/** Performs one line of fault words or member words, and answers with one event. */
async function obey(
  { cluster, client, membership }: LocalCluster,
  { commands }: Engine,
  line: string,
  say: (event: Event) => void,
): Promise<void> {
  const settings = { onProgress: oncePerRound(say) }
  const word = line.trim().split(/\s+/)[0]!
  try {
    if (membership && isMemberWord(word)) {
      for (const one of membership.eachOf(line)) say(eventOf(one, await membership.perform(one, say, settings)))
    } else if (membership && isChange({ command: word })) {
      const command = membership.fillIn(parseLine(line, commands).command)
      say(eventOf(line, await changeMembers(client, command, settings)))
    } else if (isRestartAll(line)) await restartAll(supervised(cluster), say)
    else for (const event of await performFault(cluster, line)) say(event)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConfigError)) throw error
    say({ event: 'refused', line: shortened(line), message: shortened(error.message, messageLength) })
  }
}

function eventOf(line: string, outcome: Outcome): Event {
  if (outcome.outcome === 'done') return { event: 'changed', line, voters: outcome.answer.voters }
  const { code, message } = outcome.error
  return { event: outcome.outcome, line, code, message }
}

async function runWithRepl(args: RunArguments): Promise<number> {
  const { Repl: Prompt } = await import('../repl/repl.js')
  let repl: Repl | undefined
  const onStderr = (text: string) => (repl ? repl.note(text) : console.error(text))
  const bad: Event[] = []
  const onEvent = (event: Event) => {
    if (repl) repl.show(event)
    else if (event.event === 'starting') console.error(describeEvent(event))
    else if (isBadStart(event)) bad.push(event)
  }
  const { engine } = args
  const page = await pageFor(args)
  const local = await start(args, page, onEvent, onStderr)
  const { cluster, data } = local
  const options = engine.answering(local)
  const shown = await page?.serve(options, args.pageAt)
  if (process.stdout.isTTY)
    console.log(banner(engine, cluster.nodes(), args.log === 'memory' ? null : data, local.certs, args.hosts !== null))
  if (shown) console.log(describeEvent({ event: 'page', address: shown.address }).trimStart())
  const { stdin: input, stdout: output } = process
  repl = new Prompt({
    ...options,
    prompt: engine.prompt,
    input,
    output,
    ...(shown && { answerer: shown.answerer }),
  })
  const open = repl
  for (const event of bad) open.show(event)
  if (!cluster.isReady) open.show({ event: 'not_ready', for: cluster.awaited })
  void stopSignal().then(() => open.close())
  const code = await repl.run()
  await page?.close()
  await local.stop()
  return code
}

function banner(
  engine: Engine,
  members: ReturnType<RunningCluster['nodes']>,
  data: DataFolder | null,
  certs: string | null,
  isOnHosts: boolean,
): string {
  const { metrics } = members[0]!
  const { host, port } = parseAddress(members[0]!.client)!
  const nodes = members.map(({ id, client }) => `${nodeColour(id)} ${client}`).join('  ')
  // Other processes see the hosts, and their names, from within the namespaces of this one.
  const into = isOnHosts ? `sudo nsenter --net --mount -t ${process.pid} ` : ''
  const lines = [
    ...engine.title,
    nodes,
    ...(metrics ? [colour.dim(`metrics at http://${metrics}/metrics, and so on`)] : []),
    ...(data ? [colour.dim(`logs in ${data.path}${data.isTemporary ? ', for this run only' : ''}`)] : []),
    colour.dim(`try: ${engine.tries(data)} · help      or: ${into}${engine.besides(host, port, certs)}`),
  ]
  return wrapped(lines.join('\n'), columnsOf(process.stdout))
}

/** Resolves when a signal tells the process to stop, or when the process that started it over a channel is gone. */
function stopSignal(): Promise<number> {
  return new Promise((done) => {
    const resolve = () => done(exitCodes.done)
    process.once('disconnect', resolve)
    process.channel?.unref()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
  })
}
