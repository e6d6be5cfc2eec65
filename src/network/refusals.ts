import type { Clock, Event, NodeId } from '../contracts.js'
import { oneLine } from '../text.js'
import { noticePace, Paced } from './pacing.js'

declare module '../events.js' {
  interface EventDetails {
    peer_refused: { peer: NodeId | null; remote: string | undefined; reason: string; unnoticed?: number }
  }
}

/** Characters of a reason at most. A reason may quote more than one string that a stranger sent. */
const reasonLength = 400

/** Reports nodes that were turned away on the peer port: at a pace, and in words that are safe to print. */
export class Refusals {
  readonly #notice: (event: Event) => void
  readonly #paced: Paced

  constructor({ clock, notice }: { readonly clock: Clock; readonly notice: (event: Event) => void }) {
    this.#notice = notice
    this.#paced = new Paced(noticePace, clock)
  }

  report(peer: NodeId | null, remote: string | undefined, reason: string): void {
    const said = { peer: peer === null ? null : oneLine(peer, 64), remote, reason: oneLine(reason, reasonLength) }
    this.#paced.pass((more) => this.#notice({ event: 'peer_refused', ...said, ...more }))
  }
}
