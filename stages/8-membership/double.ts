import type { Foreigner } from '../../src/contracts.js'
import type { Participant } from './participant.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** A peer hears another node with this one's name and disk, which listens at that address. */
    doubled: { address: string }
    /** No peer has said so any more for a while. */
    double_gone: { address: string }
  }
}

/** Election time-outs without a word about the double, after which this node takes it to be gone. */
const goneAfter = 10

/**
 * A peer refuses this node because it hears its double: one of the two folders is a copy of the other. The one that
 * listens where the configuration says counts. The other one rests, or it would stand for election for ever.
 */
export function meetDouble(node: Participant, { id, incarnation, address }: Foreigner): void {
  if (id !== node.id || incarnation !== node.self.incarnation || address === undefined) return
  if (node.double?.address !== address) node.effects.events.push({ event: 'doubled', address })
  node.double = { address, toldAt: node.ticks }
}

/** A node whose double is gone goes on: no peer refuses it any more. */
export function forgetDouble(node: Participant): void {
  const { double, ticks, timing } = node
  if (!double || ticks - double.toldAt < goneAfter * timing.electionTicks) return
  node.double = null
  node.effects.events.push({ event: 'double_gone', address: double.address })
}
