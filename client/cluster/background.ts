import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { formatAddress, parseAddress } from '../../src/address.js'
import type { Event, NodeId, Outcome, Status } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { leanEnvironment, nodeFlags } from '../../src/server/child.js'
import { writableFolder } from '../../src/server/config.js'
import { exitCodes } from '../../src/server/exits.js'
import { explainPort } from '../../src/server/explain-port.js'
import { type FoundProcess, ProcessFolder } from '../../src/server/process-folder.js'
import { defaultSettings } from '../../src/server/settings.js'
import { Client } from '../client.js'
import { type ClusterFile, type FileNode, nodeNamed, shownPath } from './cluster-file.js'
import type { Restartable } from './restart-all.js'
import { clientName, clientTls, ownPlaces, placesIn } from './tls-places.js'
import { remove } from './wipe.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** A node was started before, and runs. */
    running: { pid: number; client: string; peer: string }
    /** A node was started in the background, and serves. */
    launched: { pid: number; client: string; peer: string }
    /** No process that was started from the file runs a node; another process may answer as this node. */
    not_running: { answers?: string; pid?: number }
  }
}

/** A node of the file at one moment: the process that runs it, and what it answers at its address. */
export interface Seen {
  readonly node: FileNode
  readonly process: FoundProcess | null
  readonly status: Status | null
}

/** A node that did not start. */
export class StartError extends ConfigError {
  /** True if its own log or disk is to blame: then the others can serve without it. */
  readonly isDiskBad: boolean

  constructor(message: string, exitCode: number | null) {
    super(message)
    this.isDiskBad = exitCode === exitCodes.damagedLog || exitCode === exitCodes.diskFailed
  }
}

/** Milliseconds that a node may take to give its status. */
const statusMs = 500
/** Milliseconds between two looks at a process. */
const lookMs = 50
/** Milliseconds that a node may take to serve. */
const startMs = 60_000
/** Milliseconds that a node may take to end before it is killed, besides the time of a hand-over. */
const stopMs = 5_000

/** Choices of how the nodes of a file are started and asked. */
interface BackgroundOptions {
  /** The one node of the file that belongs to this machine; all of them if it is left out. */
  readonly only?: NodeId | undefined
  /** The folder of the certificates, if they are not those of the file. */
  readonly certs?: string | undefined
  /** The path of a file of tokens that nodes are started with; that of the cluster's file if it is left out. */
  readonly tokens?: string | undefined
  /** Further flags of the nodes that are started from here. */
  readonly flags?: readonly string[]
  /** The token that is shown to nodes. */
  readonly token?: string | undefined
  /** True if a node that refuses the token counts as one that does not answer: then its process alone is seen. */
  readonly mayBeRefused?: boolean
}

const noToken =
  'the nodes of this file demand a token, at least with the role read: give it by RAFT_ROADMAP_TOKEN or --token-file. Without one yet: raft-roadmap tokens add'

const main = fileURLToPath(new URL('../main.js', import.meta.url))

/** The nodes of a file that run on this machine, in the background: found again by their folders. */
export class Background implements Restartable {
  readonly file: ClusterFile
  readonly client: Client
  readonly #wanted: readonly FileNode[]
  /** Further flags of the nodes that are started from here. */
  readonly #flags: readonly string[]
  readonly #demandsToken: boolean
  readonly #mayBeRefused: boolean
  #seen: readonly Seen[] = []

