import { failure, type NodeId } from '../../src/contracts.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { isHeard } from './change.js'
import { type Configuration, idsOf, payloadOfConfiguration, quorumOf, type Server, without } from './configuration.js'
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
export function changeVoters(node: Participant, change: Change, voters: readonly Server[]): void {
  const { voters: present, learners } = node.log.configuration.configuration
  const isThere = without(present, voters).length + without(voters, present).length === 0
  const hasMoved = voters.some(
    ({ id, client, peer }) =>
      !present.some((other) => other.id === id && other.client === client && other.peer === peer),
  )
  if (isThere && !hasMoved && learners.length === 0) return finish(node, change)
  if (isThere) return appendConfiguration(node, { voters, outgoing: null, learners: [] })
  if (!change.isForced && !isQuorumAlive(node, voters)) {
    const why = `too few of ${idsOf(voters).join(', ')} were heard lately to serve; \`force\` tries it all the same`
    return giveUp(node, change, failure('quorum_at_risk', why))
  }
  const stillToJoin = without(learners, voters).filter((one) => change.voters.some(({ id }) => id === one.id))
  appendConfiguration(node, { voters, outgoing: present, learners: stillToJoin })
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
  const departed = (before.outgoing ? [...before.outgoing, ...before.voters] : []).filter(
    ({ id }) => !idsOf([...voters, ...learners]).includes(id),
  )
  if (!outgoing && departed.length > 0) node.departed = { servers: departed, toldAt: null }
  const from = outgoing ? { outgoing: idsOf(outgoing) } : {}
  node.quorumSince = node.ticks
  node.effects.events.push({ event: 'members', voters: idsOf(voters), ...from, learners: idsOf(learners) })
  followConfiguration(node)
}
