import { type Foreigner, failure, type Identity, type Message, type NodeId } from '../../src/contracts.js'
import type { FactsAtGate } from '../../src/stage.js'
import { isIntroduced, namedBy } from './change.js'
import { giveUp } from './end-change.js'
import type { Participant } from './participant.js'

declare module '../../src/events.js' {
  interface EventDetails {
    foreign_cluster: { member: NodeId; origin: string; own: string }
  }
}

/** A node's identity is its disk and the origin of its cluster, and every message bears both: names are for people. */
export function identify({ self, log }: Participant): Identity {
  return { incarnation: self.incarnation, origin: log.configuration.configuration.origin }
}

/**
 * The gate compares origins before anything else. A cluster founded twice under one name has two histories with the
 * same indexes and terms, and no consistency check sees the seam. So no message from another origin is heard, except
 * the question who a node is, and its answer: no node becomes a member by these two.
 */
export function dropForeigners(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  const { from: id, origin = '', incarnation = '' } = message
  if (!isForeign(node, message)) {
    node.foreigners.delete(id)
    return true
  }
  meetForeigner(node, { id, origin, incarnation })
  return kind === 'asks who' || kind === 'says who'
}

/**
 * Checks whether a message comes from another cluster. A node that knows of no cluster yet is not foreign: it may
 * become a member of this one.
 */
export function isForeign(node: Participant, { origin = '' }: Message): boolean {
  const own = node.log.configuration.configuration.origin
  return own !== '' && origin !== '' && origin !== own
}

/** Foreigners that are remembered at a time, and reported in a node's life: any node can bear any name. */
const foreignerLimit = 64

/** A node of another cluster is reported once, shown for as long as it is met again, and not taken in. */
export function meetForeigner(node: Participant, foreigner: Foreigner): void {
  const { id, origin } = foreigner
  if (origin === node.log.configuration.configuration.origin) return
  const known = node.foreigners.get(id)
  if (!known && node.foreigners.size >= foreignerLimit) return
  node.foreigners.set(id, { ...foreigner, metAt: node.ticks })
  reportForeigner(node, foreigner)
  refuseForeigner(node, foreigner)
}

function reportForeigner({ reported, log, effects }: Participant, { id, origin }: Foreigner): void {
  const both = `${id} ${origin}`
  if (reported.has(both) || reported.size >= foreignerLimit) return
  reported.add(both)
  effects.events.push({ event: 'foreign_cluster', member: id, origin, own: log.configuration.configuration.origin })
}

/** A newcomer that belongs to another cluster is not taken in: the logs would not match. */
function refuseForeigner(node: Participant, { id, origin }: Pick<Foreigner, 'id' | 'origin'>): void {
  const { change, role } = node
  if (role !== 'leader' || !change || change.refusal) return
  if (!namedBy(change).some((one) => one.id === id && !isIntroduced(one))) return
  const why = `${id} belongs to another cluster of the same name (its origin is ${origin}): give it an empty folder first`
  giveUp(node, change, failure('not_caught_up', why))
}

/** Election time-outs without a message, after which a foreigner is shown no more. */
const forgottenAfter = 10

/** The nodes of other clusters that are there at present, for `info`. */
export function foreignersOf({ foreigners, ticks, timing }: Participant): { id: NodeId; origin: string }[] {
  return [...foreigners.values()]
    .filter(({ metAt }) => ticks - metAt < forgottenAfter * timing.electionTicks)
    .map(({ id, origin }) => ({ id, origin }))
}
