import type { Answer, NodeId, NumberedCommand } from '../../contracts.js'
import type { SimulatedCluster } from './cluster.js'

/** The client's end of a connection, which is told what happens on it. */
export interface ConnectionListener {
  connected(): void
  answered(id: unknown, answer: Answer): void
  /** The connection broke, or was refused; it reports nothing more. */
  broken(reason: string): void
}

/**
 * A client's connection to a simulated node, as TCP has it: it is made with a delay, carries requests and answers whole
 * and in order, and ends with the process at either end. For a paused process the operating system accepts connections,
 * and the process says nothing. Cut links are between nodes: clients reach every node.
 */
export class SimulatedConnection {
  readonly #cluster: SimulatedCluster
  readonly #node: NodeId
  readonly #delayMs: number
  readonly #listener: ConnectionListener
  /** True while the process that accepted the connection runs. */
  #isServed = false
  #isClosed = false

  /** @param delayMs virtual milliseconds of one way between the client and the node */
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

  /** Ends the connection from the client's side, which is told nothing more. Requests on their way arrive. */
  close(): void {
    this.#isClosed = true
    this.#later(() => {
      this.#isServed = false
      this.#cluster.left(this.#node, this)
    })
  }

  /** Notes that the node's process has ended. */
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
