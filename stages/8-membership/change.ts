import type { ChangeStatus, Member, NodeId } from '../../src/contracts.js'
import { matchIndexOf } from '../4-log-replication/progress.js'
import { idsOf, type Server } from './configuration.js'
import type { Participant } from './participant.js'
import type { Candidate, Change, Goal } from './volatile.js'

/** All nodes that a change names. */
export const namedBy = ({ voters, learners }: Goal): Candidate[] => [...voters, ...learners]

export function newChange(node: Participant, goal: Goal, { isForced = false, isFounding = false }): Change {
  const named = namedBy(goal)
  const newcomers = idsOf(named.filter((candidate) => !isIntroduced(candidate)))
  const isElsewhere = ({ id, peer }: Member) => named.some((one) => one.id === id && one.peer !== peer)
  const staying = new Set(idsOf(node.members.filter((member) => isElsewhere(member) && isHeard(node, member.id))))
  const asks = { requests: [], cancels: [], staying, askedAt: node.ticks }
  return { ...goal, newcomers, isForced, isFounding, ...asks, rounds: new Map(), refusal: null }
}

/** Checks whether a node has answered this one within an election time-out. */
export function isHeard({ heardAt, ticks, timing }: Participant, id: NodeId): boolean {
  return ticks - (heardAt.get(id) ?? Number.NEGATIVE_INFINITY) < timing.electionTicks
}

export const isIntroduced = (candidate: Candidate): candidate is Server => candidate.incarnation !== null

/**
 * Checks whether a learner has caught up, and begins its next round if one ended. A learner has caught up when it
 * reaches the end that the log had at the round's beginning, in less than an election time-out (thesis 4.2.1). A
 * newcomer that counted at once would hold up all commits until it has the whole log.
 */
export function isCaughtUp(node: Participant, { rounds }: Change, id: NodeId): boolean {
  const reached = describeReached(node, id)
  const round = rounds.get(id)
  const hasArrived = round !== undefined && matchIndexOf(node.progress.get(id)) >= round.target
  if (hasArrived && node.ticks - round.since < node.timing.electionTicks) return true
  if (round && !hasArrived) {
    if (round.reached !== reached) Object.assign(round, { reached, movedAt: node.ticks })
    return false
  }
  const number = (round?.number ?? 0) + 1
  rounds.set(id, { number, target: node.log.last.index, since: node.ticks, reached, movedAt: node.ticks })
  return false
}

function describeReached(node: Participant, id: NodeId): string {
  return `${matchIndexOf(node.progress.get(id))} ${node.transfers.get(id)?.offset ?? ''}`
}

/** Describes a change for `info`: the nodes that are waited for, and how far each newcomer is. */
export function describeChange(node: Participant, { rounds, ...goal }: Change): ChangeStatus {
  const catchUp = [...rounds].map(([id, { number, target }]) => {
    const transfer = node.transfers.get(id)
    const snapshot = transfer && { held: transfer.offset, bytes: transfer.snapshot.bytes }
    return {
      id,
      round: number,
      matchIndex: matchIndexOf(node.progress.get(id)),
      target,
      ...(snapshot && { snapshot }),
    }
  })
  const silent = idsOf(namedBy(goal).filter((candidate) => !isIntroduced(candidate)))
  return { voters: idsOf(goal.voters), ...(silent.length > 0 && { silent }), ...(catchUp.length > 0 && { catchUp }) }
}
