import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { freeBasePort } from '../../../client/cluster/free-ports.js'
import {
  etcdArguments,
  etcdIsMissing as etcdIsMissingHere,
  installedEtcd,
} from '../../../client/engine/etcd/program.js'
import type { Member } from '../../../src/contracts.js'
import { localMembers } from '../../../src/network/local-members.js'
import { BenchmarkError, startProgram, stopChild } from '../children.js'
import { dataFolder, removeFolder } from '../data-folder.js'
import type { Server } from '../servers.js'

/** How long a cluster may take to have a leader. */
const leaderMs = 20_000
const pollMs = 100
const host = '127.0.0.1'
/** How much of what etcd prints is kept, to be shown if it does not start. */
const keptComplaint = 500

/** As much of the answer of `Maintenance/Status` as is read here; numbers of 64 bits are text. */
interface StatusReply {
  readonly header: { readonly member_id: string }
  readonly leader?: string
}

/** What to do about it if there is no etcd on this machine, or null if there is one. */
export function etcdIsMissing(): string | null {
  return installedEtcd() === null ? `${etcdIsMissingHere}; so it is not measured` : null
}

/**
 * Starts an etcd cluster on free ports with its own defaults, every write synced, and finds its leader. It is ended by
 * force: asked politely, a leader waits for seconds for others that are gone already, and nobody wants its data.
 *
 * @throws BenchmarkError if it has no leader in time
 */
export async function startEtcd(nodes: number): Promise<Server> {
  const folder = dataFolder()
  const members = localMembers(nodes, host, await freeBasePort(nodes, host))
  const children = members.map((member) =>
    startProgram('etcd', etcdArguments(member, { members, state: 'new' }, folder), 'SIGKILL'),
  )
  let complaint = ''
  for (const child of children) {
    child.stdout!.resume()
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-keptComplaint)
    })
  }
  const stop = async () => {
    await Promise.all(children.map(stopChild))
    removeFolder(folder)
  }
  try {
    const address = await findLeader(members, children)
    return { address, protocol: 'etcd', pids: children.map(({ pid }) => pid!), stop }
  } catch (error) {
    await stop()
    throw new BenchmarkError(`etcd did not start: ${(error as Error).message}: ${complaint.trim()}`)
  }
}

/** @returns where the leader's clients go @throws Error if there is none in time */
export async function findLeader(members: readonly Member[], children: readonly ChildProcess[]): Promise<string> {
  const giveUpAt = performance.now() + leaderMs
  while (performance.now() < giveUpAt) {
    if (children.some(({ exitCode }) => exitCode !== null)) throw new Error('a node ended')
    const leads = await Promise.all(members.map(({ client }) => isLeader(client)))
    const leader = members[leads.indexOf(true)]
    if (leader) return leader.client
    await delay(pollMs)
  }
  throw new Error(`no leader within ${leaderMs / 1000} s`)
}

/** Asks a node through etcd's own door for those without gRPC. */
async function isLeader(client: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${client}/v3/maintenance/status`, { method: 'POST', body: '{}' })
    const { header, leader } = (await response.json()) as StatusReply
    return leader !== undefined && leader === header.member_id
  } catch {
    return false
  }
}
