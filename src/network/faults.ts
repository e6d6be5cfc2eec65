import { systemClock, systemRandom } from '../clock.js'
import type { Clock, Foreigner, Greeting, Identity, Member, Message, Network, NodeId, Random } from '../contracts.js'

/** One direction of a link, as `n1>n2`. */
export type Direction = `${NodeId}>${NodeId}`

/**
 * The extra time that each message takes. It is drawn anew for each message, so messages overtake each other. Null adds
 * no time.
 */
export type Delay = { readonly minMs: number; readonly maxMs: number } | null

/**
 * A network whose links can be cut, each direction by itself, and whose messages can be delayed. A message sent over a
 * cut link is lost, and neither side is told.
 */
export class FaultyNetwork implements Network {
  readonly #network: Network
  readonly #world: { readonly clock: Clock; readonly random: Random }
  readonly #lost: ((message: Message) => void) | undefined
  readonly #cut = new Set<Direction>()
  #delay: Delay = null

  /** @param lost hears of each message that a cut link loses */
  constructor(
    network: Network,
    world = { clock: systemClock, random: systemRandom },
    lost?: (message: Message) => void,
  ) {
    this.#network = network
    this.#world = world
    this.#lost = lost
  }

  cut(direction: Direction): void {
    this.#cut.add(direction)
  }

  heal(): void {
    this.#cut.clear()
  }

  /** Delays all messages sent from now on. */
  delay(delay: Delay): void {
    this.#delay = delay
  }

  start(
    receive: (message: Message) => void,
    meet?: (node: Foreigner) => void,
    greet?: (peer: Greeting) => void,
  ): Promise<void> {
    // The receiver checks too: a message that was on its way when the link was cut is lost as well.
    return this.#network.start(
      (message) => {
        if (this.#passes(message)) receive(message)
      },
      meet,
      greet,
    )
  }

  setIdentity(identity: Identity): void {
    this.#network.setIdentity(identity)
  }

  send(message: Message): void {
    if (!this.#passes(message)) return
    if (!this.#delay) return this.#network.send(message)
    const { clock, random } = this.#world
    const { minMs, maxMs } = this.#delay
    clock.after(minMs + random.next() * (maxMs - minMs), () => this.#network.send(message))
  }

  setPeers(peers: readonly Member[]): void {
    this.#network.setPeers(peers)
  }

  stop(): Promise<void> {
    return this.#network.stop()
  }

  #passes(message: Message): boolean {
    if (this.#cut.size === 0 || !this.#cut.has(`${message.from}>${message.to}`)) return true
    this.#lost?.(message)
    return false
  }
}
