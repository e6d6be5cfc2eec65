import { isSame } from './configuration.js'
import type { Participant } from './participant.js'

export type Standing = 'voter' | 'learner' | 'removed' | 'displaced' | 'no member'

/** The part that this node has in the latest configuration that it knows. */
export function standing({ log, self, isRemoved, displaced }: Participant): Standing {
  const { voters, outgoing, learners } = log.configuration.configuration
  if (isRemoved) return 'removed'
  if (displaced && log.admits(self)) return 'displaced'
  if ([...voters, ...(outgoing ?? [])].some((server) => isSame(server, self))) return 'voter'
  return learners.some((server) => isSame(server, self)) ? 'learner' : 'no member'
}
