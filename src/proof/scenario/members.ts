import type { Command, Member, NodeId, Status } from '../../contracts.js'
import { leaderOf } from './cast.js'
import type { Finding } from './leadership.js'
import { nodesOf } from './playable.js'
import type { Change, Driver, Members, MembersSaid, Place, Scenario, Statement } from './scenario.js'

/** Who takes nodes in and out; a newcomer may have much to catch up with, so it waits longer than other clients. */
export const operator = { name: 'op', deadlineMs: 30_000 }

/** How often the members are looked at while something is awaited. */
const everyMs = 50

/** The members as the leader has them, or, while nobody leads, who has seen most committed; null where they are fixed. */
export function membersIn(statuses: readonly Status[]): Members | null {
  const [knowing] = statuses.filter(({ voters }) => voters !== undefined).sort((one, other) => compare(other, one))
  if (knowing === undefined) return null
  const { voters = [], outgoing = null, learners = [] } = knowing
  return { voters, outgoing, learners }
}

function compare(one: Status, other: Status): number {
  const rank = ({ role, term = 0, commit = 0, log }: Status) => [role === 'leader' ? term : -1, commit, log?.last ?? 0]
  const others = rank(other)
  return rank(one).reduce((sign, number, at) => sign || number - others[at]!, 0)
}

/** Whether a node belongs to the cluster; where members are fixed, every node does. */
export function isMember(node: NodeId, members: Members | null): boolean {
  if (members === null) return true
  const { voters, outgoing, learners } = members
  return [voters, outgoing ?? [], learners].some((some) => some.includes(node))
}

/** Nodes that run beside the five, and belong to nobody until they are taken in: only where a script names one. */
export const spares = ['n6', 'n7']

export const namesSpares = ({ statements }: Scenario): boolean =>
  namedIn(statements).some((word) => spares.includes(word))

function namedIn(statements: readonly Statement[]): string[] {
  return statements.flatMap((one) => (one.kind === 'repeat' ? namedIn(one.body) : nodesOf(one)))
}

/** What running nodes take themselves for, as they say it. */
export function placesIn(statuses: readonly Status[]): Place[] {
  const members = membersIn(statuses)
  return statuses.map(({ id, role, term = 0, leader }) => {
    return { node: id, role, term, leader, ...(!isMember(id, members) && { outsider: true }) }
  })
}

/** What a client says to have the members changed. */
export function commandOf({ change, isForced }: Change, members: readonly Member[]): Command {
  const force = isForced ? { force: true } : {}
  const [{ id, client, peer }] = members as [Member]
  if (change === 'add') return { command: 'add_node', node: id, client, peer }
  if (change === 'remove') return { command: 'remove_node', node: id, ...force }
  return { command: 'reconfigure', voters: members.map(({ id, client, peer }) => `${id}=${client}/${peer}`), ...force }
}

/** Looks who the voters or the learners are, until they are those that were said, or for as long as that may take. */
export async function judgeMembers(
  { kind, withinMs }: MembersSaid,
  wanted: readonly NodeId[],
  driver: Driver,
): Promise<Finding> {
  for (let left = withinMs; ; left -= everyMs) {
    const members = leaderOf(await driver.places()) && (await driver.members())
    if (members && isAsSaid(kind, wanted, members)) return { outcome: '', mark: 'fine', expected: '' }
    if (left <= 0) {
      const outcome = members ? describe(kind, members) : 'nobody leads'
      return { outcome, mark: withinMs === 0 && members ? 'violated' : 'unavailable', expected: sorted(wanted) }
    }
    await driver.wait(everyMs)
  }
}

function isAsSaid(kind: MembersSaid['kind'], wanted: readonly NodeId[], members: Members): boolean {
  return sorted(members[kind]) === sorted(wanted) && (kind === 'learners' || members.outgoing === null)
}

function describe(kind: MembersSaid['kind'], members: Members): string {
  const half = kind === 'voters' && members.outgoing ? `, and still ${sorted(members.outgoing)}` : ''
  return `${sorted(members[kind]) || 'none'}${half}`
}

const sorted = (nodes: readonly NodeId[]) => [...nodes].sort().join(' ')
