import { type ChildProcess, fork, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Why there is nothing to measure; the message is one sentence for a person. Exit code 2. */
export class BenchmarkError extends Error {
  override readonly name = 'BenchmarkError'
}

/** How long a child that was asked to end may take. */
const stopMs = 6_000
/** Children that run, and the signal that asks each to end. */
const running = new Map<ChildProcess, NodeJS.Signals>()

/** Starts a script below this folder; it ends when this process does, because the channel between them closes then. */
export function startScript(name: string, argument: string): ChildProcess {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  return remember(fork(file, [argument], { env: leanEnvironment(), execArgv: [] }), 'SIGTERM')
}

/**
 * Starts a program that is not ours. It knows nothing of a channel to us, so a shell looks after it: when the shell's pipe from us
 * closes, for whatever reason, it asks the program to end.
 *
 * @param endedBy the signal that asks it
 */
export function startProgram(program: string, args: readonly string[], endedBy: NodeJS.Signals): ChildProcess {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe']
  const child = remember(spawn(program, args, { env: leanEnvironment(), stdio }), endedBy)
  const script = `trap '' INT TERM HUP; read -r _; kill -s ${endedBy.slice(3)} ${child.pid}`
  const guardian = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  child.once('exit', () => guardian.kill('SIGKILL'))
  return child
}

function remember(child: ChildProcess, endedBy: NodeJS.Signals): ChildProcess {
  running.set(child, endedBy)
  child.once('exit', () => running.delete(child))
  return child
}

/** Ends a child and resolves when it is gone: asks first, insists later. */
export async function stopChild(child: ChildProcess): Promise<void> {
  const signal = running.get(child)
  if (!signal) return
  const gone = once(child, 'exit')
  child.kill(signal)
  const insist = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await gone
  clearTimeout(insist)
}

export async function stopAllChildren(): Promise<void> {
  await Promise.all([...running.keys()].map(stopChild))
}

/** What a child says first over its channel. @throws BenchmarkError if it ends without a word */
export function firstMessage<Message>(child: ChildProcess, name: string): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Message))
    child.once('exit', (code, signal) => reject(new BenchmarkError(`the ${name} ended early (${signal ?? code})`)))
  })
}

/** The environment without what would only slow a start or change how the measured processes run. */
function leanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...rest } = process.env
  return rest
}
