import type { NodeId } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import type { Displaced } from './messages.js'
import type { Participant } from './participant.js'
import type { Loss, LostDisk } from './volatile.js'

declare module '../../src/events.js' {
  interface EventDetails {
    displaced: { why: Loss }
  }
}

/** The one whose disk does not count is told so, by its disk: another node may bear its name. @returns whether it was */
export function tellDisplaced(
  node: Participant,
  to: NodeId,
  { incarnation, why }: Pick<LostDisk, 'incarnation' | 'why'>,
) {
  const { index } = node.log.configuration
  if (index > node.commitIndex || index === 0) return false
  send<Displaced>(node, { type: 'Displaced', from: node.id, to, index, disk: incarnation, why })
  return true
}

/** This disk does not count under this name: it rests, and neither stands nor votes. Later news of its own count for more. */
export function hearDisplaced(node: Participant, { index, disk, why }: Displaced): void {
  if (node.role === 'leader' || disk !== node.self.incarnation) return
  if (node.displaced || node.log.configuration.index > index) return
  node.displaced = { index, why }
  node.founding = null
  node.role = 'follower'
  node.effects.events.push({ event: 'displaced', why })
}
