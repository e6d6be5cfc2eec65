import type { Message, NodeId } from '../../src/contracts.js'
import type { Listener } from './listener.js'

declare module '../../src/events.js' {
  interface EventDetails {
    leader_silent: { leader: NodeId | null }
  }
}

/** A leader has spoken: it is alive, and it is this one (§5.2). */
export function heed(node: Listener, { from }: Message): void {
  node.silentTicks = 0
  node.leader = from
}

/**
 * A follower that has not heard its leader for `electionTicks` takes it for dead, and tells clients so instead of
 * sending them there. Silence is counted in ticks, and missed ticks are not made up for: a process that was stopped
 * reads the messages that have arrived before it judges. The leader itself does not count, also while its disk takes
 * its time at the start.
 */
export function noticeSilence(node: Listener): void {
  if (node.leader === node.id || node.leader === null) return
  if (++node.silentTicks < node.timing.electionTicks) return
  node.effects.events.push({ event: 'leader_silent', leader: node.leader })
  node.leader = null
}
