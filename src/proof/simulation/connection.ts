import type { Answer, NodeId, NumberedCommand } from '../../contracts.js'
import type { SimulatedCluster } from './cluster.js'

/** The client's end of a connection: it hears what comes of it. */
export interface ConnectionListener {
  connected(): void
  answered(id: unknown, answer: Answer): void
  /** The connection broke, or was refused; nothing more is heard of it. */
  broken(reason: string): void
}

/**
 * A client's connection to a simulated node, as TCP has it: it is made with a delay, carries everything whole and in
 * order, and ends with the process at either end. A process that is paused is connected to by its operating system, and
 * says nothing. Cut links are between nodes: clients reach every node.
 */
export class SimulatedConnection {
  readonly #cluster: SimulatedCluster
  readonly #node: NodeId
  readonly #delayMs: number
  readonly #listener: ConnectionListener
  /** Whether the process that took the connection is there. */
  #isServed = false
  #isClosed = false

  /** @param delayMs one way between the client and the node, virtual milliseconds */
  constructor(cluster: SimulatedCluster, node: NodeId, delayMs: number, listener: ConnectionListener) {
    this.#cluster = cluster
    this.#node = node
    this.#delayMs = delayMs
    this.#listener = listener
    this.#later(() => this.#arrive())
  }

  send({ id, ...command }: NumberedCommand): void {
    this.#later(() => {
      if (!this.#isServed) return
      this.#cluster.ask(this.#node, command, (answer) => {
        if (this.#isServed) this.#tell(() => this.#listener.answered(id, answer))
      })
    })
  }

  /** The client's process ends the connection, and hears no more of it. What is on its way arrives. */
  close(): void {
    this.#isClosed = true
    this.#later(() => {
      this.#isServed = false
      this.#cluster.left(this.#node, this)
    })
  }

  /** The node's process has ended. */
  ended(): void {
    this.#isServed = false
    this.#tell(() => this.#listener.broken('closed by the node'))
  }

  #arrive(): void {
    if (this.#isClosed) return
    this.#isServed = this.#cluster.joined(this.#node, this)
    if (this.#isServed) this.#tell(() => this.#listener.connected())
    else this.#tell(() => this.#listener.broken('nobody listens there'))
  }

  #tell(what: () => void): void {
    this.#later(() => {
      if (!this.#isClosed) what()
    })
  }

  #later(task: () => void): void {
    this.#cluster.timeline.schedule(this.#delayMs, task)
  }
}
