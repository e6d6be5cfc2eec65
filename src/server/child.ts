import { type ChildProcess, spawn } from 'node:child_process'
import type { Member, NodeId } from '../contracts.js'
import { guard } from './guardian.js'
import type { Hosts } from './hosts/hosts.js'
import type { Order } from './process.js'

/**
 * Flags of a node's process. A batch's objects are garbage soon after it: with a larger young generation most of them
 * are never copied. It saves a node a good part of its work under load, for some tens of megabytes.
 */
export const nodeFlags = ['--max-semi-space-size=32']

type NodeCondition = 'starting' | 'up' | 'paused' | 'dead'

/** A node's process, as its supervisor sees it. */
export interface Child {
  readonly member: Member
  readonly process: ChildProcess
  condition: NodeCondition
  /** Resolves when the process has ended. */
  ended: Promise<void>
  /** The reason why the process could not start, in its own words; null if it gave none. */
  complaint: string | null
  /** True if the node could not use its own data folder at start, and so stays down. */
  damaged: boolean
  /** The exit code of the process; null while it runs, or if a signal ended it. */
  code: number | null
  /** The name of the process's latest event; null before the first. */
  last: string | null
  /** True if the end of the process was asked for, so that it is not reported. */
  expected: boolean
  /** Wakes the process if it is paused. */
  wake: () => void
}

/** Checks that more than half of the processes have not ended; a paused process counts as alive. */
export function isMajorityAlive(children: readonly Child[]): boolean {
  return 2 * children.filter(({ condition }) => condition !== 'dead').length > children.length
}

/**
 * Starts a node's process.
 *
 * @param entry the script, which gets the configuration as JSON in its first argument
 * @param config of the node; a node that is watched tells every step by a pipe of its own
 * @param hosts the hosts, if the process runs on that of its name
 */
export function spawnNode(member: Member, entry: string, config: { watched: boolean }, hosts: Hosts | null): Child {
  const command = [globalThis.process.execPath, ...nodeFlags, entry, JSON.stringify(config)]
  const [program, ...rest] = hosts?.commandOn(member.id, command) ?? command
  const process = spawn(program!, rest, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...(config.watched ? (['pipe'] as const) : [])],
    env: leanEnvironment(),
  })
  return childOf(member, process)
}

/** The record of a process that has just been started as a node. */
export function childOf(member: Member, process: ChildProcess): Child {
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

/**
 * Ends processes: asks first, insists after some milliseconds.
 *
 * @param areAll true if the whole cluster ends: then no node hands over
 */
export async function endChildren(
  children: readonly Child[],
  insistMs: number,
  { areAll = false } = {},
): Promise<void> {
  const running = children.filter(({ condition }) => condition !== 'dead')
  for (const child of running) {
    child.expected = true
    const end: Order = { order: 0, end: true }
    const isTold = areAll && child.condition !== 'starting' && child.process.connected
    if (isTold) child.process.send(end, () => {})
    else child.process.kill('SIGTERM')
    child.process.kill('SIGCONT')
    child.wake()
  }
  const insist = setTimeout(() => {
    for (const child of running) child.process.kill('SIGKILL')
  }, insistMs)
  await Promise.all(running.map((child) => child.ended))
  clearTimeout(insist)
}

/** Pauses a process (SIGSTOP) until it is woken. The end of the supervisor wakes it, too. */
export function stopInTracks(child: Child): void {
  child.condition = 'paused'
  const guardian = guard(child.process.pid!, 'CONT')
  child.wake = () => guardian.stdin!.end()
  child.process.kill('SIGSTOP')
}

/**
 * Makes the environment of a node: without variables that would only slow its start or change how it runs, and without
 * the token of whoever starts it.
 */
export function leanEnvironment(): NodeJS.ProcessEnv {
  const {
    NODE_OPTIONS: _options,
    NODE_EXTRA_CA_CERTS: _certificates,
    RAFT_ROADMAP_TOKEN: _token,
    ...rest
  } = process.env
  return rest
}

/** Checks whether a link begins or ends at a node. */
export const touches = (link: string, id: NodeId) => link.startsWith(`${id}>`) || link.endsWith(`>${id}`)
