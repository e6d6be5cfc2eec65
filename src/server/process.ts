import { type Address, formatAddress, parseAddress } from '../address.js'
import { clusterName } from '../application.js'
import { type AssembledNode, assembleNode } from '../assemble.js'
import { systemClock, systemRandom } from '../clock.js'
import {
  type Event,
  type Index,
  isObject,
  type Member,
  type NodeId,
  type Status,
  type Term,
  type Traced,
} from '../contracts.js'
import { ConfigError } from '../errors.js'
import { type Measuring, startMeasuring } from '../metrics/open.js'
import type { AppPortOptions } from '../network/app-port.js'
import { ClientPort } from '../network/client-port.js'
import { type Delay, type Direction, FaultyNetwork } from '../network/faults.js'
import type { Schemas } from '../network/grpc-protos.js'
import type { NodeTls } from '../network/tls.js'
import type { Stage } from '../stage.js'
import { DamagedLogError, DiskError } from '../storage/errors.js'
import { FolderError } from '../storage/identity.js'
import { jsonLine } from '../text.js'
import { checkNodeConfig, type NodeConfig, timingOf } from './config.js'
import { exitCodeOf, exitCodes } from './exits.js'
import { explainPort } from './explain-port.js'
import { onHangup } from './hangup.js'
import { Outlet } from './outlet.js'
import { hasten, SlowClock } from './slow-clock.js'
import { inSources } from './source-stack.js'
import { openAccess } from './tokens.js'
import { droppedEvent, openTraces, together } from './tracing.js'

declare module '../events.js' {
  interface EventDetails {
    serving: {
      stage: number
      pid: number
      client: string
      peer: string
      app?: string
      metrics?: string
      tls?: boolean
    }
    output_dropped: { lines: number; bytes: number }
    /** The disk failed, so the node ends, or does not start. */
    disk_failed: { message: string }
    /** An error that no rule expects has ended the node. */
    invariant_broken: { message: string; stack?: string | undefined }
    /** The log cannot be trusted, so the node does not start. */
    log_damaged: { message: string }
    /** The data folder is not for this node, or not for this kind of log, so the node does not start. */
    folder_refused: { message: string }
    /** The configuration or a port cannot be used, so the node does not start. */
    cannot_start: { message: string; code?: string }
  }
}

/** Milliseconds that a stopping node gives waiting clients to get their answers. */
const drainMs = 1_000

/** A node's event with the name of its node and its time: milliseconds of wall-clock time. */
type Stamped<Kind extends Traced> = Kind & { readonly node: NodeId; readonly at: number }
export type NodeEvent = Stamped<Event>

/** A node that serves, and the handles by which its process is steered. */
export interface RunningNode {
  readonly faults: FaultyNetwork
  readonly status: Status
  /** Reads the node's contents at this moment, for a comparison of replicas. */
  look(): Contents
  /** Lets the node's time pass so many times slower; 1 is its usual pace. */
  slow(factor: number): void
  /** Lets the node's timers run out at once, see {@link hasten}. */
  hasten(): void
  /**
   * Hands over, gives waiting clients a moment for their answers, closes the node and resolves. @param how whether all
   * nodes stop, so that nobody could take over
   */
  stop(how?: { readonly isLast?: boolean }): Promise<void>
}

/**
 * Runs one node of a stage in the real world: a network, a clock, a disk, and the stage's application.
 *
 * @param emit called with each event that a person wants to know: links, refused peers, changes of role
 * @param schemas the `.proto` files for a node that speaks gRPC
 * @throws ConfigError if the configuration is wrong, a port is taken, or the data folder is another node's
 * @throws DamagedLogError if the log in the folder cannot be trusted
 */
export async function runNode(
  stage: Stage,
  candidate: unknown,
  emit: (event: NodeEvent) => void,
  schemas: Schemas,
): Promise<RunningNode> {
  const config = checkNodeConfig(candidate)
  const { id, members, bootstrap, priority } = config
  const places = placesOf(config)
  const stamp = <Kind extends Traced>(event: Kind): Stamped<Kind> => ({ ...event, node: id, at: Date.now() })
  const cluster = clusterName(stage.application, config.cluster)
  const labels = { node: id, cluster }
  const metricsAt = portAt(places.home.client, config.metricsPort)
  const measuring = await startMeasuring(metricsAt, { labels, messageTypes: Object.keys(stage.messages) })
  const traces = openTraces(stage, config, stamp, (event) => emit(stamp(event)))
  const tracer = together(traces, measuring.tracer)
  const notice = (event: Event) => {
    tracer?.tell(event)
    emit(stamp(event))
  }
  const clock = new SlowClock(systemClock)
  const access = accessOf(config, stage, notice)
  const world = { clock, random: systemRandom }
  const fatal = endOnUncaught((error) => endProcess(error, notice))
  const tls = await openTls(config, cluster, notice)
  let network: FaultyNetwork | undefined
  const { node, ask, release } = await assembleNode(stage, {
    ...{ id, members, cluster, bootstrap, priority, ...world, notice, fatal, schemas },
    timing: timingOf(config),
    features: stage.features,
    access,
    about: { pid: process.pid, client: places.own.client, peer: places.own.peer, network: config.network, cluster },
    network: config.network,
    listen: places.home.peer,
    tls,
    around: (wire) => {
      network = new FaultyNetwork(wire, world, tracer && ((message) => tracer.tell({ event: 'cut', message })))
      return network
    },
    ...{ log: config.log, quotas: config.quotas },
    dataDir: config.dataDir,
    ...(tracer && { tracer }),
    ...measuring.parts,
  })
  const parts = { node, ask, faults: network!, clock, measuring, stage, schemas, notice, access, tls }
  return serve(config, places, parts).catch(async (error) => {
    await letGo(parts, release)
    throw error
  })
}

