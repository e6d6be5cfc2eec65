import type { Identity, NodeId } from '../contracts.js'
import { keyOf, type Link, type Links } from './links.js'
import { ForeignError, type Passport } from './passport.js'
import type { TcpOptions } from './tcp.js'

/** What is said first on a connection, as it came: whoever said it may be anybody. */
export interface Hello extends Identity {
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
  readonly #passport: Passport
  /** By the key of the link on which they are answered. */
  readonly #visits = new Map<string, Set<() => void>>()

  constructor(options: Pick<TcpOptions, 'self' | 'cluster'>, links: Links<Link>, passport: Passport) {
    this.#options = options
    this.#links = links
    this.#passport = passport
  }

  /**
   * @param hangUp ends the connection
   * @returns who it is, and what to call when the connection has ended, however it did
   * @throws Error that says why it is not to be heard; ForeignError if it belongs to another cluster
   */
  enter(hello: Hello, hangUp: () => void): { from: NodeId; leave: () => void } {
    const { cluster, from, to, address, incarnation } = hello
    if (cluster !== this.#options.cluster) throw new Error(`it belongs to the cluster ${JSON.stringify(cluster)}`)
    if (to !== this.#options.self) throw new Error(`it is looking for ${JSON.stringify(to)}`)
    if (this.#passport.refuses(from, hello)) throw new ForeignError(`${String(from)} belongs to another cluster`)
    const { peer } = this.#links.welcome(from, address, incarnation)
    const { id } = peer
    const key = keyOf(peer)
    const visits = this.#visits.get(key) ?? new Set()
    this.#visits.set(key, visits.add(hangUp))
    const leave = () => {
      if (!visits.delete(hangUp) || visits.size > 0) return
      this.#visits.delete(key)
      this.#links.forget(peer)
    }
    return { from: id, leave }
  }

  hangUpOn(id: NodeId): void {
    for (const hangUp of this.#visits.get(id) ?? []) hangUp()
  }
}
