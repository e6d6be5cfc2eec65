import type { NodeId } from '../contracts.js'
import { type Link, type Links, quoted } from './links.js'
import type { TcpOptions } from './tcp.js'

/** What is said first on a connection, as it came: whoever said it may be anybody. */
export interface Hello {
  readonly cluster: unknown
  readonly from: unknown
  readonly to: unknown
  /** Where its sender listens for nodes; left out by who only answers. */
  readonly address?: unknown
}

/** The connections that other nodes have made to us. A guest is one for as long as one of its own stands. */
export class Visits {
  readonly #options: Pick<TcpOptions, 'self' | 'cluster'>
  readonly #links: Links<Link>
  readonly #visits = new Map<NodeId, Set<() => void>>()

  constructor(options: Pick<TcpOptions, 'self' | 'cluster'>, links: Links<Link>) {
    this.#options = options
    this.#links = links
  }

  /**
   * @param hangUp ends the connection
   * @returns who it is, and what to call when the connection has ended, however it did
   * @throws Error that says why it is not to be heard
   */
  enter({ cluster, from, to, address }: Hello, hangUp: () => void): { from: NodeId; leave: () => void } {
    if (cluster !== this.#options.cluster) throw new Error(`it belongs to the cluster ${quoted(cluster)}`)
    if (to !== this.#options.self) throw new Error(`it is looking for ${quoted(to)}`)
    const { id } = this.#links.welcome(from, address).peer
    const visits = this.#visits.get(id) ?? new Set()
    const earlier = [...visits]
    this.#visits.set(id, visits.add(hangUp))
    // A node has one connection to us: an earlier one of its is dead, and nobody has told us.
    for (const end of earlier) end()
    const leave = () => {
      if (!visits.delete(hangUp) || visits.size > 0) return
      this.#visits.delete(id)
      this.#links.forget(id)
    }
    return { from: id, leave }
  }

  hangUpOn(id: NodeId): void {
    for (const hangUp of this.#visits.get(id) ?? []) hangUp()
  }
}
