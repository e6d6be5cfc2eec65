/** Nodes of the library in this process, for tests. */
import type { Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { createNode, type NodeOptions, type Peer, type RaftNode, reducer } from '../../client/raft/index.js'
import { localMembers } from '../../src/network/local-members.js'

export type Step = { readonly add: number }
export type Counter = RaftNode<Step, number, 'total', number>

/** A counter, whose result is the number that it comes to. */
export const counter = () =>
  reducer({
    initial: 0,
    apply(total: number, { add }: Step) {
      if (add === 13) throw new Error('thirteen')
      return { state: total + add, result: total + add }
    },
    query: (total: number, query: 'total') => {
      if (query !== 'total') throw new Error('no such query')
      return total
    },
  })

/** Addresses for so many nodes. */
export async function peersOf(count: number): Promise<Peer[]> {
  const base = await freeBasePort(count, '127.0.0.1')
  return localMembers(count, '127.0.0.1', base).map(({ id, peer }) => ({ id, peer }))
}

/** Settings of a node that a busy machine does not disturb. */
export function settingsOf(
  peers: readonly Peer[],
  at: number,
  founders = peers,
): NodeOptions<Step, number, 'total', number> {
  const { id, peer } = peers[at]!
  const isFounder = founders.some((one) => one.id === id)
  return { id, cluster: 'counting', peer, dataDir: null, machine: counter(), ...(isFounder && { bootstrap: founders }) }
}

/** Starts nodes that count, and waits until all of them are voters. */
export async function counting(
  t: Test,
  peers: readonly Peer[],
  more: Partial<NodeOptions<Step, number, 'total', number>> = {},
) {
  const nodes = await Promise.all(peers.map((_, at) => createNode({ ...settingsOf(peers, at), ...more })))
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  for (const node of nodes) {
    await node.untilLeader({ deadlineMs: 30_000 })
    while (node.status.voters.length < peers.length) await happened(node, 'members')
  }
  return nodes
}

export function happened(node: Counter, event: 'leader' | 'members' | 'role' | 'snapshot'): Promise<unknown> {
  return new Promise((resolve) => void node.once(event, resolve))
}

type Placed = { readonly status: Pick<Counter['status'], 'role'> }
export const leaderOf = <N extends Placed>(nodes: readonly N[]) => nodes.find(({ status }) => status.role === 'leader')!
export const followersOf = <N extends Placed>(nodes: readonly N[]) =>
  nodes.filter(({ status }) => status.role !== 'leader')

/** A state machine that keeps all numbers, in order; a result says how many there are. */
const list = () =>
  reducer({
    initial: [] as number[],
    apply: (all: number[], command: number) => ({ state: [...all, command], result: all.length + 1 }),
    query: (all: number[], _query: 'all') => all,
  })

/** Settings of a node that keeps numbers. */
export const listing = (peers: readonly Peer[], at: number): NodeOptions<number, number, 'all', number[]> => {
  const { id, peer } = peers[at]!
  return { id, cluster: 'listing', peer, dataDir: null, machine: list(), bootstrap: peers }
}

/** Starts nodes that keep numbers, and waits until all of them are voters. */
export async function listingCluster(t: Test, count: number) {
  const peers = await peersOf(count)
  const nodes = await Promise.all(peers.map((_, at) => createNode(listing(peers, at))))
  t.teardown(() => Promise.all(nodes.map((node) => node.close({ drainMs: 0 }).catch(() => {}))))
  for (const node of nodes) {
    await node.untilLeader({ deadlineMs: 30_000 })
    while (node.status.voters.length < count) await new Promise((resolve) => void node.once('members', resolve))
  }
  return nodes
}
