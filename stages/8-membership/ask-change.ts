import { failure, type Member, type Refusal, type Request } from '../../src/contracts.js'
import { refer } from '../4-log-replication/propose.js'
import { type Candidate, type Change, isIntroduced, newChange } from './change.js'
import { type AddNode, isAddress, type Reconfigure, type RemoveNode } from './commands.js'
import { idsOf } from './configuration.js'
import { connect, type Participant } from './participant.js'

/** Takes in a node that runs, or one whose disk was replaced once more; or moves it to another address. */
export function addNode(node: Participant, request: Request): void {
  const { node: id, client, peer } = request.command as AddNode & Request['command']
  const others = goal(node).filter((voter) => voter.id !== id)
  ask(node, request, [...others, candidate(node, { id, client, peer })])
}

export function removeNode(node: Participant, request: Request): void {
  const { node: id } = request.command as RemoveNode & Request['command']
  ask(
    node,
    request,
    goal(node).filter((voter) => voter.id !== id),
  )
}

/** Any voters in place of any others, in one change. */
export function reconfigure(node: Participant, request: Request): void {
  const { voters } = request.command as unknown as Reconfigure
  const found = voters.map((name) => known(node, name) ?? parseMember(node, name))
  const wrong = voters.find((_, at) => !found[at])
  const twice = found.find((one, at) => found.findIndex((other) => other?.id === one?.id) < at)
  if (twice) return refuse(node, request, failure('bad_request', `${twice.id} is named twice, and counts once`))
  if (wrong === undefined) return ask(node, request, found as Candidate[])
  const why = `${JSON.stringify(wrong)} is no member: a new one is named with its addresses, n6=client-host:port/peer-host:port`
  refuse(node, request, failure('bad_request', why))
}

const known = (node: Participant, name: string): Candidate | undefined =>
  [...goal(node), ...node.log.configuration.configuration.learners].find(
    ({ id, client, peer }) => name === id || name === `${id}=${client}/${peer}`,
  )

/** What disk it has, it is to say itself; of itself, the leader knows. */
function candidate({ self }: Participant, member: Member): Candidate {
  return { ...member, incarnation: member.id === self.id ? self.incarnation : null }
}

/** A node named with its addresses, `n6=client/peer`; undefined where the text is of another form. */
export function parseMember(node: Participant, name: string): Candidate | undefined {
  const [, id, client, peer] = /^([A-Za-z0-9_-]{1,32})=([^/]+)\/(.+)$/.exec(name) ?? []
  if (!id || !client || !peer || !isAddress(client) || !isAddress(peer)) return undefined
  return candidate(node, { id, client, peer })
}

/** The voters that there are, or that there are to be. */
function goal({ change, log }: Participant): readonly Candidate[] {
  return change && !change.refusal ? change.voters : log.configuration.configuration.voters
}

/**
 * One change at a time. Who asks for the one that is under way waits for it like whoever asked first, so that asking
 * twice does no harm; also where the first to be asked leads no more.
 */
function ask(node: Participant, request: Request, voters: readonly Candidate[]): void {
  if (node.role !== 'leader') return refer(node, request)
  if (voters.length === 0) return refuse(node, request, failure('bad_request', 'a cluster has one voter at least'))
  const { index, configuration } = node.log.configuration
  const isUnderWay = node.change !== null || configuration.outgoing !== null || index > node.commitIndex
  const isTheSame = describe(voters) === describe(goal(node)) && (!node.change || asksNobodyElse(node.change, voters))
  if (isUnderWay && !isTheSame) {
    const why = `the voters are just becoming ${idsOf(goal(node)).join(', ')}; one change at a time`
    return refuse(node, request, failure('change_in_progress', why))
  }
  node.change ??= newChange(voters, node.ticks, request.command.force === true)
  node.change.requests.push(request.id)
  connect(node)
}

const describe = (members: readonly Member[]) =>
  members
    .map(({ id, client, peer }) => `${id} ${client} ${peer}`)
    .sort()
    .join()

/** Whether only those are to be asked for their disks that are asked already: any other may have a new one. */
function asksNobodyElse({ newcomers, refusal }: Change, voters: readonly Candidate[]): boolean {
  return !refusal && voters.every((candidate) => isIntroduced(candidate) || newcomers.includes(candidate.id))
}

function refuse(node: Participant, { id: request }: Request, answer: Refusal): void {
  node.effects.replies.push({ request, answer })
}
