import type { Socket } from 'node:net'
import type { NetworkOptions } from './options.js'
import { type Share, Tally } from './tally.js'

/** Bytes of unfinished frames that all guests together may make a node keep: room for more than one leader's batch. */
const guestBytes = 40 * 1024 * 1024

/** The unfinished frames of guests: nodes that are heard, and are no peers. All of them together are kept within bounds. */
export class Unfinished {
  readonly #notice: NetworkOptions['notice']
  readonly #guests = new Tally(guestBytes)
  /** The share of each guest with an unfinished frame; the frame that has been unfinished for longest comes first. */
  readonly #holding = new Map<Socket, Share>()

  constructor(notice: NetworkOptions['notice']) {
    this.#notice = notice
  }

  /**
   * Counts the bytes of a guest's unfinished frame; 0 if it has none. While all guests together hold too much, the
   * connection with the oldest frame is ended.
   */
  hold(socket: Socket, bytes: number): void {
    const share = this.#holding.get(socket)
    if (bytes === 0) {
      share?.set(0)
      this.#holding.delete(socket)
      return
    }
    if (socket.destroyed) return
    if (share) share.set(bytes)
    else {
      const first = this.#guests.share()
      first.set(bytes)
      this.#holding.set(socket, first)
    }
    while (this.#guests.isOver) {
      const [oldest] = this.#holding.keys()
      if (!oldest) return
      const reason = 'the unfinished frames of those that are no peers take all the memory that they may'
      this.#notice({ event: 'peer_refused', peer: null, remote: oldest.remoteAddress, reason })
      this.hold(oldest, 0)
      oldest.destroy()
    }
  }
}
