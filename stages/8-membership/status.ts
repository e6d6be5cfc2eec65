import type { MembershipStatus, Status } from '../../src/contracts.js'
import { compactorStatus } from '../7-log-compaction/compactor.js'
import { describeChange } from './change.js'
import { idsOf } from './configuration.js'
import { foreignersOf } from './identity.js'
import type { Participant } from './participant.js'
import { type Standing, standing } from './standing.js'
import { describeAwaited } from './waiting.js'

/** The status that `info` tells of a node, with the members as the node knows them. */
export function statusOfMember(node: Participant): Status {
  const { voters, outgoing, learners } = node.log.configuration.configuration
  const member = standing(node)
  const membership: Partial<MembershipStatus> = {
    member,
    voters: idsOf(voters),
    ...(outgoing && { outgoing: idsOf(outgoing) }),
    ...(learners.length > 0 && { learners: idsOf(learners) }),
    ...identityStatus(node, member),
    ...(node.change && { change: describeChange(node, node.change) }),
    ...(node.awaiting && { waiting: describeAwaited(node) }),
  }
  return Object.assign(compactorStatus(node), membership)
}

/**
 * The part of the status about disks and clusters: the known origin, lost disks, foreigners, silent founders, and
 * advice.
 */
function identityStatus(node: Participant, standing: Standing): Partial<MembershipStatus> {
  const { log, lostDisks, foreigners, founding, founders, double } = node
  const { origin } = log.configuration.configuration
  const foreign = foreigners.size > 0 ? foreignersOf(node) : []
  const lost = [...lostDisks].map(([id, { why }]) => [id, why] as const)
  const silent = founders.flatMap(({ id }) => (id !== node.id && !founding?.has(id) ? [id] : []))
  const advice = standing === 'voter' && !double ? null : advise(node, standing)
  return {
    ...(origin !== '' && { origin }),
    ...(lost.length > 0 && { disks: Object.fromEntries(lost) }),
    ...(foreign.length > 0 && { foreign }),
    ...(double && { double: double.address }),
    ...(founding && { founding: { silent } }),
    ...(advice && { advice }),
  }
}

/** Advice to the operator of a node that does not count: the reason, and what to do about it. */
function advise(node: Participant, standing: Standing): string | null {
  const { self, log, displaced, founding, leader, double } = node
  if (double)
    return `${double.address} has the same name and disk, and is heard instead: one of the two is a copy; stop it`
  const admission = `add_node ${self.id} ${self.client} ${self.peer}`
  if (displaced?.why === 'older')
    return `its folder is older than what it had acknowledged: start it with an empty one, then ${admission}`
  if (displaced) return `the cluster knows another disk as ${self.id}; if this one is to be in its place: ${admission}`
  if (standing === 'removed') return `it was removed: stop it; or, to take it in again: ${admission}`
  if (founding) return null
  if (standing === 'learner') return null
  if (log.last.index > 0 || leader !== null) return `its disk is not a member's: ${admission}`
  return `it knows of no cluster, and waits for ${admission}, asked there; where none was founded yet: found_cluster, asked here`
}
