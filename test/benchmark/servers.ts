import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../client/client.js'
import type { Status } from '../../src/contracts.js'
import type { NetworkName } from '../../src/stage.js'
import { BenchmarkError, firstMessage, startCommand, startScript, stopChild } from './children.js'
import { dataFolder, removeFolder } from './data-folder.js'
import type { EchoReply } from './echo.js'
import type { ProtocolName } from './protocols.js'

/** Something to send load to. */
export interface Server {
  /** Where the load goes, `host:port`. */
  readonly address: string
  /** What it speaks to its clients. */
  readonly protocol: ProtocolName
  /** All processes that do its work. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

interface RunningNode {
  readonly id: string
  readonly pid: number
  readonly client: string
}

/** How long a cluster may take to have a leader. */
const leaderMs = 10_000
const leaderPollMs = 50

/** @throws BenchmarkError if it does not start */
export async function startEcho(reply: EchoReply): Promise<Server> {
  const child = startScript('echo', reply)
  const port = await firstMessage<number>(child, 'echo server')
  return { address: `127.0.0.1:${port}`, protocol: 'json', pids: [child.pid!], stop: () => stopChild(child) }
}

/**
 * Starts a stage's cluster on free ports and finds its leader.
 *
 * @throws BenchmarkError if it does not start, or has no leader in time
 */
export async function startCluster(stage: number, nodes: number, network: NetworkName): Promise<Server> {
  const folder = dataFolder()
  const options = ['--nodes', String(nodes), '--base-port', '0', '--network', network, '--data-dir', folder]
  const child = startCommand(['run', String(stage), ...options, '--headless', '--json'])
  const stop = async () => {
    await stopChild(child)
    removeFolder(folder)
  }
  try {
    const members = await ready(child, stage)
    return { address: await findLeader(members, stage), protocol: 'json', pids: members.map(({ pid }) => pid), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The nodes, as the first line that the cluster prints tells of them. */
async function ready(child: ChildProcess, stage: number): Promise<RunningNode[]> {
  let complaint = ''
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  const lines = createInterface({ input: child.stdout! })
  const ended = once(child, 'close').then(() => {
    throw new BenchmarkError(`the cluster of stage ${stage} did not start: ${complaint.trim()}`)
  })
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
  // Nobody asks any more whether it starts; its end is seen by the connections that break.
  ended.catch(() => {})
  return (JSON.parse(line) as { nodes: RunningNode[] }).nodes
}

/** Writes go to the leader; where every node stands alone (stages 0 and 1), to the first. */
async function findLeader(members: readonly RunningNode[], stage: number): Promise<string> {
  await using client = new Client({ addresses: members.map((member) => member.client) })
  const giveUpAt = performance.now() + leaderMs
  while (performance.now() < giveUpAt) {
    const roles = await Promise.all(members.map((member) => askRole(client, member.client)))
    if (roles.every((role) => role === 'standalone')) return members[0]!.client
    const leader = members[roles.indexOf('leader')]
    if (leader) return leader.client
    await delay(leaderPollMs)
  }
  throw new BenchmarkError(`the cluster of stage ${stage} had no leader within ${leaderMs / 1000} s`)
}

async function askRole(client: Client, at: string): Promise<string | null> {
  const outcome = await client.call({ command: 'info' }, { at, deadlineMs: 1_000 })
  return outcome.outcome === 'done' ? (outcome.answer.info as Status).role : null
}
