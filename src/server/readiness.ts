import type { NodeId, Status } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { Direction } from '../network/faults.js'
import type { Child } from './child.js'
import { exitCodes } from './exits.js'

/** A reason why a cluster cannot serve yet. */
export interface Awaited {
  /** The node that is waited for; null if the reason is not one node's. */
  readonly node: NodeId | null
  readonly why: string
}

/** A node's process, as far as the readiness of its cluster depends on it. */
export type SeenNode = Pick<Child, 'member' | 'condition' | 'last'>

/** A cluster at one moment, as its supervisor sees it. */
export interface Sight {
  readonly children: readonly SeenNode[]
  readonly links: ReadonlySet<Direction>
  readonly statuses: readonly Status[]
  /** False while the cluster is being founded; null where its members are fixed. */
  readonly isFounded: boolean | null
  readonly members: readonly NodeId[]
}

/** Lists what is missing until clients are served: running nodes, links between them, a leader, a finished founding. */
export function awaited(sight: Sight): Awaited[] {
  const { children, isFounded } = sight
  const starting = notServing(children)
  if (starting.length > 0) return starting
  const missing = [...withoutLink(sight), ...withoutLeader(sight)]
  return missing.length === 0 && isFounded === false ? unfounded(sight) : missing
}

/** Lists what is missing until clients are served, as somebody sees it who asks the nodes alone. */
export function awaitedByClients(sight: Omit<Sight, 'links' | 'members'>): Awaited[] {
  const missing = withoutLeader(sight)
  return missing.length === 0 && sight.isFounded === false ? unfounded(sight) : missing
}

/** Lists nodes that were started and do not serve yet. */
export function notServing(children: readonly SeenNode[]): Awaited[] {
  const starting = children.filter(({ condition }) => condition === 'starting')
  return starting.map(({ member: { id }, last }) => {
    const lastHeard = last === null ? 'nothing was heard of it' : `its last event was ${last}`
    return { node: id, why: `it has not begun to serve, and ${lastHeard}` }
  })
}

/** Finds the status of the leader of the latest term; without a leader, of the node with most entries. */
export function mostKnowing(statuses: readonly Status[]): Status | undefined {
  const leaders = statuses.filter(({ role }) => role === 'leader')
  const most = (all: readonly Status[], of: (status: Status) => number) => all.toSorted((a, b) => of(b) - of(a))[0]
  return most(leaders, ({ term = 0 }) => term) ?? most(statuses, ({ log }) => log?.last ?? 0)
}

/** Lists the members: all nodes where members are fixed; otherwise the members that the most knowing node has. */
export function membersIn({ isFounded, children, statuses }: Omit<Sight, 'members'>): NodeId[] {
  if (isFounded === null) return children.map(({ member }) => member.id)
  const { voters = [], outgoing = [], learners = [] } = mostKnowing(statuses) ?? {}
  return [...new Set([...voters, ...outgoing, ...learners])]
}

/** The beginning of the reason that a node has no link to another. */
const unreachable = 'it cannot reach'

/** Lists running members that have no connection to another running member. */
export function withoutLink({ children, links, members }: Sight): Awaited[] {
  const running = children.filter(({ member, condition }) => condition === 'up' && members.includes(member.id))
  return running.flatMap(({ member: from }) => {
    const unlinked = running.filter(({ member: to }) => from.id !== to.id && !links.has(`${from.id}>${to.id}`))
    if (unlinked.length === 0) return []
    return [
      {
        node: from.id,
        why: `${unreachable} ${unlinked.map(({ member }) => `${member.id} at ${member.peer}`).join(', ')}`,
      },
    ]
  })
}

function withoutLeader({ children, statuses }: Pick<Sight, 'children' | 'statuses'>): Awaited[] {
  const isLed = statuses.some(({ role }) => role === 'leader')
  // The servers of the first two stages know nothing of each other.
  if (isLed || (statuses.length > 0 && statuses.every(({ role }) => role === 'standalone'))) return []
  const away = children
    .filter(({ condition }) => condition !== 'up')
    .map(({ member, condition }) => `${member.id} is ${condition}`)
  return [{ node: null, why: `nobody leads${away.length > 0 ? `; ${away.join(', ')}` : ''}` }]
}

/**
 * Lists nodes that a founding waits for. It is done when all founding nodes are voters, know the leader and the voters,
 * and have switched on what all of them know.
 */
function unfounded({ children, statuses }: Pick<Sight, 'children' | 'statuses'>): Awaited[] {
  const leader = mostKnowing(statuses)
  const voters = String(leader?.voters)
  const isUnknown = ({ id }: Status) =>
    statuses.some((one) => one.id === id && (one.leader !== leader?.id || String(one.voters) !== voters))
  const out = children.filter(({ member }) => !voters.split(',').includes(member.id))
  const unaware = statuses.filter(isUnknown)
  if (out.length > 0) return out.map(({ member }) => ({ node: member.id, why: 'it does not vote yet' }))
  if (unaware.length > 0)
    return unaware.map(({ id }) => ({ node: id, why: 'it does not know yet who leads and votes' }))
  if (leader?.outgoing || leader?.change) return [{ node: leader.id, why: 'its change of members is not done' }]
  const off = statuses.filter(({ featuresOff }) => featuresOff)
  return off.map(({ id, featuresOff }) => ({ node: id, why: `it has not switched on ${featuresOff!.join(', ')} yet` }))
}

/**
 * Checks that nodes can reach each other. @throws ConfigError if all nodes run, and some have not found each other
 * within `ms`
 */
export function checkReachable(missing: readonly Awaited[], children: readonly Child[], ms: number): void {
  const unlinked = missing.filter(({ why }) => why.startsWith(unreachable))
  if (unlinked.length === 0 || children.some(({ condition }) => condition !== 'up')) return
  const who = describeMissing(unlinked)
  throw new ConfigError(`nodes have not found each other within ${ms / 1_000} s: ${who}; choose another --host`)
}

/** Describes in words what a cluster waits for; nodes that wait for the same reason share a phrase. */
export function describeMissing(missing: readonly Awaited[]): string {
  const reasons = new Map<string, NodeId[]>()
  for (const { node, why } of missing) reasons.set(why, [...(reasons.get(why) ?? []), ...(node === null ? [] : [node])])
  return [...reasons].map(([why, nodes]) => (nodes.length > 0 ? `${nodes.join(', ')}: ${why}` : why)).join('; ')
}

/**
 * Chooses the exit code of a cluster in which every node has died by itself: the exit code of all nodes, or the code of
 * a failed disk, or {@link exitCodes.refused}. Null while a node lives, or was killed on purpose and may be restarted.
 */
export function exitCodeOfAll(children: readonly Child[]): number | null {
  if (children.some(({ condition, expected }) => condition !== 'dead' || expected)) return null
  const codes = new Set(children.map(({ code }) => code))
  if (codes.size === 1) return [...codes][0] || exitCodes.refused
  return codes.has(exitCodes.diskFailed) ? exitCodes.diskFailed : exitCodes.refused
}
