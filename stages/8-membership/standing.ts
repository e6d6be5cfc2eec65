import type { Status } from '../../src/contracts.js'
import { compactorStatus } from '../7-log-compaction/compactor.js'
import { identityStatus } from './advice.js'
import { describeChange } from './change.js'
import { idsOf, isSame } from './configuration.js'
import type { Participant } from './participant.js'
import { describeAwaited } from './waiting.js'

export type Standing = 'voter' | 'learner' | 'removed' | 'displaced' | 'no member'

/** What this node is in the latest configuration that it knows. */
export function standing({ log, self, isRemoved, displaced }: Participant): Standing {
  const { voters, outgoing, learners } = log.configuration.configuration
  if (isRemoved) return 'removed'
  if (displaced && log.admits(self)) return 'displaced'
  if ([...voters, ...(outgoing ?? [])].some((server) => isSame(server, self))) return 'voter'
  return learners.some((server) => isSame(server, self)) ? 'learner' : 'no member'
}

/** What `info` tells of a node and of the members as it knows them. */
export function statusOfMember(node: Participant): Status {
  const { voters, outgoing, learners } = node.log.configuration.configuration
  const member = standing(node)
  return Object.assign(compactorStatus(node), {
    member,
    voters: idsOf(voters),
    ...(outgoing && { outgoing: idsOf(outgoing) }),
    ...(learners.length > 0 && { learners: idsOf(learners) }),
    ...identityStatus(node, member),
    ...(node.change && { change: describeChange(node, node.change) }),
    ...(node.awaiting && { waiting: describeAwaited(node) }),
  })
}
