import type { Clock, Event, NodeId } from '../contracts.js'
import { oneLine } from '../text.js'
import { noticePace, Paced } from './pacing.js'

declare module '../events.js' {
  interface EventDetails {
    peer_refused: { peer: NodeId | null; remote: string | undefined; reason: string; unnoticed?: number }
  }
}

/** A reason may quote more than one thing that a stranger said. */
const reasonLength = 400

/** Tells of those who were turned away on the peer port: paced, and in words that are safe to read. */
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
