import { type ChildProcess, spawn } from 'node:child_process'
import type { Member, NodeId } from '../contracts.js'

/**
 * What a batch leaves behind is garbage soon after: with a larger young generation most of it is never copied, which
 * saves a node a good part of its work under load, for some tens of megabytes.
 */
const nodeFlags = ['--enable-source-maps', '--max-semi-space-size=32']

type NodeCondition = 'starting' | 'up' | 'paused' | 'dead'

/** One child process. */
export interface Child {
  readonly member: Member
  readonly process: ChildProcess
  condition: NodeCondition
  /** Resolves when the process has ended. */
  ended: Promise<void>
  /** Why it could not start, in its own words. */
  complaint: string | null
  /** Its log cannot be trusted; it has said so, and stays down. */
  damaged: boolean
  /** The exit code of its process, once that has ended; null if a signal ended it. */
  code: number | null
  /** The name of its latest event. */
  last: string | null
  /** Its end was asked for, so it is no news. */
  expected: boolean
  /** While it is paused: wakes it. */
  wake: () => void
}

/** Whether more than half of the processes have not ended, though some may be stopped in their tracks. */
export function isMajorityAlive(children: readonly Child[]): boolean {
  return 2 * children.filter(({ condition }) => condition !== 'dead').length > children.length
}

/** Starts a node's process. @param entry the script, which gets the configuration as JSON in its first argument */
export function spawnNode(member: Member, entry: string, config: object): Child {
  const process = spawn(globalThis.process.execPath, [...nodeFlags, entry, JSON.stringify(config)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: leanEnvironment(),
  })
  process.on('error', () => {})
  return {
    member,
    process,
    condition: 'starting',
    ended: Promise.resolve(),
    complaint: null,
    damaged: false,
    code: null,
    last: null,
    expected: false,
    wake: () => {},
  }
}

/** Ends processes: asks first, insists after some milliseconds. */
export async function endChildren(children: readonly Child[], insistMs: number): Promise<void> {
  const running = children.filter(({ condition }) => condition !== 'dead')
  for (const child of running) {
    child.expected = true
    child.process.kill('SIGTERM')
    child.process.kill('SIGCONT')
    child.wake()
  }
  const insist = setTimeout(() => {
    for (const child of running) child.process.kill('SIGKILL')
  }, insistMs)
  await Promise.all(running.map((child) => child.ended))
  clearTimeout(insist)
}

/** Stops a process in its tracks (SIGSTOP), until it is woken, by whatever ends this process too. */
export function stopInTracks(child: Child): void {
  child.condition = 'paused'
  child.wake = guard(child.process.pid!)
  child.process.kill('SIGSTOP')
}

/**
 * A stopped process cannot see that its supervisor died, and would stay for ever. A shell can: when its pipe from us
 * closes, for whatever reason, it wakes the process, which then sees it too and ends.
 *
 * @returns closes the pipe
 */
function guard(pid: number): () => void {
  const script = `trap '' INT TERM HUP; read -r _; kill -CONT ${pid}`
  const guardian = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] })
  return () => guardian.stdin.end()
}

/** The environment without what would only slow a node's start or change how it runs. */
function leanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...rest } = process.env
  return rest
}

/** A link as the node at its beginning reports it. */
export const touches = (link: string, id: NodeId) => link.startsWith(`${id}>`) || link.endsWith(`>${id}`)
