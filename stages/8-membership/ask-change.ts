import { addressProblem, failure, isNodeId, type Member, type NodeId, type Request } from '../../src/contracts.js'
import { canStillEnd } from './call-off.js'
import { isIntroduced, namedBy, newChange } from './change.js'
import { problemWith } from './check-voters.js'
import type { AddNode, Reconfigure, RemoveNode } from './commands.js'
import { idsOf, isSame, membersOf, stayingIn } from './configuration.js'
import { connect, type Participant } from './participant.js'
import { refuse, refuseElsewhere } from './refuse.js'
import type { Candidate, Change, Goal } from './volatile.js'
import { describeWait } from './waiting.js'

/** Takes in a running node, also a member whose disk was replaced once more; or moves a member to another address. */
export function addNode(node: Participant, request: Request): void {
  const { node: id, client, peer } = request.command as AddNode & Request['command']
  const { voters, learners } = goalWithout(node, id)
  ask(node, request, { voters: [...voters, candidate(node, { id, client, peer })], learners })
}

export function removeNode(node: Participant, request: Request): void {
  const { node: id } = request.command as RemoveNode & Request['command']
  const members = idsOf(membersOf(node.log.configuration.configuration))
  const isMember = [...members, ...idsOf(namedBy(goal(node)))].includes(id)
  if (isMember || node.role !== 'leader') return ask(node, request, goalWithout(node, id))
  const why = `${id} is no member: the members are ${members.join(', ')}`
  refuse(node, request, failure('bad_request', why, { members }))
}

/** Puts any voters in the place of any others, in one change. */
export function reconfigure(node: Participant, request: Request): void {
  const { voters } = request.command as unknown as Reconfigure
  const found = voters.map((name) => known(node, name) ?? parseMember(node, name))
  const wrong = voters.find((_, at) => !found[at])
  const learners = goal(node).learners.filter(({ id }) => !found.some((one) => one?.id === id))
  if (wrong === undefined) return ask(node, request, { voters: found as Candidate[], learners })
  if (node.role !== 'leader') return refuseElsewhere(node, request)
  const [, client = '', peer = ''] = /^[^=]*=([^/]*)\/(.*)$/.exec(wrong) ?? []
  const problem = wrong.includes('=') ? (addressProblem(client) ?? addressProblem(peer)) : null
  const why = problem
    ? `${JSON.stringify(wrong)} must have ${problem}`
    : `${JSON.stringify(wrong)} is no member: a new one is named with its addresses, n6=client-host:port/peer-host:port`
  refuse(node, request, failure('bad_request', why))
}

const known = (node: Participant, name: string): Candidate | undefined =>
  [...namedBy(goal(node)), ...node.log.configuration.configuration.learners].find(
    ({ id, client, peer }) => name === id || name === `${id}=${client}/${peer}`,
  )

/** A voter to be, its disk unknown: the node itself will say which disk it has. The leader knows its own disk. */
export function candidate({ self }: Participant, member: Member): Candidate {
  return { ...member, incarnation: member.id === self.id ? self.incarnation : null }
}

/** Parses a node named with its addresses, `n6=client/peer`; undefined where the text is of another form. */
export function parseMember(node: Participant, name: string): Candidate | undefined {
  const [, id, client, peer] = /^([^=]+)=([^/]+)\/(.+)$/.exec(name) ?? []
  if (!id || !client || !peer || !isNodeId(id) || addressProblem(client) || addressProblem(peer)) return undefined
  return candidate(node, { id, client, peer })
}

/** The members that the change under way leads to; without one, the present ones. */
export function goal({ change, log }: Participant): Goal {
  if (change && !change.refusal && !change.isFounding) return change
  const { configuration } = log.configuration
  return { voters: configuration.voters, learners: stayingIn(configuration) }
}

/** The same members without this node. */
export function goalWithout(node: Participant, id: NodeId): Goal {
  const { voters, learners } = goal(node)
  const isOther = (one: Member) => one.id !== id
  return { voters: voters.filter(isOther), learners: learners.filter(isOther) }
}

/**
 * The leader makes one change at a time. A client that asks for the change under way waits for it like the client that
 * asked first, so asking twice does no harm; also where the leader that was asked first leads no more.
 */
export function ask(node: Participant, request: Request, wanted: Goal): void {
  if (node.role !== 'leader') return refuseElsewhere(node, request)
  const problem = problemWith(node, wanted.voters, wanted.learners)
  if (problem) return refuse(node, request, failure('bad_request', problem))
  if (hasLeft(node)) return refuse(node, request, failure('no_leader', `${node.id} has left, and leads no more`))
  giveWay(node)
  const { index, configuration } = node.log.configuration
  const isUnderWay = node.change !== null || configuration.outgoing !== null || index > node.commitIndex
  const isTheSame = describe(wanted) === describe(goal(node)) && (!node.change || asksNobodyElse(node.change, wanted))
  if (isUnderWay && !isTheSame) {
    const to = idsOf(node.change?.voters ?? configuration.voters).join(', ')
    const cancel = node.change && canStillEnd(node, node.change) ? ' (`cancel_change` calls it off)' : ''
    const why = `the voters are just becoming ${to}${describeWait(node)}; one change at a time${cancel}`
    return refuse(node, request, failure('change_in_progress', why))
  }
  node.change ??= newChange(node, wanted, { isForced: request.command.force === true })
  node.change.requests.push(request.id)
  connect(node)
}

/**
 * Checks whether this leader was removed. It leads until the next turn, and changes nothing any more: it would become
 * its own learner.
 */
function hasLeft({ change, log, commitIndex, self }: Participant): boolean {
  const { index, configuration } = log.configuration
  const isOut = !configuration.outgoing && !configuration.voters.some((server) => isSame(server, self))
  return isOut && !change && index <= commitIndex
}

/** An operator's change goes before the founder's own, unless a step of the founder's change is on its way. */
function giveWay(node: Participant): void {
  const { index, configuration } = node.log.configuration
  if (node.change?.isFounding && !configuration.outgoing && index <= node.commitIndex) node.change = null
}

function describe({ voters, learners }: Goal): string {
  const list = (members: readonly Member[]) => members.map(({ id, client, peer }) => `${id} ${client} ${peer}`).sort()
  return [list(voters), list(learners)].join('; ')
}

/**
 * Checks that a repeated request needs no new question: each voter's disk is known, or asked for already. Any other
 * node may have a new disk.
 */
function asksNobodyElse({ newcomers, refusal }: Change, wanted: Goal): boolean {
  return !refusal && namedBy(wanted).every((candidate) => isIntroduced(candidate) || newcomers.includes(candidate.id))
}
