import { ClientShell } from '../../client-shell.js'
import type { Command, NodeId, Outcome } from '../../contracts.js'
import type { Operation } from '../linearizability/index.js'
import type { SimulatedCluster } from './cluster.js'
import { SimulatedConnection } from './connection.js'

/** Virtual milliseconds of one way between a client and a node. */
const delayMs = 1

/** A client of a simulated cluster: the rules of the stage's client over simulated connections and virtual time. */
export class SimulatedClient {
  readonly name: string
  readonly #cluster: SimulatedCluster
  readonly #shell: ClientShell
  readonly #connections = new Map<string, SimulatedConnection>()

  /**
   * @param deadlineMs virtual milliseconds that a call may take; the client rules' own deadline if it is left out
   * @throws Error if the stage has no client
   */
  constructor(cluster: SimulatedCluster, name: string, deadlineMs?: number) {
    this.name = name
    this.#cluster = cluster
    const addresses = cluster.members.map(({ client }) => client)
    const { timeline } = cluster
    const clock = { now: () => timeline.now, after: (ms: number, task: () => void) => timeline.after(ms, task) }
    this.#shell = new ClientShell(cluster.stage, deadlineMs === undefined ? { addresses } : { addresses, deadlineMs }, {
      clock,
      connect: (address) => this.#connect(address),
      drop: (address) => this.#drop(address),
      send: (address, message) => this.#connections.get(address)!.send(message),
    })
  }

  /** Makes a call. @param at the only node to ask; null if the client may choose */
  call(command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    const pinned = at === null ? undefined : this.#cluster.members.find(({ id }) => id === at)!.client
    this.#shell.call(command, { at: pinned }, settle)
  }

  /** Closes the client and its connections. A call under way may have been performed, or may still be. */
  hangUp(): void {
    for (const connection of this.#connections.values()) connection.close()
    this.#shell.close()
  }

  #drop(address: string): void {
    this.#connections.get(address)?.close()
    this.#shell.disconnected(address, 'dropped by the client')
  }

  #connect(address: string): void {
    const node = this.#cluster.members.find(({ client }) => client === address)
    if (!node) return this.#shell.disconnected(address, 'there is no such address')
    const connection = new SimulatedConnection(this.#cluster, node.id, delayMs, {
      connected: () => this.#shell.connected(address),
      answered: (id, answer) => this.#shell.answered(address, [{ id, answer }]),
      broken: (reason) => this.#shell.disconnected(address, reason),
    })
    this.#connections.set(address, connection)
  }
}

/** An operation with the node that was asked; null if the client chose the node. */
export type Asked = Operation & { readonly at: NodeId | null }

type Question = Omit<Asked, 'return' | 'outcome'>

/** Records the calls and outcomes of clients, for the linearizability checker; times are virtual milliseconds. */
export class History {
  readonly #operations: Asked[] = []
  readonly #open = new Set<Question>()

  asked(client: string, command: Command, at: NodeId | null, call: number): Question {
    const id = this.#open.size + this.#operations.length
    const operation = { client, id, command: command as Asked['command'], at, call }
    this.#open.add(operation)
    return operation
  }

  answered(asked: Question, outcome: Outcome, moment: number): void {
    if (this.#open.delete(asked)) this.#operations.push({ ...asked, return: moment, ...outcome } as Asked)
  }

  /** Lists all operations; calls without an answer count as unknown. */
  complete(): Asked[] {
    const open = [...this.#open].map((asked) => ({ ...asked, return: null, outcome: 'unknown' as const }) as Asked)
    return [...this.#operations, ...open]
  }
}