/** Reads the tokens that a node demands; undefined if it demands none. @throws ConfigError */
function accessOf({ tokens, supervisor }: NodeConfig, stage: Stage, notice: (event: Event) => void) {
  return tokens === null ? undefined : openAccess(tokens, supervisor, stage, systemClock, notice)
}

/** Lets go of what is open when a node cannot start: it would keep the process. */
async function letGo({ node, measuring }: Pick<Assembled, 'node' | 'measuring'>, release: () => Promise<void>) {
  node.kill()
  await Promise.all([release(), measuring.close()])
}

/** Reads the certificate of a node that is to speak TLS; nothing is loaded for one that is not. @throws ConfigError */
async function openTls({ id, tls }: NodeConfig, cluster: string, notice: (event: Event) => void) {
  if (tls === null) return undefined
  const { NodeTls: Tls } = await import('../network/tls.js')
  return new Tls(tls, { self: id, cluster, notice })
}

/** A node that is put together, and what its process serves around it. */
interface Assembled extends Omit<AssembledNode, 'release'>, Pick<AppPortOptions, 'schemas' | 'notice' | 'access'> {
  readonly tls: NodeTls | undefined
  readonly stage: Stage
  readonly faults: FaultyNetwork
  readonly clock: SlowClock
  readonly measuring: Measuring
}

/** The addresses of a node: those that others are told, and those where it listens. */
interface Places {
  readonly own: Member
  readonly home: Member
}

/** Finds the addresses of a node. It listens at another host than others are told, if its configuration names one. */
function placesOf({ id, members, listen: host }: NodeConfig): Places {
  const own = members.find((member) => member.id === id)!
  const at = (address: string) => (host === null ? address : formatAddress({ ...parseAddress(address)!, host }))
  return { own, home: { id, client: at(own.client), peer: at(own.peer) } }
}

/** Opens the ports of a node: for metrics first, because the disk may take long to be read. @throws ConfigError */
async function serve(config: NodeConfig, { own, home }: Places, assembled: Assembled): Promise<RunningNode> {
  const { node, ask, measuring, notice, stage, access, tls } = assembled
  const { id } = config
  const metricsAt = portAt(home.client, config.metricsPort)
  const metrics = metricsAt && formatAddress(metricsAt)
  const clients = new ClientPort(ask, notice, {}, metrics ?? undefined, access)
  if (tls) clients.guard(tls.gateFor('clients'))
  const measured = {
    ...{ status: () => node.status, load: () => clients.load, certificateUntil: () => tls?.validUntil },
    access: config.metricsOpen ? undefined : access,
  }
  if (metrics !== null) await explainPort(id, 'metrics', metrics, () => measuring.open(measured))
  await explainPort(id, 'peer', home.peer, () => node.start())
  const { host, port } = parseAddress(home.client)!
  await explainPort(id, 'client', home.client, () => clients.listen(host, port))
  const app = await openApp(config, home.client, { ...assembled, status: () => node.status })
  const where = { client: own.client, peer: own.peer, ...(app && { app: app.address }), ...(metrics && { metrics }) }
  notice({ event: 'serving', stage: stage.number, pid: process.pid, ...where, ...(tls && { tls: true }) })
  const stopReading = tls && onHangup(() => tls.renew())
  const close = async () => {
    stopReading?.()
    tls?.close()
    await Promise.all([clients.close(), app?.close(), measuring.close()])
  }
  return handlesOf(assembled, close, 2 * timingOf(config).electionTicks)
}

/**
 * Collects the handles of a node that serves. @param close closes its ports @param ticks after which every timer of it
 * has run out
 */
function handlesOf(
  { node, faults, clock, measuring }: Assembled,
  close: () => Promise<unknown>,
  ticks: number,
): RunningNode {
  return {
    faults,
    get status() {
      return node.status
    },
    slow: (factor) => clock.slow(factor),
    hasten: () => hasten(node, ticks),
    look: () => ({ ...pick(node.status), entries: [...node.contents()] }),
    async stop(how) {
      measuring.leave()
      await node.stop(drainMs, how)
      await close()
    },
  }
}

/**
 * Opens the port for the services of gRPC, if the node is to have one; they take longer to load than the rest of a node.
 */