  constructor(
    file: ClusterFile,
    { only, certs, tokens, token, flags = [], mayBeRefused = false }: BackgroundOptions = {},
  ) {
    this.file = file
    this.#mayBeRefused = mayBeRefused
    this.#flags = [
      ...flags,
      ...(certs === undefined ? [] : ['--certs', certs]),
      ...(tokens === undefined ? [] : ['--tokens', resolve(tokens)]),
    ]
    this.#demandsToken = tokens !== undefined || file.settings.tokens !== undefined
    if (this.#demandsToken && token === undefined && !mayBeRefused) throw new ConfigError(noToken)
    this.#wanted = only === undefined ? file.nodes : [nodeNamed(file, only)]
    const places = certs === undefined ? ownPlaces(file) : placesIn(certs)
    const names = [clientName, ...this.#wanted.map(({ id }) => id)]
    const tls = places ? { tls: clientTls(places, names, file.cluster) } : {}
    this.client = new Client({ addresses: file.nodes.map(({ client }) => client), session: false, token, ...tls })
  }

  close(): void {
    this.client.close()
  }

  /** Looks at the nodes of this machine. */
  async look(): Promise<readonly Seen[]> {
    this.#seen = await Promise.all(this.#wanted.map((node) => this.#lookAt(node)))
    return this.#seen
  }

  /**
   * Looks at the nodes of this machine, before some are started. @throws ConfigError if one of them runs, and was not
   * started from this file
   */
  async lookHere(): Promise<readonly Seen[]> {
    for (const { node, process, status } of await this.look()) {
      const demanded = process?.facts?.tokens
      if (demanded && !this.#demandsToken)
        throw new ConfigError(
          `${node.id} demands the tokens of ${shownPath(demanded)}, and a node started now would demand none: ` +
            'write `tokens:` into the file, or say --tokens here, too; or `down` first',
        )
      if (!process && status)
        throw new ConfigError(
          `${node.id} answers at ${node.client} as process ${String(status.pid)}, and was not started from ${shownPath(this.file.path)}: ` +
            'was the file moved, or its dataDir changed? Then end that process first. If it runs on another machine, say --node',
        )
    }
    return this.#seen
  }

  async #lookAt(node: FileNode): Promise<Seen> {
    const [process, status] = await Promise.all([this.folderOf(node).find(), this.#ask(node)])
    const isThisNode = status?.id === node.id && (status.cluster ?? this.file.cluster) === this.file.cluster
    return { node, process, status: isThisNode ? status : null }
  }

  async #ask({ client: at }: FileNode): Promise<Status | null> {
    const outcome = await this.client.call({ command: 'info' }, { at, deadlineMs: statusMs })
    if (outcome.outcome === 'done') return outcome.answer.info as Status
    if (refusesToken(outcome) && !this.#mayBeRefused)
      throw new ConfigError(`${at} refuses this command: ${outcome.error.message}`)
    return null
  }

  folderOf({ id }: FileNode): ProcessFolder {
    return new ProcessFolder(this.file.dataDir, id)
  }

  nodes() {
    return this.#seen.map(({ node: { id, client, peer }, process }) => ({
      ...{ id, client, peer },
      pid: process?.pid ?? null,
      condition: process ? ('up' as const) : ('dead' as const),
    }))
  }

  /** Reads the status of all nodes of the file that answer, on whichever machine they run. */
  async statuses(): Promise<Status[]> {
    const told = await Promise.all(this.file.nodes.map((node) => this.#ask(node)))
    return told.filter((status) => status !== null)
  }

  /** Starts a node again, and waits until it serves. @throws ConfigError with what the node said, if it ended */
  async restart(id: NodeId): Promise<Event> {
    const { pid } = await this.start(id)
    return { event: 'restarted', node: id, pid }
  }

  /**
   * Checks that all ports of some nodes can be had, so that none is started in vain. @throws ConfigError that names the
   * port
   */
  async checkPorts(ids: readonly NodeId[]): Promise<void> {
    for (const id of ids) {
      const { client, peer, appPort, metricsPort } = nodeNamed(this.file, id)
      const { host } = parseAddress(client)!
      const app = appPort === null ? [] : ([['app', formatAddress({ host, port: appPort })]] as const)
      const metrics = metricsPort === null ? [] : ([['metrics', formatAddress({ host, port: metricsPort })]] as const)
      // A node of another machine is not started here: its address is none of this machine's.
      for (const [kind, address] of [['client', client], ['peer', peer], ...app, ...metrics] as const)
        await explainPort(id, kind, address, () => tryPort(address))
    }
  }

  /**
   * Starts a node and waits until it serves.
   *
   * @throws ConfigError with what the node said, if it ended; folders that it has made, and that hold nothing, are gone
   */
  async start(id: NodeId): Promise<Extract<Event, { event: 'launched' }>> {
    const node = nodeNamed(this.file, id)
    const made = [node.folder, this.folderOf(node).path].filter((path) => !existsSync(path))
    const child = this.#spawn(node)
    const end = performance.now() + startMs
    while (child.exitCode === null && child.signalCode === null && performance.now() < end) {
      const { status } = await this.#lookAt(node).catch((error) => this.#giveUp(node, child, made, error))
      if (status && status.pid === child.pid) {
        const { client, peer } = node
        return { event: 'launched', node: id, pid: status.pid as number, client, peer }
      }
      await wait(lookMs)
    }
    const why = this.#whyNot(node, child)
    return this.#giveUp(node, child, made, new StartError(why, child.exitCode))
  }

  /** Ends a node that is not to be had. It has never served: there is nothing in what it has made. @throws the error */
  async #giveUp(node: FileNode, child: ChildProcess, made: readonly string[], error: Error): Promise<never> {
    await endChild(child)
    // Another `up` may have been faster.
    if ((await this.folderOf(node).find()) === null) remove(this.file, made)
    throw error
  }

  #whyNot(node: FileNode, child: ChildProcess): string {
    const said = this.folderOf(node).complaint()
    if (child.exitCode === null && child.signalCode === null)
      return `${node.id} has not begun to serve within ${startMs / 1_000} s; see ${shownPath(this.folderOf(node).eventFile)}`
    return said === '' ? `${node.id} ended before it served (exit code ${child.exitCode})` : said
  }

