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

/**
 * Tells a node that its disk does not count. The message names the disk: another node may bear the same name.
 *
 * @returns whether the node was told; it is not while the latest configuration is not committed
 */
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

/**
 * A node hears that its disk does not count under its name: it rests, and neither stands nor votes. A later
 * configuration in its own log counts for more.
 */
export function hearDisplaced(node: Participant, { index, disk, why }: Displaced): void {
  if (node.role === 'leader' || disk !== node.self.incarnation) return
  if (node.displaced || node.log.configuration.index > index) return
  node.displaced = { index, why }
  node.founding = null
  node.role = 'follower'
  node.effects.events.push({ event: 'displaced', why })
}
