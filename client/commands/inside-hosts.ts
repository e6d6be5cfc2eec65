import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { constants } from 'node:os'
import { ConfigError } from '../../src/errors.js'
import { Hosts } from '../../src/server/hosts/hosts.js'
import { obstacle } from '../../src/server/hosts/tools.js'

/** Kinds of hosts for the nodes of a cluster: this machine for all, or a network namespace for each. */
const hostKinds = ['local', 'netns'] as const
export type HostKind = (typeof hostKinds)[number]

/** The option that says on what hosts nodes run. */
export const hostsOption = {
  choices: hostKinds,
  default: hostKinds[0],
  describe: 'netns (Linux, root): each node on a host of its own, a network namespace, where packets are really lost',
} as const

/** Tells the child that it runs in namespaces of its own, and so makes the hosts. */
export const insideVariable = 'IN_NAMESPACES_OF_RAFT_ROADMAP'

/** Signals that end this process; its child hears those of the terminal by itself. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A command's surroundings, in namespaces of its own or on this machine. */
export interface Inside {
  /** The hosts; null where none are wanted. */
  readonly hosts: Hosts | null
  /**
   * The place of the page: a port of this machine, or a listener of the machine outside, since no browser is in here.
   */
  readonly pageAt: number | Server
}

interface Wanted {
  readonly hosts: HostKind
  readonly ui: boolean
  readonly uiPort: number
}

/**
 * Runs a command where it can make hosts: in this process, or, before that, in a copy of this process in namespaces of its
 * own. All that is made there ends with the copy, however it ends.
 *
 * @param perform does the work, and gives the exit code
 * @throws ConfigError that says, in one sentence, what hosts need
 */
export async function onHosts(
  { hosts: kind, ui, uiPort }: Wanted,
  perform: (inside: Inside) => Promise<number>,
): Promise<number> {
  if (kind === 'local') return perform({ hosts: null, pageAt: uiPort })
  if (process.env[insideVariable] !== undefined) {
    delete process.env[insideVariable]
    const pageAt = ui ? await handedListener() : uiPort
    return perform({ hosts: await Hosts.open(), pageAt })
  }
  const problem = obstacle()
  if (problem !== null) throw new ConfigError(`--hosts netns: ${problem}`)
  const child = runInside()
  if (ui) await handListener(child, uiPort)
  return ended(child)
}

/** Starts this same command again, in namespaces of its own. */
function runInside(): ChildProcess {
  const { execPath, execArgv, argv } = process
  const child = spawn('unshare', ['--net', '--mount', execPath, ...execArgv, ...argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [insideVariable]: '1' },
  })
  const end = () => void child.kill('SIGTERM')
  for (const signal of signals) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
  process.once('exit', end)
  process.once('disconnect', end)
  process.channel?.unref()
  return child
}

/** Listens on this machine, and hands the listener to a process in another namespace. @throws ConfigError */
async function handListener(child: ChildProcess, port: number): Promise<void> {
  const listener = createServer().listen(port, '127.0.0.1')
  await once(listener, 'listening').catch(({ message }) => {
    child.kill('SIGTERM')
    throw new ConfigError(`the page cannot be served: ${message}`)
  })
  await new Promise<void>((resolve) => child.send('listener', listener, () => resolve()))
  listener.close()
}

/** Waits for the listener that the process outside hands over. */
async function handedListener(): Promise<Server> {
  const [, listener] = (await once(process, 'message')) as [unknown, Server]
  return listener
}

async function ended(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return code ?? 128 + constants.signals[signal!]
}
