import { failure, type NodeId } from '../../src/contracts.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { isHeard, namedBy } from './change.js'
import {
  type Configuration,
  idsOf,
  isSame,
  type Learner,
  payloadOfConfiguration,
  quorumOf,
  type Server,
  stayingIn,
  without,
} from './configuration.js'
import { finish, giveUp } from './end-change.js'
import { followConfiguration, type Participant } from './participant.js'
import type { Change } from './volatile.js'

declare module '../../src/events.js' {
  interface EventDetails {
    members: { voters: readonly NodeId[]; outgoing?: readonly NodeId[]; learners: readonly NodeId[] }
  }
}

/**
 * Changes from the present voters to others, through both (joint consensus, §6): so any set of voters may follow any
 * other.
 */
export function changeVoters(
  node: Participant,
  change: Change,
  { voters, learners }: Pick<Configuration, 'voters' | 'learners'>,
): void {
  const { voters: present, learners: before } = node.log.configuration.configuration
  const isThere = without(present, voters).length + without(voters, present).length === 0
  const hasMoved = voters.some(
    ({ id, client, peer }) =>
      !present.some((other) => other.id === id && other.client === client && other.peer === peer),
  )
  if (isThere && !hasMoved && areAlike(learners, before)) return finish(node, change)
  if (isThere) return appendConfiguration(node, { voters, outgoing: null, learners })
  if (!change.isForced && !isQuorumAlive(node, voters)) {
    const why = `too few of ${idsOf(voters).join(', ')} were heard lately to serve; \`force\` tries it all the same`
    return giveUp(node, change, failure('quorum_at_risk', why))
  }
  const isNamed = (one: Server) => namedBy(change).some(({ id }) => id === one.id)
  const stillToJoin = without(without(before, voters), learners).filter(isNamed)
  appendConfiguration(node, { voters, outgoing: present, learners: [...learners, ...stillToJoin] })
}

/** Checks whether two lists name the same learners, at the same addresses, that stay or do not. */
function areAlike(some: readonly Learner[], others: readonly Learner[]): boolean {
  const isAlike = (one: Learner, other: Learner) =>
    isSame(one, other) && one.client === other.client && one.peer === other.peer && one.stays === other.stays
  return some.length === others.length && some.every((one) => others.some((other) => isAlike(one, other)))
}

/** Checks whether a quorum of these voters was heard lately: after the change they must be able to go on. */
function isQuorumAlive(node: Participant, voters: readonly Server[]): boolean {
  const isAlive = (id: string) => id === node.id || isHeard(node, id)
  return quorumOf({ voters, outgoing: null }).has(new Set(idsOf(voters).filter(isAlive)))
}

/**
 * Appends a configuration, which is in force at once. Nodes that are no members by it are to be told, once it is
 * committed.
 */
export function appendConfiguration(
  node: Participant,
  { voters, outgoing, learners }: Omit<Configuration, 'origin'>,
): void {
  const { configuration: before } = node.log.configuration
  appendOwn(node, payloadOfConfiguration({ origin: before.origin, voters, outgoing, learners }))
  const votersBefore = before.outgoing ? [...before.outgoing, ...before.voters] : []
  const departed = [...votersBefore, ...stayingIn(before)].filter(
    ({ id }) => !idsOf([...voters, ...learners]).includes(id),
  )
  if (!outgoing && departed.length > 0) node.departed = { servers: departed, toldAt: null }
  const from = outgoing ? { outgoing: idsOf(outgoing) } : {}
  node.quorumSince = node.ticks
  node.effects.events.push({ event: 'members', voters: idsOf(voters), ...from, learners: idsOf(learners) })
  followConfiguration(node)
}
