import type { Socket } from 'node:net'

/** Connections at a time on which nobody has said yet who it is. */
const mostSilent = 64

/**
 * The connections of a port between nodes. There are never more than its limit, and a newcomer always comes in: the
 * oldest of those that are least needed makes room, so that whoever fills the port keeps no peer out of it.
 */
export class Door {
  readonly #limit: number
  readonly #isBusy: (socket: Socket) => boolean
  /** Each oldest first: those that have said nothing, and those that are not known as peers. */
  readonly #silent = new Set<Socket>()
  readonly #strangers = new Set<Socket>()
  readonly #known = new Set<Socket>()

  /** @param isBusy whether somebody waits for an answer there */
  constructor(limit: number, isBusy: (socket: Socket) => boolean = () => true) {
    this.#limit = limit
    this.#isBusy = isBusy
  }

  /** @returns the connection that has to end for it, if any */
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

  /** It speaks as it should, and nobody knows yet who it is. */
  spoke(socket: Socket): void {
    if (this.#silent.delete(socket)) this.#strangers.add(socket)
  }

  /** It has said who it is, and is heard. */
  known(socket: Socket): void {
    if (this.#silent.delete(socket) || this.#strangers.delete(socket)) this.#known.add(socket)
  }

  left(socket: Socket): void {
    for (const kind of [this.#silent, this.#strangers, this.#known]) kind.delete(socket)
  }
}
