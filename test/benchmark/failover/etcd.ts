import type { ChildProcess } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { freeBasePort } from '../../../client/cluster/free-ports.js'
import { etcdArguments } from '../../../client/engine/etcd/program.js'
import type { Member } from '../../../src/contracts.js'
import { localMembers } from '../../../src/network/local-members.js'
import type { Pace } from '../../../src/server/config.js'
import { startProgram, stopChild } from '../children.js'
import { dataFolder, removeFolder } from '../data-folder.js'
import { findLeader } from '../etcd/cluster.js'
import type { Subject } from './subject.js'

const host = '127.0.0.1'
/** Milliseconds between two attempts of a write, each at the next node that runs. */
const attemptMs = 10
const pollMs = 20
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A cluster of etcd, with the same two times. A write is asked at every node in turn until any of them answers. */
export async function startEtcdAt(nodes: number, { heartbeatMs, electionMs }: Pace): Promise<Subject> {
  const members = localMembers(nodes, host, await freeBasePort(nodes, host))
  const folder = dataFolder()
  const times = { 'heartbeat-interval': String(heartbeatMs), 'election-timeout': String(electionMs) }
  const children = new Map<Member, ChildProcess>()
  const start = (member: Member) => {
    const child = startProgram('etcd', etcdArguments(member, { members, state: 'new' }, folder, times), 'SIGKILL')
    child.stdout!.resume()
    child.stderr!.resume()
    children.set(member, child)
  }
  const leading = async () => {
    const address = await findLeader(members, [])
    return members.find(({ client }) => client === address)!
  }
  for (const member of members) start(member)
  let leader = await leading()
  return {
    kill() {
      children.get(leader)!.kill('SIGKILL')
    },
    write: (value) =>
      firstOf(
        members.filter((member) => member !== leader || children.get(member)!.signalCode === null),
        value,
      ),
    async revive() {
      await stopChild(children.get(leader)!)
      start(leader)
      for (const { client } of members) while (!(await hasLeader(client))) await delay(pollMs)
      leader = await leading()
    },
    async stop() {
      await Promise.all([...children.values()].map(stopChild))
      removeFolder(folder)
    },
  }
}

/** The first answer counts: a node that sent the write on to the dead leader would only answer seconds later. */
async function firstOf(members: readonly Member[], value: string): Promise<void> {
  const over = new AbortController()
  const done = new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()))
  for (let attempt = 0; !over.signal.aborted; attempt++) {
    void put(members[attempt % members.length]!.client, value, over)
    await Promise.race([done, delay(attemptMs)])
  }
}

async function put(client: string, value: string, over: AbortController): Promise<void> {
  try {
    const body = JSON.stringify({ key: base64('k'), value: base64(value) })
    const response = await fetch(`http://${client}/v3/kv/put`, { method: 'POST', body, signal: over.signal })
    await response.text()
    if (response.ok) over.abort()
  } catch {}
}

async function hasLeader(client: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${client}/v3/maintenance/status`, { method: 'POST', body: '{}' })
    const { leader } = (await response.json()) as { leader?: string }
    return leader !== undefined && leader !== '0'
  } catch {
    return false
  }
}