  #spawn({ id, ...node }: FileNode): ChildProcess {
    const folder = this.folderOf({ id, ...node })
    writableFolder(folder.path)
    const errors = openSync(folder.errorFile, 'w')
    const args = [main, 'node', '--config', this.file.path, '--id', id, '--in-background', ...this.#flags]
    const child = spawn(process.execPath, [...nodeFlags, ...args], {
      stdio: ['ignore', 'ignore', errors],
      env: leanEnvironment(),
      detached: true,
    })
    child.on('error', () => {})
    child.unref()
    closeSync(errors)
    return child
  }

  /** Asks a node to end, waits until it has, and kills it if that takes too long. */
  stop(id: NodeId): Promise<Event> {
    return this.#end(nodeNamed(this.file, id), 'SIGTERM')
  }

  /** Asks all nodes to end at once: then nobody hands over. */
  stopAll(): Promise<Event[]> {
    return Promise.all(this.#wanted.map((node) => this.#end(node, 'SIGUSR2')))
  }

  async #end(node: FileNode, signal: NodeJS.Signals): Promise<Event> {
    const found = await this.folderOf(node).find()
    if (!found) return this.#notHere(node)
    const { pid } = await this.#certain(node, found)
    const { election = defaultSettings.election } = this.file.settings
    const end = performance.now() + stopMs + 2 * election
    send(pid, signal)
    // A process that was stopped (SIGSTOP) hears no other signal.
    send(pid, 'SIGCONT')
    while (found.isRunning()) {
      if (performance.now() > end) send(pid, 'SIGKILL')
      await wait(lookMs)
    }
    return { event: performance.now() > end ? 'killed' : 'ended', node: node.id }
  }

  async #notHere(node: FileNode): Promise<Event> {
    const { status } = await this.#lookAt(node)
    return { event: 'not_running', node: node.id, ...(status && { answers: node.client, pid: status.pid as number }) }
  }

  /**
   * Checks that a process is the node, where the system does not tell when the process began. @throws ConfigError if it
   * may be another one
   */
  async #certain(node: FileNode, found: FoundProcess): Promise<FoundProcess> {
    if (found.isSure || (await this.#lookAt(node)).status?.pid === found.pid) return found
    throw new ConfigError(
      `process ${found.pid} ran ${node.id} once, and does not answer as ${node.id}: it may be another one by now, and is left alone`,
    )
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH') throw new ConfigError(`cannot end process ${pid}: ${message}`)
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

async function tryPort(address: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(parseAddress(address)!, resolve))
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

/** Tells whether a node that was asked refuses the token that it was shown, or misses one. */
const refusesToken = (outcome: Outcome) =>
  outcome.outcome === 'refused' && ['unauthenticated', 'permission_denied'].includes(outcome.error.code)