async function openApp({ id, appPort }: NodeConfig, client: string, options: Omit<AppPortOptions, 'clock'>) {
  if (appPort === null) return null
  const address = formatAddress(portAt(client, appPort)!)
  const { openAppPort } = await import('../network/app-port.js')
  const port = await explainPort(id, 'app', address, () => openAppPort({ ...options, clock: systemClock }, address))
  return { address, close: () => port.close() }
}

/** Gives the address of a further port of a node, at the host of its client address; null if it has none. */
function portAt(client: string, port: number | null): Address | null {
  return port === null ? null : { ...parseAddress(client)!, port }
}

/** Reports the error that makes a node useless, and ends its process. */
function endProcess(error: Error, notice: (event: Event) => void): never {
  const isDisk = error instanceof DiskError
  const more = isDisk ? {} : { stack: inSources(error.stack ?? '') }
  notice({ event: isDisk ? 'disk_failed' : 'invariant_broken', message: error.message, ...more })
  process.exit(isDisk ? exitCodes.diskFailed : exitCodes.brokenInvariant)
}

/**
 * Ends the process at an error that no code caught: in a timer or a socket's callback, it may have left work half done.
 *
 * @returns `fatal`
 */
function endOnUncaught(fatal: (error: Error) => never): (error: Error) => never {
  const end = (thrown: unknown) => fatal(thrown instanceof Error ? thrown : new Error(String(thrown)))
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
  return fatal
}

function pick({ applied, role, leader, term = 0, log, snapshot }: Status) {
  return { applied, role, leader, term, log, snapshot }
}

/**
 * An errand that a supervisor sends to a node: cut one direction of a link, heal all links, delay messages, let time
 * pass so many times slower, let the node's timers run out at once, give the node's contents, give its status, or end
 * because the whole cluster ends.
 */
export type Errand =
  | { readonly end: true }
  | { readonly cut: Direction }
  | { readonly heal: true }
  | { readonly delay: Delay }
  | { readonly slow: number }
  | { readonly hasten: true }
  | { readonly look: true }
  | { readonly status: true }

export type Order = { readonly order: number } & Errand

/** A node's progress and the contents of its store. */
export interface Contents {
  readonly applied: Index
  readonly role: string
  readonly leader: NodeId | null
  readonly term: Term
  readonly log?: Status['log']
  readonly snapshot?: Status['snapshot']
  readonly entries: readonly (readonly [key: string, value: string])[]
}

/** The answer to an order. */
export interface Obeyed {
  readonly order: number
  /** The node's contents, if the order asked for them. */
  readonly seen?: Contents
  /** The node's status, if the order asked for it. */
  readonly status?: Status
}

function nodeNameIn(config: unknown): { node?: NodeId } {
  return isObject(config) && typeof config.id === 'string' ? { node: config.id } : {}
}

function obey(order: Order, { faults, look, status, slow, hasten }: RunningNode): Obeyed {
  if ('cut' in order) faults.cut(order.cut)
  else if ('delay' in order) faults.delay(order.delay)
  else if ('heal' in order) faults.heal()
  else if ('slow' in order) slow(order.slow)
  else if ('hasten' in order) hasten()
  if ('status' in order) return { order: order.order, status }
  return 'look' in order ? { order: order.order, seen: look() } : { order: order.order }
}

/**
 * Runs a node under a supervisor, to the node's end. Events go to standard output as NDJSON, and orders come by IPC.
 * The node ends when its supervisor ends, however that happens, because the channel between them closes then.
 */
export async function runSupervised(stage: Stage, config: unknown, schemas: Schemas): Promise<void> {
  process.on('disconnect', () => process.exit(exitCodes.done))
  // Ctrl-C goes to the whole process group; the supervisor decides what to do.
  process.on('SIGINT', () => {})
  const node = nodeNameIn(config)
  const outlet = new Outlet(process.stdout, (dropped) =>
    jsonLine({ ...droppedEvent(dropped), ...node, at: Date.now() }),
  )
  const emit = (event: Event) => outlet.write(jsonLine(event))
  try {
    const running = await runNode(stage, config, emit, schemas)
    const exit = () => process.exit(exitCodes.done)
    process.on('message', (order: Order) => {
      if ('end' in order) running.stop({ isLast: true }).then(exit, exit)
      else process.send!(obey(order, running))
    })
    process.on('SIGTERM', () => void running.stop().then(exit, exit))
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof DamagedLogError || error instanceof DiskError)) throw error
    const code = error instanceof ConfigError && 'code' in error ? { code: String(error.code) } : {}
    emit({ event: eventOfStart(error), ...node, message: error.message, ...code })
    process.exit(exitCodeOf(error))
  }
}

/**
 * Names the event of a failed start. A node whose own folder is to blame stays down, and the others can serve without
 * it.
 */
function eventOfStart(error: Error): 'log_damaged' | 'folder_refused' | 'disk_failed' | 'cannot_start' {
  if (error instanceof DamagedLogError) return 'log_damaged'
  if (error instanceof FolderError) return 'folder_refused'
  return error instanceof DiskError ? 'disk_failed' : 'cannot_start'
}

/** Events of a node that did not start because of its folder. */
export const badStarts: ReadonlySet<string> = new Set(['log_damaged', 'folder_refused', 'disk_failed'])
