import type { Message, Network, NodeId } from '../contracts.js'

/** One direction of a link, as `n1>n2`. */
export type Direction = `${NodeId}>${NodeId}`

/** A network whose links can be cut, each way by itself: what is sent over a cut link is lost, without a word to anybody. */
export class FaultyNetwork implements Network {
  readonly #network: Network
  readonly #cut = new Set<Direction>()

  constructor(network: Network) {
    this.#network = network
  }

  cut(direction: Direction): void {
    this.#cut.add(direction)
  }

  heal(): void {
    this.#cut.clear()
  }

  start(receive: (message: Message) => void): Promise<void> {
    // The receiver looks too: what was on its way when the link was cut is lost as well.
    return this.#network.start((message) => {
      if (this.#passes(message)) receive(message)
    })
  }

  send(message: Message): void {
    if (this.#passes(message)) this.#network.send(message)
  }

  stop(): Promise<void> {
    return this.#network.stop()
  }

  #passes({ from, to }: Message): boolean {
    return this.#cut.size === 0 || !this.#cut.has(`${from}>${to}`)
  }
}
