import { failure, type Message, type NodeId } from '../../src/contracts.js'
import { type FactsAtGate, send } from '../../src/stage.js'
import { isIntroduced, namedBy } from './change.js'
import { idsOf, stayingIn } from './configuration.js'
import { giveUp } from './end-change.js'
import { endFounding } from './found.js'
import type { Introduce, Introduction } from './messages.js'
import type { Participant } from './participant.js'
import type { Candidate, Change } from './volatile.js'

declare module '../../src/events.js' {
  interface EventDetails {
    not_founded: { member: NodeId; origin: string }
  }
}

/**
 * A newcomer is asked first which disk it has, once each heartbeat, until it answers. So the leader knows that it runs
 * and can be reached, before anything is changed for it: a wrong address costs no quorum (thesis 4.2.1).
 */
export function introduceNewcomers(node: Participant): void {
  if (node.ticks % node.timing.heartbeatTicks !== 0) return
  for (const to of awaited(node)) send<Introduce>(node, { type: 'Introduce', from: node.id, to })
}

function awaited({ role, change, founding, founders, id: self }: Participant): NodeId[] {
  if (founding) return idsOf(founders).filter((id) => id !== self && !founding.has(id))
  return role === 'leader' && change ? idsOf(namedBy(change).filter((candidate) => isAsked(change, candidate))) : []
}

/**
 * A newcomer is asked until its disk is known. A member that still answers at its old address may not move yet, and is
 * not asked.
 */
const isAsked = ({ staying }: Change, candidate: Candidate) => !isIntroduced(candidate) && !staying.has(candidate.id)

/** A newcomer says who it is: each of its messages bears its disk and the cluster that it knows. */
export function introduceSelf(node: Participant, { from: to }: Introduce): void {
  if (node.founding && idsOf(node.founders).includes(to)) {
    // Of two that would found one with each other, the first by name does.
    if (node.id < to) return
    endFounding(node, failure('cluster_exists', `${to} is founding the cluster`))
  }
  send<Introduction>(node, { type: 'Introduction', from: node.id, to })
}

/**
 * A node has said who it is. A founder that finds another founder in a cluster already founds none: most likely its own
 * disk was lost, and the operator of that cluster can take it in again. A newcomer of another cluster was refused at
 * the gate already.
 */
export function hearIntroduction(node: Participant, { from, incarnation = '', origin = '' }: Introduction): void {
  const { founding, change, role } = node
  if (founding && origin === '') founding.add(from)
  else if (founding) {
    endFounding(
      node,
      failure('cluster_exists', `${from} belongs to a cluster already (origin ${origin}): nothing was founded`),
    )
    node.effects.events.push({ event: 'not_founded', member: from, origin })
  } else if (role === 'leader' && change && namedBy(change).some((one) => one.id === from && isAsked(change, one))) {
    const known = (one: Candidate) => (one.id === from && !isIntroduced(one) ? { ...one, incarnation } : one)
    node.change = { ...change, voters: change.voters.map(known), learners: change.learners.map(known) }
  }
}

/**
 * A newcomer in a later term does not depose the leader that takes it in: it was removed, and has stood for election
 * since. It cannot go back to the leader's term either, since it may have voted in its own.
 */
export function dropLaterTerms(node: Participant, { from, term = 0 }: Message, { kind }: FactsAtGate): boolean {
  const { configuration } = node.log.configuration
  const { voters, outgoing } = configuration
  if (kind !== 'answers' || term <= node.term) return true
  if ([...voters, ...(outgoing ?? []), ...stayingIn(configuration)].some(({ id }) => id === from)) return true
  const why = `${from} is in a later term (${term}, the cluster in ${node.term}): start it with an empty folder`
  if (node.role === 'leader' && node.change && !node.change.refusal)
    giveUp(node, node.change, failure('not_caught_up', why))
  return false
}
