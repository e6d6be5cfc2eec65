import type { Socket } from 'node:net'

/** Connections open at the same time whose other side has not said anything yet. */
const mostSilent = 64

/**
 * The connections of a port between nodes. There are never more than its limit, and a newcomer always comes in: the
 * oldest of the least needed connections makes room. So a stranger that fills the port keeps no peer out.
 */
export class Door {
  readonly #limit: number
  readonly #isBusy: (socket: Socket) => boolean
  /** Connections that have sent nothing yet, the oldest first. */
  readonly #silent = new Set<Socket>()
  /** Connections that speak the protocol, from a sender not yet known as a peer, the oldest first. */
  readonly #strangers = new Set<Socket>()
  /** Connections of known senders, the oldest first. */
  readonly #known = new Set<Socket>()

  /** @param isBusy whether a request waits for its answer on this connection */
  constructor(limit: number, isBusy: (socket: Socket) => boolean = () => true) {
    this.#limit = limit
    this.#isBusy = isBusy
  }

  /** Takes a new connection in. @returns the connection that has to end to make room, if any */
  enter(socket: Socket): Socket | undefined {
    const isFull = this.#silent.size + this.#strangers.size + this.#known.size >= this.#limit
    const leaves = isFull || this.#silent.size >= mostSilent ? this.#leastNeeded() : undefined
    if (leaves) this.left(leaves)
    this.#silent.add(socket)
    return leaves
  }

  #leastNeeded(): Socket | undefined {
    const [silent] = this.#silent
    if (silent) return silent
    for (const stranger of this.#strangers) if (!this.#isBusy(stranger)) return stranger
    const [stranger] = this.#strangers
    const [known] = this.#known
    return stranger ?? known
  }

  /** Notes that a connection speaks the protocol, from a sender not yet known. */
  spoke(socket: Socket): void {
    if (this.#silent.delete(socket)) this.#strangers.add(socket)
  }

  /** Notes that the sender on a connection has said who it is, and is heard. */
  known(socket: Socket): void {
    if (this.#silent.delete(socket) || this.#strangers.delete(socket)) this.#known.add(socket)
  }

  left(socket: Socket): void {
    for (const kind of [this.#silent, this.#strangers, this.#known]) kind.delete(socket)
  }
}
