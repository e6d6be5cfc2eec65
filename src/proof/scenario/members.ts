import type { Command, Member, NodeId, Status } from '../../contracts.js'
import { leaderOf } from './cast.js'
import type { Finding } from './leadership.js'
import { nodesOf } from './playable.js'
import type { Change, Driver, Members, MembersSaid, Place, Scenario, Statement } from './scenario.js'

/**
 * The client that adds and removes nodes. It waits longer than other clients, because a newcomer may have much to catch
 * up with.
 */
export const operator = { name: 'op', deadlineMs: 30_000 }

/** Milliseconds between two looks at the members. */
const everyMs = 50

/**
 * Reads the members as the leader has them, or, without a leader, the node that has seen most committed. Null where
 * they are fixed.
 */
export function membersIn(statuses: readonly Status[]): Members | null {
  const [knowing] = statuses.filter(({ voters }) => voters !== undefined).sort((one, other) => compare(other, one))
  if (knowing === undefined) return null
  const { voters = [], outgoing = null, learners = [], change } = knowing
  return { voters, outgoing, learners, isChanging: change !== undefined }
}

function compare(one: Status, other: Status): number {
  const rank = ({ role, term = 0, commit = 0, log }: Status) => [role === 'leader' ? term : -1, commit, log?.last ?? 0]
  const others = rank(other)
  return rank(one).reduce((sign, number, at) => sign || number - others[at]!, 0)
}

/** Checks whether a node is a member; where members are fixed, every node is one. */
export function isMember(node: NodeId, members: Members | null): boolean {
  if (members === null) return true
  const { voters, outgoing, learners } = members
  return [voters, outgoing ?? [], learners].some((some) => some.includes(node))
}

/** Nodes that run beside the five and are no members until they are added; they run only where a script names one. */
export const spares = ['n6', 'n7']

export const namesSpares = ({ statements }: Scenario): boolean =>
  namedIn(statements).some((word) => spares.includes(word))

function namedIn(statements: readonly Statement[]): string[] {
  return statements.flatMap((one) => (one.kind === 'repeat' ? namedIn(one.body) : nodesOf(one)))
}

/** Reads the places of running nodes from their statuses. */
export function placesIn(statuses: readonly Status[]): Place[] {
  const members = membersIn(statuses)
  return statuses.map(({ id, role, term = 0, leader }) => {
    return { node: id, role, term, leader, ...(!isMember(id, members) && { outsider: true }) }
  })
}

/** Makes the command that asks for a change of members. */
export function commandOf({ change, isForced }: Change, members: readonly Member[]): Command {
  const force = isForced ? { force: true } : {}
  const [{ id, client, peer }] = members as [Member]
  if (change === 'add') return { command: 'add_node', node: id, client, peer }
  if (change === 'remove') return { command: 'remove_node', node: id, ...force }
  return { command: 'reconfigure', voters: members.map(({ id, client, peer }) => `${id}=${client}/${peer}`), ...force }
}

/** Makes the command that asks for a hand-over, to this node or to the nearest. */
export const handingOver = (to: NodeId | undefined): Command => ({
  command: 'transfer_leader',
  ...(to !== undefined && { to }),
})

/** Judges the voters or the learners: looks again until they are as expected, or until the time is over. */
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
      return {
        outcome,
        mark: withinMs === 0 && members ? 'violated' : 'unavailable',
        expected: sorted(wanted) || 'a change',
      }
    }
    await driver.wait(everyMs)
  }
}

function isAsSaid(kind: MembersSaid['kind'], wanted: readonly NodeId[], members: Members): boolean {
  if (kind === 'change under way') return members.isChanging
  return sorted(members[kind]) === sorted(wanted) && (kind === 'learners' || members.outgoing === null)
}

function describe(kind: MembersSaid['kind'], members: Members): string {
  if (kind === 'change under way') return 'none'
  const half = kind === 'voters' && members.outgoing ? `, and still ${sorted(members.outgoing)}` : ''
  return `${sorted(members[kind]) || 'none'}${half}`
}

const sorted = (nodes: readonly NodeId[]) => [...nodes].sort().join(' ')
