import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
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

/**
 * Runs a command where it can make hosts: in this process, or, before that, in a copy of this process in namespaces of its
 * own. All that is made there ends with the copy, however it ends.
 *
 * @param perform gets the hosts, or null where none are wanted; it gives the exit code
 * @throws ConfigError that says, in one sentence, what hosts need
 */
export async function onHosts(kind: HostKind, perform: (hosts: Hosts | null) => Promise<number>): Promise<number> {
  if (kind === 'local') return perform(null)
  if (process.env[insideVariable] !== undefined) {
    delete process.env[insideVariable]
    return perform(await Hosts.open())
  }
  const problem = obstacle()
  if (problem !== null) throw new ConfigError(`--hosts netns: ${problem}`)
  return ended(runInside())
}

/** Starts this same command again, in namespaces of its own. */
function runInside(): ChildProcess {
  const { execPath, execArgv, argv } = process
  const child = spawn('unshare', ['--net', '--mount', execPath, ...execArgv, ...argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [insideVariable]: '1' },
  })
  for (const signal of signals) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal))
  process.once('exit', () => child.kill('SIGTERM'))
  return child
}

async function ended(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return code ?? 128 + constants.signals[signal!]
}
