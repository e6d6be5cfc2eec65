import { type Foreigner, failure, type Identity, type NodeId } from '../../src/contracts.js'
import type { Doubt, StageTable } from '../../src/stage.js'
import { isIntroduced } from './change.js'
import { isAnswer, isCounted, noteHeard, noticeLostDisk } from './disks.js'
import { giveUp } from './end-change.js'
import { refusesLaterTerm } from './introduce.js'
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

/** What a foreigner says is doubted by nobody: it is not heard at all, and reported as what it is. */
export function doubtOwn(doubts: Table['doubts']): Table['doubts'] {
  const doubtUnlessForeign = (doubt: AnyDoubt) => (node: Participant, message: MembershipMessage) =>
    isForeign(node, message) ? null : doubt(node, message)
  const all = Object.entries(doubts) as [string, AnyDoubt[]][]
  return Object.fromEntries(all.map(([type, some]) => [type, some.map(doubtUnlessForeign)]))
}

type Table = StageTable<Participant, MembershipMessage>
type AnyDoubt = Doubt<Participant, MembershipMessage>

/** Only the question who somebody is, and its answer, are heard: they bear no term, and nobody is a member by them. */
function hearForeigner(node: Participant, message: MembershipMessage): boolean {
  const { from: id, origin = '', incarnation = '' } = message
  meetForeigner(node, { id, origin, incarnation })
  return message.type === 'Introduce' || message.type === 'Introduction'
}

/** So many foreigners are remembered at a time: anybody can say any name. */
const foreignerLimit = 64

/** A node of another cluster is reported once, shown for as long as it is met again, and not taken in. */
export function meetForeigner(node: Participant, foreigner: Foreigner): void {
  const { id, origin } = foreigner
  const known = node.foreigners.get(id)
  if (!known && node.foreigners.size >= foreignerLimit) return
  node.foreigners.set(id, { ...foreigner, metAt: node.ticks })
  const own = node.log.configuration.configuration.origin
  if (known?.origin !== origin) node.effects.events.push({ event: 'foreign_cluster', member: id, origin, own })
  refuseForeigner(node, foreigner)
}

/** Who is to be taken in, and belongs to another cluster, is not: the logs would not match. */
export function refuseForeigner(node: Participant, { id, origin }: Pick<Foreigner, 'id' | 'origin'>): void {
  const { change, role } = node
  if (role !== 'leader' || !change || change.refusal) return
  if (!change.voters.some((one) => one.id === id && !isIntroduced(one))) return
  const why = `${id} belongs to another cluster of the same name (its origin is ${origin}): give it an empty folder first`
  giveUp(node, change, failure('not_caught_up', why))
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

/** The verbs by which the shell learns who this node is, and says who was turned away. */
export const identityVerbs = { identify: identityOf, meet: meetForeigner }
