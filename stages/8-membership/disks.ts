import { failure, type Message, type NodeId } from '../../src/contracts.js'
import type { FactsAtGate } from '../../src/stage.js'
import { countNone } from '../4-log-replication/progress.js'
import { namedBy } from './change.js'
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

/** Checks whether a sender's disk counts: the latest configuration names it, and it is not known to be lost. */
export function isCounted(node: Participant, { from, incarnation }: Message): boolean {
  const member = node.members.find(({ id }) => id === from)
  return member?.incarnation === incarnation && node.lostDisks.get(from)?.incarnation !== incarnation
}

/**
 * Notes that a node is heard: a member if its own disk answers; a newcomer if it is no member under another disk. Only
 * an answer counts: a message that was not asked for does not show that its sender hears this node. All checks of a
 * quorum go by these notes.
 */
export function noteHeard(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  const { from, incarnation } = message
  if ((kind !== 'answers' && kind !== 'says who') || isForeign(node, message)) return true
  const isMember = node.members.some(({ id }) => id === from)
  const isNewcomer = () =>
    node.change &&
    namedBy(node.change).some((one) => one.id === from && (one.incarnation ?? incarnation) === incarnation)
  if (!(isMember ? isCounted(node, message) : isNewcomer())) return true
  node.heardAt.set(from, node.ticks)
  // The disk that was admitted is back: the other one is only a namesake.
  if (isMember) node.lostDisks.delete(from)
  return true
}

/**
 * Drops replies from a disk that does not count, but for those that {@link noticeLostDisk} lets pass. Replies from a
 * node that is no longer a member are dropped too: it was asked while it still was one.
 */
export function dropOtherDisks(node: Participant, message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'answers' || isCounted(node, message) || noticeLostDisk(node, message)
}

/**
 * A leader hears another disk than the cluster admitted under a member's name. The other disk does not vote, so it does
 * not acknowledge either. Otherwise one disk after the other would be replaced while all seems well, until no node can
 * be elected.
 *
 * @returns whether the answer is heard all the same: an empty disk is sent all entries, so that it is ready to be taken
 * in
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

/**
 * An answer of a disk that does not count tells the leader only what to send it next. The leader counts none of its
 * entries as kept.
 */
export function countNothing(node: Participant, message: Message): void {
  const progress = node.progress.get(message.from)
  if (progress && !isCounted(node, message)) countNone(progress)
}

/**
 * Notes that a member's disk is lost: none of its acknowledgements count any more. A change that takes the member in as
 * a learner is given up.
 */
export function loseDisk(node: Participant, id: NodeId, incarnation: string, why: Loss): void {
  node.lostDisks.set(id, { incarnation, why, toldAt: null })
  node.heardAt.delete(id)
  const progress = node.progress.get(id)
  if (progress) countNone(progress)
  node.transfers.delete(id)
  node.effects.events.push({ event: why === 'replaced' ? 'disk_replaced' : 'disk_older', member: id })
  const { change } = node
  const learner = node.log.configuration.configuration.learners.find((one) => one.id === id)
  if (!change || change.refusal || !learner || (learner.stays && !idsOf(change.voters).includes(id))) return
  giveUp(node, change, failure('not_caught_up', `${id} lost its disk while it caught up: ask for it once more`))
}

/**
 * Ends a turn: forgets lost disks that the configuration has overtaken, and all of them when another node leads, which
 * sees for itself. A displaced node that a later configuration admits is displaced no more.
 */
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
