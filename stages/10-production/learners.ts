import { failure, type Member, type NodeId, type Refusal, type Request } from '../../src/contracts.js'
import { addNode, ask, candidate, goal, goalWithout } from '../8-membership/ask-change.js'
import { namedBy } from '../8-membership/change.js'
import { idsOf } from '../8-membership/configuration.js'
import { refuse, refuseElsewhere } from '../8-membership/refuse.js'
import type { AddNode, Promote } from './commands.js'
import type { ProductionNode } from './production-node.js'

/**
 * Takes in a node, to vote, or to stay a learner: such a node is sent all entries and serves stale reads, and no quorum
 * counts it (thesis 4.2.1).
 */
export function addMember(node: ProductionNode, request: Request): void {
  const { role, node: id, client, peer } = request.command as AddNode & Request['command']
  if (role !== 'learner') return addNode(node, request)
  const { voters, learners } = goalWithout(node, id)
  ask(node, request, { voters, learners: [...learners, candidate(node, { id, client, peer })] })
}

/** Has a learner vote, once its log is near enough the leader's end. A promotion that was made already is done. */
export function promote(node: ProductionNode, request: Request): void {
  move(node, request, (one, { voters, learners }) => ({ voters: [...voters, one], learners }))
}

/**
 * Makes a learner of a voter, through both sets of voters (joint consensus, §6): any number of voters may go so, but for
 * the last. A leader that is demoted hands over first.
 */
export function demote(node: ProductionNode, request: Request): void {
  move(node, request, (one, { voters, learners }) => ({ voters, learners: [...learners, one] }))
}

type Goal = ReturnType<typeof goal>

/** Asks for a change in which one member has another part, and keeps its disk and its addresses. */
function move(
  node: ProductionNode,
  request: Request,
  moved: (one: Goal['voters'][number], others: Goal) => Goal,
): void {
  const { node: id } = request.command as Promote & Request['command']
  if (node.role !== 'leader') return refuseElsewhere(node, request)
  const members = namedBy(goal(node))
  const member = members.find((one) => one.id === id)
  if (member) ask(node, request, moved(member, goalWithout(node, id)))
  else refuse(node, request, noMember(id, members))
}

function noMember(id: NodeId, members: readonly Member[]): Refusal {
  return failure('bad_request', `${id} is no member: the members are ${idsOf(members).join(', ')}`)
}
