import type { Foreigner, Identity, NodeId } from '../../src/contracts.js'
import { isAnswer, isCounted, noteHeard, noticeLostDisk, refusesLaterTerm } from './disks.js'
import { observeLoyally } from './loyalty.js'
import type { MembershipMessage } from './messages.js'
import type { Participant } from './participant.js'

/** A node's identity is its disk and the origin of its cluster. Every message bears both: names are for people. */
export function identityOf({ self, log }: Participant): Identity {
  return { incarnation: self.incarnation, origin: log.configuration.configuration.origin }
}

/**
 * The gate compares identities before anything else. A cluster that is founded twice under one name has two histories
 * with the same indexes and terms, and no consistency check sees the seam: so a message of another origin is not heard,
 * and an answer counts only for the disk that the members know.
 */
export function observeByIdentity(node: Participant, message: MembershipMessage): boolean {
  if (isForeign(node, message)) return hearForeigner(node, message)
  node.foreigners.delete(message.from)
  noteHeard(node, message)
  if (isAnswer(message)) {
    if (!isCounted(node, message)) return noticeLostDisk(node, message) && observeLoyally(node, message)
    if (refusesLaterTerm(node, message)) return false
  }
  return observeLoyally(node, message)
}

/** A node that knows of no cluster yet is nobody's enemy: it may become a member of this one. */
function isForeign(node: Participant, { origin }: MembershipMessage): boolean {
  const own = node.log.configuration.configuration.origin
  return own !== '' && origin !== '' && origin !== own
}

/** Only the question who somebody is, and its answer, are heard: they bear no term, and nobody is a member by them. */
function hearForeigner(node: Participant, message: MembershipMessage): boolean {
  const { from: id, origin = '', incarnation = '' } = message
  meetForeigner(node, { id, origin, incarnation })
  return message.type === 'Introduce' || message.type === 'Introduction'
}

/** So many foreigners are remembered at a time: anybody can say any name. */
const foreignerLimit = 64

/** A node of another cluster is reported once, and shown for as long as it is met again. */
export function meetForeigner(node: Participant, { id, origin, incarnation }: Foreigner): void {
  const known = node.foreigners.get(id)
  if (known?.origin !== origin && node.foreigners.size < foreignerLimit) {
    const own = node.log.configuration.configuration.origin
    node.effects.events.push({ event: 'foreign_cluster', member: id, origin, own })
  }
  if (known || node.foreigners.size < foreignerLimit)
    node.foreigners.set(id, { id, origin, incarnation, metAt: node.ticks })
}

/** A foreigner that has not been met for so many election time-outs is there no more. */
const forgottenAfter = 10

export interface Met extends Foreigner {
  readonly metAt: number
}

/** Who of another cluster is there at present, for `info`. */
export function foreignersOf({ foreigners, ticks, timing }: Participant): { id: NodeId; origin: string }[] {
  return [...foreigners.values()]
    .filter(({ metAt }) => ticks - metAt < forgottenAfter * timing.electionTicks)
    .map(({ id, origin }) => ({ id, origin }))
}
