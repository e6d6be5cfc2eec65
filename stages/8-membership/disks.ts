import { failure, type Message, type NodeId } from '../../src/contracts.js'
import type { FactsAtGate } from '../../src/stage.js'
import { countNone } from '../4-log-replication/progress.js'
import { idsOf } from './configuration.js'
import { tellDisplaced } from './displaced.js'
import { giveUp } from './end-change.js'
import { isForeign } from './identity.js'
import type { Participant } from './participant.js'
import type { Loss } from './volatile.js'

declare module '../../src/events.js' {
  interface EventDetails {
    disk_replaced: { member: NodeId }
    disk_older: { member: NodeId }
  }
}

/** The disk of a message's sender is the one that the latest configuration names, and nothing is known against it. */
export function isCounted(node: Participant, { from, incarnation }: Message): boolean {
  const member = node.members.find(({ id }) => id === from)
  return member?.incarnation === incarnation && node.lostDisks.get(from)?.incarnation !== incarnation
}

/**
 * A member is heard if its own disk answers; a newcomer, if it is no member under another disk. What is said unasked does
 * not show that it hears this node. All checks of a quorum go by it.
 */
export function noteHeard(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  const { from, incarnation } = message
  if ((kind !== 'answers' && kind !== 'says who') || isForeign(node, message)) return true
  const isMember = node.members.some(({ id }) => id === from)
  const isNewcomer = () =>
    node.change?.voters.some((one) => one.id === from && (one.incarnation ?? incarnation) === incarnation)
  if (!(isMember ? isCounted(node, message) : isNewcomer())) return true
  node.heardAt.set(from, node.ticks)
  // The disk that was admitted is back: the other one is only a namesake.
  if (isMember) node.lostDisks.delete(from)
  return true
}

/** An answer counts only for the disk that the members know. A node that is no member was asked while it still was one. */
export function dropOtherDisks(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'answers' || isCounted(node, message) || noticeLostDisk(node, message)
}

/**
 * A leader hears another disk than the one that the cluster admitted. That disk does not vote, so it does not acknowledge
 * either: otherwise one disk after the other is replaced, all is well, and one day nobody can be elected.
 *
 * @returns whether the answer is heard all the same: an empty disk is sent everything, so that it is ready to be taken in
 */
export function noticeLostDisk(node: Participant, message: Message): boolean {
  const { from, incarnation = '' } = message
  const member = node.members.find(({ id }) => id === from)
  if (node.role !== 'leader' || !member) return false
  if (node.lostDisks.get(from)?.incarnation !== incarnation) loseDisk(node, from, incarnation, 'replaced')
  const lost = node.lostDisks.get(from)!
  const isTold = lost.toldAt !== null && node.ticks - lost.toldAt < node.timing.electionTicks
  if (!isTold && tellDisplaced(node, from, lost)) lost.toldAt = node.ticks
  return lost.why === 'replaced' && 'sequence' in message && message.term === node.term
}

/** What a lost disk answers says what to send it next. It never says that anything is kept. */
export function countNothing(node: Participant, message: Message): void {
  const progress = node.progress.get(message.from)
  if (progress && !isCounted(node, message)) countNone(progress)
}

/** From here on a member's disk is lost: nothing that it acknowledged is counted any more, and a newcomer is given up. */
export function loseDisk(node: Participant, id: NodeId, incarnation: string, why: Loss): void {
  node.lostDisks.set(id, { incarnation, why, toldAt: null })
  node.heardAt.delete(id)
  const progress = node.progress.get(id)
  if (progress) countNone(progress)
  node.transfers.delete(id)
  node.effects.events.push({ event: why === 'replaced' ? 'disk_replaced' : 'disk_older', member: id })
  const { change } = node
  if (!change || change.refusal || !idsOf(node.log.configuration.configuration.learners).includes(id)) return
  giveUp(node, change, failure('not_caught_up', `${id} lost its disk while it caught up: ask for it once more`))
}

/** Ends a turn: what is known of disks goes with the configuration, and when another leads, who sees for itself. */
export function followDisks(node: Participant): void {
  if (node.role !== 'leader' && node.leader !== null) node.lostDisks.clear()
  for (const [id, { incarnation, why }] of node.lostDisks) {
    const member = node.members.find((one) => one.id === id)
    const isCountedNow = why === 'replaced' && member?.incarnation === incarnation
    if (!member || isCountedNow || (why === 'older' && member.incarnation !== incarnation)) node.lostDisks.delete(id)
  }
  const isLater = node.displaced && node.log.configuration.index > node.displaced.index
  if (isLater && node.log.admits(node.self)) node.displaced = null
}
